import type { LossTerms } from "../../src/analysis/lossTerms.ts";
import { Random } from "../../src/random.ts";

/** Terms as a GPU has them: weights in f32, gradients in f32 with a noise relative to each parameter's. */
export function inSingle(terms: LossTerms, noise = 1e-6, seed = 1): LossTerms {
  const random = new Random(seed);
  const noisy = (vector: Float64Array) => {
    const result = new Float64Array(vector.length);
    for (const { offset, size } of terms.layout) {
      const part = vector.subarray(offset, offset + size);
      const typical = Math.hypot(...part) / Math.sqrt(size);
      result.set(
        part.map((value) => Math.fround(value + noise * typical * random.normal())),
        offset,
      );
    }
    return result;
  };
  return {
    ...terms,
    weights: terms.weights.map(Math.fround),
    sums: (weights, options) => terms.sums(weights.map(Math.fround), options),
    gradient: async (term, weights, options) => noisy(await terms.gradient(term, weights.map(Math.fround), options)),
    gaussNewtonProduct: async (term, weights, direction, options) =>
      noisy(await terms.gaussNewtonProduct(term, weights.map(Math.fround), direction, options)),
  };
}

/** The same function of weights that are `factors[p]` times as large for parameter p. */
export function rescaled(terms: LossTerms, factors: readonly number[]): LossTerms {
  const scale = (vector: Float64Array, power: number) => {
    const result = Float64Array.from(vector);
    terms.layout.forEach(({ offset, size }, p) => {
      for (let i = offset; i < offset + size; i++) result[i]! *= factors[p]! ** power;
    });
    return result;
  };
  return {
    ...terms,
    weights: scale(terms.weights, 1),
    sums: (weights, options) => terms.sums(scale(weights, -1), options),
    gradient: async (term, weights, options) => scale(await terms.gradient(term, scale(weights, -1), options), -1),
    gaussNewtonProduct: async (term, weights, direction, options) =>
      scale(await terms.gaussNewtonProduct(term, scale(weights, -1), scale(direction, -1), options), -1),
  };
}
