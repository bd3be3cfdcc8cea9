import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TERMS, type Term } from "../../../src/analysis/lossTerms.ts";
import { decomposeSums } from "../../../src/equivariance/estimators.ts";
import { huber } from "../../../src/equivariance/losses.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { Random } from "../../../src/random.ts";
import { flowTerms, type FlowTermsOptions } from "../../../src/tasks/flow/flowTerms.ts";
import { measureFlowModel } from "../../../src/tasks/flow/measureModel.ts";
import type { ModelTerms } from "../../../src/training/task.ts";
import { testGpu } from "../../harness.ts";
import { trainedFlow } from "./trainedFlow.ts";

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const length = (a: Float64Array) => Math.sqrt(dot(a, a));
const along = (w: Float64Array, v: Float64Array, h: number) => w.map((value, i) => value + h * v[i]!);
const LOSSES = { total: "lossTotal", mean: "lossMean", equiv: "lossEquiv" } as const;
const rotations = 3;

describe("the terms of a flow-matching model's loss", () => {
  let gpu: Gpu;
  let small: Awaited<ReturnType<typeof trainedFlow>>;
  let terms: ModelTerms;
  const made: { destroy(): void }[] = [];
  beforeAll(async () => {
    gpu = await testGpu();
    small = await trainedFlow(gpu);
    terms = await termsOf();
  });
  afterAll(() => {
    for (const one of made) one.destroy();
  });

  async function termsOf(more: Partial<FlowTermsOptions> = {}): Promise<ModelTerms> {
    const found = await flowTerms(gpu, { ...small, rotations, ...more });
    made.push(found);
    return found;
  }
  const lossOf = async (of: ModelTerms, term: Term, weights = of.weights) =>
    decomposeSums(await of.sums(weights), of.sampling)[LOSSES[term]];

  it.each([24, 5])("are those of a measurement under %i rotations, of chains of unequal sizes", async (under) => {
    const { model, data } = small;
    const sizes = new Set(Array.from({ length: data.count }, (_, i) => data.offsets[i + 1]! - data.offsets[i]!));
    expect(sizes.size).toBeGreaterThan(1);
    const options = { group: "octahedral", rotations: under, seed: 7, precision: "f32" } as const;
    const measurer = await measureFlowModel(gpu, { model, data, ...options, interpolation: "catmullRom" });
    made.push(measurer);
    for (let i = 0; i < data.count; i++) await measurer.add(i);
    const expected = measurer.result();
    if (expected.kind !== "decomposition") throw new Error("not a decomposition");
    const own = await termsOf({ rotations: under, seed: 7 });
    const found = decomposeSums(await own.sums(own.weights), own.sampling);
    const names = ["lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquivStdErr", "lossTotalStdErr"] as const;
    for (const name of names) expect(found[name] / expected[name], name).toBeCloseTo(1, 6);
  });

  it("have gradients that differences of the losses agree with", async () => {
    const random = new Random(3);
    // Relative to each parameter's size, as biases and tables are small beside the rest.
    const v = new Float64Array(terms.weights.length);
    for (const { offset, size } of terms.layout) {
      const scale = length(terms.weights.subarray(offset, offset + size)) / Math.sqrt(size) || 0.01;
      for (let i = offset; i < offset + size; i++) v[i] = scale * random.normal();
    }
    const at = (h: number) => along(terms.weights, v, h);
    for (const term of TERMS) {
      const gradient = await terms.gradient(term, terms.weights);
      const difference = async (h: number) => {
        const [ahead, behind] = [await lossOf(terms, term, at(h)), await lossOf(terms, term, at(-h))];
        return (ahead - behind) / (2 * h);
      };
      // The error in h^2 falls out.
      const expected = (4 * (await difference(2e-3)) - (await difference(4e-3))) / 3;
      const scale = length(gradient.map((value, i) => value * v[i]!));
      expect(Math.abs(dot(gradient, v) - expected), term).toBeLessThan(1e-3 * scale);
    }
  });

  it("hold self-conditions fixed", async () => {
    // Endpoints are linear in the head's matrix, and the loss a polynomial of degree two, but for self-conditions.
    const { offset, size } = terms.layout.find(({ name }) => name === "head.out.weight")!;
    const v = new Float64Array(terms.weights.length);
    for (let i = offset; i < offset + size; i++) v[i] = terms.weights[i]!;
    const losses = await Promise.all([-2, -1, 0, 1].map((h) => lossOf(terms, "total", along(terms.weights, v, h))));
    const [a, b, c, d] = losses as [number, number, number, number];
    expect(Math.abs(d - 3 * c + 3 * b - a)).toBeLessThan(1e-5 * Math.abs(d - c));
  });

  it("add up: grad L = grad L_mean + grad L_equiv, and parts to the whole", async () => {
    const [total, mean, equiv] = await Promise.all(TERMS.map((term) => terms.gradient(term, terms.weights)));
    const scale = length(total!);
    expect(length(equiv!)).toBeGreaterThan(0.01 * scale);
    total!.forEach((value, i) => expect(Math.abs(value - mean![i]! - equiv![i]!)).toBeLessThan(1e-6 * scale));
    const first = await terms.gradient("total", terms.weights, { to: 1 });
    const rest = await terms.gradient("total", terms.weights, { from: 1 });
    total!.forEach((value, i) => expect(Math.abs(value - (first[i]! + 2 * rest[i]!) / 3)).toBeLessThan(1e-6 * scale));
  });

  it("do not depend on how many copies go into a replay, and are the same bit by bit twice", async () => {
    const chunked = await termsOf({ chunk: 1 });
    const gradient = await terms.gradient("equiv", terms.weights);
    expect(await terms.gradient("equiv", terms.weights)).toEqual(gradient);
    const other = await chunked.gradient("equiv", terms.weights);
    const scale = length(gradient);
    gradient.forEach((value, i) => expect(Math.abs(value - other[i]!)).toBeLessThan(3e-6 * scale));
    expect(await chunked.sums(terms.weights)).toEqual(await terms.sums(terms.weights));
  });

  it("have Gauss-Newton matrices that are symmetric, positive and add up", async () => {
    const random = new Random(5);
    const [u, v] = [0, 1].map(() => Float64Array.from(terms.weights, (w) => w * random.normal())) as [
      Float64Array,
      Float64Array,
    ];
    const products = (of: Float64Array) =>
      Promise.all(TERMS.map((term) => terms.gaussNewtonProduct(term, terms.weights, of, { to: 1 })));
    const [[total, mean, equiv], others] = await Promise.all([products(v), products(u)]);
    const scale = length(total!);
    total!.forEach((value, i) => expect(Math.abs(value - mean![i]! - equiv![i]!)).toBeLessThan(1e-5 * scale));
    const between = Math.sqrt(dot(v, total!) * dot(u, others[0]!));
    for (const [i, product] of [total!, mean!, equiv!].entries()) {
      // That of L_mean is an estimate from some of the rotations, which may be below zero.
      if (product !== mean) expect(dot(v, product)).toBeGreaterThan(0.01 * between);
      expect(Math.abs(dot(u, product) - dot(v, others[i]!))).toBeLessThan(1e-3 * between);
    }
  });

  it("refuse losses, places and rotations that there are not, stop when told, and free all", async () => {
    const before = gpu.allocatedBytes;
    for (const more of [{ chosen: Uint32Array.of(3) }, { rotations: 25 }, { loss: huber({ delta: 1 }) }]) {
      await expect(flowTerms(gpu, { ...small, ...more })).rejects.toMatchObject({ code: "bad-option" });
    }
    expect(gpu.allocatedBytes).toBe(before);
    const own = await flowTerms(gpu, { ...small, rotations: 2, chosen: Uint32Array.of(1) });
    await own.gradient("mean", own.weights);
    const signal = AbortSignal.abort();
    await expect(own.sums(own.weights, { signal })).rejects.toMatchObject({ code: "aborted" });
    await expect(own.sums(own.weights.subarray(1))).rejects.toMatchObject({ code: "bad-shape" });
    own.destroy();
    await Promise.resolve();
    expect(gpu.allocatedBytes).toBe(before);
  });
});
