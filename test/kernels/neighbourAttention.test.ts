import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { neighbourAttention } from "../../src/kernels/edges/neighbourAttention.ts";
import { neighbourAttentionShapes } from "../../src/kernels/edges/neighbourAttentionVariants.ts";
import { stepExample } from "../../src/kernels/example.ts";
import * as twin from "../../src/reference/neighbourAttention.ts";
import { randomArray, runKernels, testGpu } from "../harness.ts";

const shape = neighbourAttentionShapes.find(({ dropout }) => dropout > 0)!;
const { atoms, slots, heads, head } = shape;
const width = heads * head;
const words = stepExample().contents as Uint32Array;

/** Directions of as many slots as an atom uses; the others are free. */
function edgesOf(used: (atom: number) => number): Float32Array {
  const edges = new Float32Array(4 * atoms * slots);
  const random = randomArray(edges.length, 3);
  for (let at = 0; at < edges.length; at += 4) {
    if ((at / 4) % slots >= used(Math.floor(at / 4 / slots))) continue;
    const [x, y, z] = random.subarray(at, at + 3) as unknown as [number, number, number];
    edges.set([x, y, z].map((value) => value / Math.hypot(x, y, z)).concat(1), at);
  }
  return edges;
}

describe("dropout of neighbour attention", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  it("has the gradient that differences of the forward pass give, with the same mask", () => {
    const kept = twin.keptOf(shape, words)!;
    const edges = edgesOf((atom) => atom % (slots + 1));
    const qkv = Float64Array.from(randomArray(atoms * slots * 3 * width, 1));
    const gradY = Float64Array.from(randomArray(atoms * slots * width, 2));
    const bias = 0.7;
    const loss = (of: { qkv: Float64Array; bias: number }) =>
      twin.neighbourAttention(shape, { ...of, edges, kept }).y.reduce((sum, y, at) => sum + y * gradY[at]!, 0);
    const forward = twin.neighbourAttention(shape, { qkv, edges, bias, kept });
    const { gradQkv, gradBias } = twin.neighbourAttentionGrad(shape, { qkv, edges, bias, kept }, { ...forward, gradY });
    const step = 1e-5;
    const changed = (at: number, by: number) => qkv.map((value, i) => (i === at ? value + by : value));
    for (let at = 0; at < qkv.length; at += 37) {
      const slope = loss({ qkv: changed(at, step), bias }) - loss({ qkv: changed(at, -step), bias });
      expect(slope / (2 * step), `${at}`).toBeCloseTo(gradQkv[at]!, 7);
    }
    const slope = loss({ qkv, bias: bias + step }) - loss({ qkv, bias: bias - step });
    expect(slope / (2 * step)).toBeCloseTo(gradBias, 7);
  });

  /** Results where all values are 1: what is left of an atom's probabilities, summed. */
  async function left(rate: number, samples: number, part: { first: number; count: number; seed?: number }) {
    const { first, count, seed = 7 } = part;
    const own = {
      qkv: new Float32Array(count * slots * 3 * width).fill(1),
      edges: new Float32Array(count * slots * 4),
    };
    own.edges.fill(1);
    const { y } = await runKernels(
      gpu,
      {
        qkv: { shape: [count, slots, 3 * width], data: own.qkv },
        edges: { shape: [count, slots, 4], data: own.edges },
        bias: { shape: [1], data: new Float32Array(1) },
        step: { shape: [8], data: Uint32Array.of(seed, 0, 3, first, 0, 0, 0, 0) },
      },
      { y: { shape: [count, slots, width] }, logSumExp: { shape: [count, slots, heads] } },
      (ctx, { step, ...tensors }) => {
        const dropout = { rate, stream: 4, step, samples };
        neighbourAttention(ctx, { label: "attention", ...tensors, heads, dropout });
      },
    );
    return y as Float32Array;
  }

  it("drops the stated share, the same whatever the parts of a batch, other for another seed", async () => {
    const structure = 60;
    const whole = await left(0.3, 4, { first: 2, count: 4 * structure });
    const mean = whole.reduce((sum, value) => sum + value, 0) / whole.length;
    // Of so many independent draws, slots of them in each result: four standard deviations.
    const draws = 4 * structure * slots * slots * heads;
    expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt(0.3 / 0.7 / draws));
    const parts = [await left(0.3, 2, { first: 2, count: 2 * structure })];
    parts.push(await left(0.3, 2, { first: 4, count: 2 * structure }));
    expect(parts.flatMap((part) => Array.from(part))).toEqual(Array.from(whole));
    expect(parts[0]).not.toEqual(parts[1]);
    expect(await left(0.3, 4, { first: 2, count: 4 * structure, seed: 8 })).not.toEqual(whole);
    expect(new Set(await left(0, 1, { first: 0, count: 3 }))).toEqual(new Set([1]));
  });

  it("refuses a rate of 1, and structures that do not divide the atoms", async () => {
    await expect(left(1, 1, { first: 0, count: 3 })).rejects.toMatchObject({ code: "bad-option" });
    await expect(left(0.5, 2, { first: 0, count: 3 })).rejects.toMatchObject({ code: "bad-shape" });
  });
});
