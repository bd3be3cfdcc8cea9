import { EXAMPLE_LOSSES, type ElementwiseLoss } from "../kernels/twirl/twirlGrad.ts";
import { octahedralInverses } from "../equivariance/octahedral.ts";
import { rotateOctahedral } from "./rotateOctahedral.ts";
import { mapped, twin, type Twins } from "./twin.ts";

export interface TwirlTwin {
  mean: Float64Array;
  m2: Float64Array;
  /** Per sample: |m - y|^2, S, |y|^2, 0. */
  sums: Float64Array;
  /** Per sample: sum over k of |f_k - y|^2. */
  errors: Float64Array;
}

/**
 * Twin of twirlMerge, twirlError and twirlSum: un-rotates every prediction, then takes mean and squared
 * deviations in two passes. predictions [N * K, D, D, D, C] sample-major, target [N, D, D, D, C].
 */
export function twirl(
  predictions: ArrayLike<number>,
  rotations: ArrayLike<number>,
  target: ArrayLike<number>,
  [samples, size, channels]: readonly [number, number, number],
): TwirlTwin {
  const k = rotations.length;
  const elements = size ** 3 * channels;
  const mean = new Float64Array(samples * elements);
  const m2 = new Float64Array(samples * elements);
  const sums = new Float64Array(samples * 4);
  const errors = new Float64Array(samples);
  for (let n = 0; n < samples; n++) {
    const twisted = Array.from({ length: k }, (_, i) => {
      const raw = Float64Array.from({ length: elements }, (_, e) => predictions[(n * k + i) * elements + e]!);
      return rotateOctahedral(raw, size, channels, octahedralInverses[rotations[i]!]!);
    });
    for (let e = 0; e < elements; e++) {
      const values = twisted.map((f) => f[e]!);
      const m = values.reduce((a, b) => a + b, 0) / k;
      const spread = values.reduce((a, f) => a + (f - m) ** 2, 0);
      const y = target[n * elements + e]!;
      mean[n * elements + e] = m;
      m2[n * elements + e] = spread;
      sums[4 * n]! += (m - y) ** 2;
      sums[4 * n + 1]! += spread;
      sums[4 * n + 2]! += y ** 2;
      errors[n]! += values.reduce((a, f) => a + (f - y) ** 2, 0);
    }
  }
  return { mean, m2, sums, errors };
}

type Sizes = "samples" | "size" | "channels" | "rotations" | "goesOn" | "reduced" | "targeted";

/**
 * Twin of twirlGrad: rotates mean and target to each raw prediction and takes the differences there. Shapes as in
 * `twirl`; `target` may be missing. With another loss the differences are of its slopes.
 */
export function twirlGrad(
  t: Readonly<Record<"predictions" | "rotations" | "mean" | "weights", ArrayLike<number>>> & {
    readonly target?: ArrayLike<number>;
  },
  [samples, size, channels]: readonly [number, number, number],
  loss: ElementwiseLoss = { kind: "squared" },
): Float64Array {
  const k = t.rotations.length;
  const elements = size ** 3 * channels;
  const grid = (values: ArrayLike<number>, n: number) =>
    Float64Array.from({ length: elements }, (_, e) => values[n * elements + e]!);
  const grad = new Float64Array(samples * k * elements);
  for (let n = 0; n < samples; n++) {
    for (let i = 0; i < k; i++) {
      const mean = rotateOctahedral(grid(t.mean, n), size, channels, t.rotations[i]!);
      const target = t.target && rotateOctahedral(grid(t.target, n), size, channels, t.rotations[i]!);
      const at = (n * k + i) * elements;
      for (let e = 0; e < elements; e++) {
        const f = t.predictions[at + e]!;
        const y = target?.[e] ?? 0;
        const own = slope(f - y, loss);
        grad[at + e] = t.weights[0]! * own + t.weights[1]! * (own - slope(mean[e]! - y, loss));
      }
    }
  }
  return grad;
}

/** Half the derivative of the squared error, the derivative of the others, by the error. */
function slope(error: number, loss: ElementwiseLoss): number {
  if (loss.kind === "squared") return error;
  if (loss.kind === "absolute") return Math.sign(error);
  return Math.max(-loss.delta, Math.min(loss.delta, error));
}

export const twins: Twins = {
  twirlGrad: twin<"predictions" | "rotations" | "mean" | "target" | "weights", Sizes | "loss">((t, shape) => {
    const { samples, size, channels, loss } = shape;
    return { gradPredictions: twirlGrad(t, [samples, size, channels], EXAMPLE_LOSSES[loss]) };
  }),
  twirlMerge: twin<"predictions" | "rotations" | "mean" | "m2" | "target", Sizes>((t, shape) => {
    const { samples, size, channels, rotations: k, goesOn, reduced, targeted } = shape;
    const elements = size ** 3 * channels;
    const none = new Float64Array(samples * elements);
    const target = targeted ? t.target : none;
    const here = twirl(t.predictions, t.rotations, target, [samples, size, channels]);
    // Merged with as many predictions before, of that mean and that sum of squares.
    const mean = goesOn ? mapped(here.mean, (value, i) => (value + t.mean[i]!) / 2) : here.mean;
    const m2 = goesOn
      ? mapped(here.m2, (value, i) => value + t.m2[i]! + (k / 2) * (here.mean[i]! - t.mean[i]!) ** 2)
      : here.m2;
    const state: Record<string, Float64Array> = { mean, m2 };
    if (!reduced) return state;
    const sums = new Float64Array(4 * samples);
    for (let i = 0; i < samples * elements; i++) {
      const n = 4 * Math.floor(i / elements);
      sums[n + 1]! += m2[i]!;
      if (!targeted) continue;
      sums[n]! += (mean[i]! - target[i]!) ** 2;
      sums[n + 2]! += target[i]! ** 2;
    }
    return { mean, sums };
  }),
  twirlError: twin<"predictions" | "rotations" | "target" | "out", Sizes>((t, { samples, size, channels }) => {
    const { errors } = twirl(t.predictions, t.rotations, t.target, [samples, size, channels]);
    return { out: mapped(errors, (value, i) => t.out[i]! + value) };
  }),
};
