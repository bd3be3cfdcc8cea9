import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TERMS } from "../../../src/analysis/lossTerms.ts";
import { decomposeSums } from "../../../src/equivariance/estimators.ts";
import { projectKernel } from "../../../src/equivariance/projection.ts";
import { drawOctahedral } from "../../../src/equivariance/rotations.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { Random } from "../../../src/random.ts";
import { VoxelEvaluator } from "../../../src/tasks/voxels/voxelEvaluator.ts";
import { VoxelTerms, type VoxelTermsOptions } from "../../../src/tasks/voxels/voxelTerms.ts";
import { testGpu } from "../../harness.ts";
import { clouds } from "./clouds.ts";
import { CHANNELS, gaussNewtonForm, GRID, loss, network, parameters, type TwinSample } from "./termsTwin.ts";

const SEED = 11;
const options = (more: Partial<VoxelTermsOptions> = {}): VoxelTermsOptions => ({
  molecules: clouds(3, 1, CHANNELS),
  ...{ grid: GRID, channels: CHANNELS, resolution: 1, sigma: 0.3, shift: 0.5, twirl: 24, seed: SEED },
  streams: { pose: 2, noise: 3 },
  ...{ parameters, network, load: (store) => initialise(store, parameters, 5) },
  ...more,
});

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const along = (w: Float64Array, v: Float64Array, h: number) => w.map((value, i) => value + h * v[i]!);

function directions(count: number, length: number): Float64Array[] {
  const random = new Random(3);
  return Array.from({ length: count }, () => Float64Array.from({ length }, () => random.normal()));
}

describe.each([24, 5])("the terms of a small network under %i rotations", (twirl) => {
  let gpu: Gpu;
  let terms: VoxelTerms;
  let samples: TwinSample[];
  const chosen = Uint32Array.of(2, 0);

  beforeAll(async () => {
    gpu = await testGpu();
    terms = await VoxelTerms.create(gpu, options({ twirl, chosen }));
    const evaluator = await VoxelEvaluator.create(gpu, options({ twirl }), (_, x) => x);
    samples = [];
    for (const index of chosen) {
      const { noisy, clean } = await evaluator.sample(index);
      const rotations = drawOctahedral(new Random(SEED + (index + 1) * 2 ** 32), twirl);
      samples.push({ noisy, clean, rotations });
    }
    evaluator.destroy();
  });
  afterAll(() => terms.destroy());

  it("are those of the float64 twin, at the model's weights and at others", async () => {
    const [v] = directions(1, terms.weights.length);
    for (const weights of [terms.weights, along(terms.weights, v!, 0.05)]) {
      const found = decomposeSums(await terms.sums(weights), terms.sampling);
      expect(found.lossTotal / loss("total", weights, samples)).toBeCloseTo(1, 5);
      expect(found.lossMean / loss("mean", weights, samples)).toBeCloseTo(1, 5);
      expect(found.lossEquiv / loss("equiv", weights, samples)).toBeCloseTo(1, 5);
    }
  });

  it("have the gradients of the twin's central differences, along all weights and along single ones", async () => {
    const single = [0, 200, 326, 331, 335, 500, 662].map((i) =>
      Float64Array.from(terms.weights, (_, j) => (i === j ? 1 : 0)),
    );
    for (const term of TERMS) {
      const gradient = await terms.gradient(term, terms.weights);
      const scale = Math.sqrt(dot(gradient, gradient));
      for (const v of [...directions(1, gradient.length), ...single]) {
        const h = 1e-4;
        const [plus, minus] = [h, -h].map((step) => loss(term, along(terms.weights, v, step), samples));
        const expected = (plus! - minus!) / (2 * h);
        expect(Math.abs(dot(gradient, v) - expected)).toBeLessThan(3e-5 * scale * Math.sqrt(dot(v, v)));
      }
    }
  });

  it("add up: grad L = grad L_mean + grad L_equiv, and samples to their mean", async () => {
    const [total, mean, equiv] = await gradients(terms);
    const scale = Math.sqrt(dot(total!, total!));
    total!.forEach((value, i) => expect(Math.abs(value - mean![i]! - equiv![i]!)).toBeLessThan(1e-6 * scale));
    const first = await terms.gradient("total", terms.weights, { to: 1 });
    const second = await terms.gradient("total", terms.weights, { from: 1 });
    total!.forEach((value, i) => expect(Math.abs(value - (first[i]! + second[i]!) / 2)).toBeLessThan(1e-6 * scale));
  });

  it("have the Gauss-Newton matrix of the twin", async () => {
    const [u, v] = directions(2, terms.weights.length) as [Float64Array, Float64Array];
    for (const term of TERMS) {
      const product = await terms.gaussNewtonProduct(term, terms.weights, v);
      const [uu, vv, uv] = [[u, u] as const, [v, v] as const, [u, v] as const].map((pair) =>
        gaussNewtonForm(term, terms.weights, pair, samples),
      );
      expect(dot(v, product) / vv!).toBeCloseTo(1, 3);
      expect(Math.abs(dot(u, product) - uv!) / Math.sqrt(uu! * vv!)).toBeLessThan(1e-3);
    }
  });

  it("are the same bit by bit twice, and nearly so in chunks", async () => {
    const chunked = await VoxelTerms.create(gpu, options({ twirl, chosen, chunk: 4 }));
    const [v] = directions(1, terms.weights.length);
    for (const term of TERMS) {
      const gradient = await terms.gradient(term, terms.weights);
      expect(await terms.gradient(term, terms.weights)).toEqual(gradient);
      const scale = Math.sqrt(dot(gradient, gradient));
      const other = await chunked.gradient(term, terms.weights);
      gradient.forEach((value, i) => expect(Math.abs(value - other[i]!)).toBeLessThan(3e-6 * scale));
      const whole = await terms.gaussNewtonProduct(term, terms.weights, v!);
      const parts = await chunked.gaussNewtonProduct(term, terms.weights, v!);
      const size = Math.sqrt(dot(whole, whole));
      whole.forEach((value, i) => expect(Math.abs(value - parts[i]!)).toBeLessThan(1e-3 * size));
    }
    chunked.destroy();
  });
});

