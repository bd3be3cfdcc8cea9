import { requireNumbers, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { Random } from "../random.ts";
import { decomposeSums, type Decomposition, type SampleSums } from "./estimators.ts";
import { subsetErrors, twirlGains, TWIRL_COUNTS, type TwirlGain } from "./twirlGain.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";

export interface Measurement extends Decomposition {
  readonly samples: number;
  /** Rotations of each sample. */
  readonly rotations: number;
  /** What averaging K predictions gains on one half of the samples; empty with fewer than four of them. */
  readonly gains: readonly TwirlGain[];
}

/** How many predictions a sample has, and of which group. */
export interface TallyOptions {
  /** Rotations of each sample, N >= 2. */
  readonly rotations: number;
  /** As in `Sampling`: 24 by default, Infinity for independent draws. */
  readonly groupOrder?: number;
  /** Decides which predictions are averaged to measure the gains; 0 by default. */
  readonly seed?: number;
}

/**
 * Collects twisted predictions sample by sample and keeps only a few sums of each; on the host, in float64, two-pass.
 */
export class Tally {
  readonly #options: Required<TallyOptions>;
  readonly #counts: readonly number[];
  readonly #random: Random;
  readonly #sums: SampleSums[] = [];
  readonly #errors: number[][] = [];
  #elements = 0;

  constructor(options: TallyOptions) {
    requireObject("options", options, "Give { rotations }.");
    this.#options = { groupOrder: OCTAHEDRAL_ORDER, seed: 0, ...options };
    this.#counts = TWIRL_COUNTS.filter((count) => count <= options.rotations);
    this.#random = new Random(this.#options.seed);
  }

  /**
   * @param predictions N twisted predictions f_i = T_i^-1 f(T_i x), one after another, each as long as the target
   * @throws VoxtwirlError "bad-shape" when they are not; "not-finite" when a number is NaN or infinite
   */
  add(predictions: ArrayLike<number>, target: ArrayLike<number>): void {
    const { rotations } = this.#options;
    const sums = sumsOf(predictions, target, rotations);
    if (!Number.isFinite(sums.meanError + sums.spread + sums.zeroError)) {
      throw new VoxtwirlError(
        "not-finite",
        `sample ${this.#sums.length} has a prediction or target that is not finite`,
        "Look at what the model gives for that sample.",
      );
    }
    this.#sums.push(sums);
    this.#errors.push(subsetErrors(predictions, target, rotations, this.#counts, this.#random));
    this.#elements += target.length;
  }

  /** @throws VoxtwirlError as `decomposeSums` */
  result(): Measurement {
    const { rotations, groupOrder } = this.#options;
    const samples = this.#sums.length;
    const sampling = { rotations, groupOrder, elements: samples === 0 ? 1 : this.#elements / samples };
    return {
      ...decomposeSums(this.#sums, sampling),
      samples,
      rotations,
      gains: twirlGains(this.#sums, this.#errors, this.#counts, sampling),
    };
  }
}

/**
 * The decomposition of predictions that lie in arrays, whatever made them.
 *
 * @param predictions [samples, N, ...]: N twisted predictions T_i^-1 f(T_i x) of each sample, already rotated back
 * @param target [samples, ...]; N is the ratio of the two lengths
 * @param options `samples` is 1 by default; `groupOrder` as in `Sampling`: 24 by default, for N different rotations of
 *   the cube, Infinity for independent draws
 * @throws VoxtwirlError "bad-shape" when the lengths do not fit together, "bad-option" when N cannot be (see
 *   `decomposeSums`), "not-finite" when a number is NaN or infinite
 */
export function decompose(
  predictions: ArrayLike<number>,
  target: ArrayLike<number>,
  { samples = 1, groupOrder }: { samples?: number; groupOrder?: number } = {},
): Measurement {
  requireNumbers("predictions", predictions);
  requireNumbers("target", target);
  const elements = target.length / samples;
  const rotations = predictions.length / target.length;
  if (!Number.isSafeInteger(samples) || !(elements >= 1) || elements % 1 !== 0 || rotations % 1 !== 0) {
    throw new VoxtwirlError(
      "bad-shape",
      `${predictions.length} numbers of predictions and ${target.length} of targets are not ${samples} samples`,
      "Give [samples, N, ...] predictions and [samples, ...] targets.",
    );
  }
  const tally = new Tally({ rotations, ...(groupOrder === undefined ? {} : { groupOrder }) });
  for (let n = 0; n < samples; n++) {
    const y = part(target, n * elements, elements);
    tally.add(part(predictions, n * rotations * elements, rotations * elements), y);
  }
  return tally.result();
}

/** @throws VoxtwirlError "bad-shape" where these are not so many predictions of the target */
export function requireFitting(predictions: ArrayLike<number>, target: ArrayLike<number>, rotations: number): void {
  if (predictions.length === rotations * target.length && target.length > 0) return;
  throw new VoxtwirlError(
    "bad-shape",
    `${predictions.length} numbers are not ${rotations} predictions of a target of ${target.length}`,
    "Give every prediction the target's shape, one after another.",
  );
}

/** A range of an array, as a view where the array has them. */
function part(values: ArrayLike<number>, start: number, count: number): ArrayLike<number> {
  if (values instanceof Float32Array || values instanceof Float64Array) return values.subarray(start, start + count);
  return Array.from({ length: count }, (_, i) => values[start + i]!);
}

/** Two passes over the N values of every element: E|f|^2 - |m|^2 would cancel where deviations are small. */
function sumsOf(predictions: ArrayLike<number>, target: ArrayLike<number>, rotations: number): SampleSums {
  requireFitting(predictions, target, rotations);
  const elements = target.length;
  let meanError = 0;
  let spread = 0;
  let zeroError = 0;
  for (let e = 0; e < elements; e++) {
    let mean = 0;
    for (let at = e; at < predictions.length; at += elements) mean += predictions[at]!;
    mean /= rotations;
    for (let at = e; at < predictions.length; at += elements) spread += (predictions[at]! - mean) ** 2;
    meanError += (mean - target[e]!) ** 2;
    zeroError += target[e]! ** 2;
  }
  return { meanError, spread, zeroError };
}
