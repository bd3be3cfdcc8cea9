import { describe, expect, it } from "vitest";
import { termGradients, type GradientResult } from "../../src/analysis/gradients.ts";
import { layersOf } from "../../src/analysis/layers.ts";
import type { LossTerms, WeightSlot } from "../../src/analysis/lossTerms.ts";
import { VoxtwirlError } from "../../src/errors.ts";
import { Random } from "../../src/random.ts";

const slot = (name: string, offset: number, size: number): WeightSlot => {
  return { name, kind: "vector", shape: [size], offset, size };
};
const layout = [slot("stem.weight", 0, 3), slot("stem.bias", 3, 1), slot("head", 4, 2)];

/** Terms whose gradients are given: of L and L_equiv for each sample. */
function given(samples: readonly { readonly total: number[]; readonly equiv: number[] }[]): LossTerms {
  const mean = (term: "total" | "equiv", from: number, to: number) =>
    Float64Array.from({ length: 6 }, (_, i) => {
      return samples.slice(from, to).reduce((sum, sample) => sum + sample[term][i]! / (to - from), 0);
    });
  return {
    layout,
    weights: new Float64Array(6),
    samples: samples.length,
    sampling: { rotations: 24, elements: 1 },
    sums: () => Promise.resolve(samples.map(() => ({ meanError: 3, spread: 24, zeroError: 5 }))),
    gradient(term, _, { from = 0, to = samples.length } = {}) {
      if (term === "mean") throw new Error("L_mean's is a difference");
      return Promise.resolve(mean(term, from, to));
    },
    gaussNewtonProduct: () => Promise.reject(new Error("not asked for")),
  };
}

const normal = (random: Random, scale: number) => Array.from({ length: 6 }, () => scale * random.normal());

describe("gradients of the terms", () => {
  it("have norms, an angle and a share by hand, whole and by layer", async () => {
    const result = await termGradients(given([{ total: [3, 0, 0, 4, 0, 0], equiv: [0, 0, 0, 4, 0, 3] }]));
    expect(result.total.norm).toBeCloseTo(5, 12);
    expect(result.equiv.norm).toBeCloseTo(5, 12);
    // grad L_mean = (3, 0, 0, 0, 0, -3).
    expect(result.mean.norm).toBeCloseTo(Math.sqrt(18), 12);
    expect(result.cosineMeanEquiv).toBeCloseTo(-9 / (5 * Math.sqrt(18)), 12);
    expect(result.percentGradient).toBeCloseTo(100, 12);
    expect(result.percentEquiv).toBeCloseTo(25, 12);
    const [stem, head] = result.byLayer;
    expect(stem).toMatchObject({ layer: "stem", weights: 4 });
    expect(stem!.total.norm).toBeCloseTo(5, 12);
    expect(stem!.equiv.norm).toBeCloseTo(4, 12);
    expect(stem!.mean.norm).toBeCloseTo(3, 12);
    expect(head).toMatchObject({ layer: "head", weights: 2 });
    expect(head!.total.norm).toBe(0);
    expect(head!.cosineMeanEquiv).toBeCloseTo(-1, 12);
    // One sample tells nothing of others.
    expect(result.total.normStdErr).toBeNaN();
  });

  it("are those of all samples, however they are divided", async () => {
    const random = new Random(1);
    const samples = Array.from({ length: 11 }, () => ({ total: normal(random, 1), equiv: normal(random, 0.3) }));
    const whole = await termGradients(given(samples), { parts: 1 });
    const parts = await termGradients(given(samples), { parts: 4 });
    expect(parts.parts).toBe(4);
    for (const term of ["total", "mean", "equiv"] as const) {
      expect(parts[term].norm).toBeCloseTo(whole[term].norm, 12);
    }
    expect(parts.cosineMeanEquiv).toBeCloseTo(whole.cosineMeanEquiv, 12);
  });

  it("have errors as large as the figures' spread over other samples", async () => {
    const random = new Random(2);
    const [total, equiv] = [normal(random, 2), normal(random, 1)];
    const runs: GradientResult[] = [];
    for (let run = 0; run < 300; run++) {
      const samples = Array.from({ length: 16 }, () => ({
        total: normal(random, 0.4).map((value, i) => value + total[i]!),
        equiv: normal(random, 0.2).map((value, i) => value + equiv[i]!),
      }));
      runs.push(await termGradients(given(samples)));
    }
    const spread = (of: (run: GradientResult) => number) => {
      const values = runs.map(of);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
    };
    const rms = (of: (run: GradientResult) => number) =>
      Math.sqrt(runs.reduce((sum, run) => sum + of(run) ** 2, 0) / runs.length);
    // 300 runs know a spread to 4 %, errors from 8 parts are known to a quarter each and well on average.
    expect(rms((run) => run.equiv.normStdErr) / spread((run) => run.equiv.norm)).toBeCloseTo(1, 0.7);
    expect(rms((run) => run.cosineMeanEquivStdErr) / spread((run) => run.cosineMeanEquiv)).toBeCloseTo(1, 0.7);
    expect(rms((run) => run.percentGradientStdErr) / spread((run) => run.percentGradient)).toBeCloseTo(1, 0.7);
  });

  it("are of the samples that were done where a signal stops them", async () => {
    const random = new Random(3);
    const samples = Array.from({ length: 6 }, () => ({ total: normal(random, 1), equiv: normal(random, 0.3) }));
    const controller = new AbortController();
    const terms = given(samples);
    const stopping: LossTerms = {
      ...terms,
      gradient(term, weights, options) {
        if (options?.signal?.aborted) throw new VoxtwirlError("aborted", "stopped", "");
        return terms.gradient(term, weights, options);
      },
    };
    const onProgress = (done: number) => (done === 4 ? controller.abort() : undefined);
    const options = { parts: 3, signal: controller.signal, onProgress };
    const { interrupted, samples: count, parts, ...figures } = await termGradients(stopping, options);
    expect([interrupted, count, parts]).toEqual([true, 4, 2]);
    const whole = await termGradients(given(samples.slice(0, 4)), { parts: 2 });
    expect({ ...whole, ...figures }).toEqual(whole);
    await expect(termGradients(stopping, options)).rejects.toMatchObject({ code: "aborted" });
  });

  it("tell how far they are, and refuse parts that there cannot be", async () => {
    const told: [number, number][] = [];
    const samples = [1, 2, 3].map((value) => ({ total: Array(6).fill(value), equiv: Array(6).fill(1) }));
    await termGradients(given(samples), { onProgress: (...now) => told.push(now) });
    expect(told).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]));
    for (const parts of [0, 1.5, NaN]) {
      await expect(termGradients(given(samples), { parts })).rejects.toMatchObject({ code: "bad-option" });
    }
    await expect(termGradients(undefined as never)).rejects.toMatchObject({ code: "bad-option" });
  });
});

describe("layers", () => {
  it("hold the parameters of one module, in order", () => {
    const names = layersOf(layout).map(({ name, size, slots }) => [name, size, slots.length]);
    expect(names).toEqual([
      ["stem", 4, 2],
      ["head", 2, 1],
    ]);
  });
});