const gradients = (terms: VoxelTerms) =>
  TERMS.reduce<Promise<Float64Array[]>>(
    async (before, term) => [...(await before), await terms.gradient(term, terms.weights)],
    Promise.resolve([]),
  );

describe("terms", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  it("of an exactly equivariant network have no gradient of L_equiv beyond rounding", async () => {
    const load: VoxelTermsOptions["load"] = (store) => {
      initialise(store, parameters, 5);
      for (const { name, kind, shape } of parameters) {
        if (kind !== "conv") continue;
        const random = new Random(9);
        const size = shape.reduce((a, b) => a * b, 1);
        store.write(
          name,
          projectKernel(
            Float32Array.from({ length: size }, () => 0.2 * random.normal()),
            3,
          ),
        );
      }
    };
    const terms = await VoxelTerms.create(gpu, options({ load }));
    const [total, mean, equiv] = await gradients(terms);
    const scale = Math.sqrt(dot(total!, total!));
    expect(Math.sqrt(dot(equiv!, equiv!))).toBeLessThan(1e-6 * scale);
    total!.forEach((value, i) => expect(Math.abs(value - mean![i]!)).toBeLessThan(1e-6 * scale));
    terms.destroy();
  });

  it("are not mixed up by calls at once", async () => {
    const terms = await VoxelTerms.create(gpu, options());
    const [v] = directions(1, terms.weights.length);
    const other = along(terms.weights, v!, 0.05);
    const one = [await terms.gradient("total", terms.weights), await terms.gradient("equiv", other)];
    const sums = await terms.sums(other);
    const all = await Promise.all([
      terms.gradient("total", terms.weights),
      terms.gradient("equiv", other),
      terms.sums(other),
    ]);
    expect(all).toEqual([...one, sums]);
    terms.destroy();
  });

  it("refuse places that there are not, and chunks of nothing", async () => {
    for (const chosen of [Uint32Array.of(3), new Uint32Array(0), Uint32Array.of(0, 1, 2, 0)]) {
      await expect(VoxelTerms.create(gpu, options({ chosen }))).rejects.toMatchObject({ code: "bad-option" });
    }
    await expect(VoxelTerms.create(gpu, options({ chunk: 0 }))).rejects.toMatchObject({ code: "bad-option" });
  });

  it("free what they made, when created and when they do not fit", async () => {
    const before = gpu.allocatedBytes;
    const terms = await VoxelTerms.create(gpu, options());
    await terms.gradient("total", terms.weights);
    await terms.gaussNewtonProduct("total", terms.weights, terms.weights);
    terms.destroy();
    expect(gpu.allocatedBytes).toBe(before);
    const load = () => {
      throw new Error("no weights");
    };
    await expect(VoxelTerms.create(gpu, options({ load }))).rejects.toThrow("no weights");
    expect(gpu.allocatedBytes).toBe(before);
  });

  it("stop when they are told to, and refuse samples that there are not", async () => {
    const terms = await VoxelTerms.create(gpu, options());
    const { weights } = terms;
    await expect(terms.gradient("total", weights, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
    for (const range of [{ from: 3 }, { to: 4 }, { from: 1, to: 1 }, { from: -1 }]) {
      await expect(terms.sums(weights, range)).rejects.toMatchObject({ code: "bad-option" });
    }
    await expect(terms.sums(weights.subarray(1))).rejects.toMatchObject({ code: "bad-shape" });
    terms.destroy();
  });
});
