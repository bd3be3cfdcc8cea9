import { requireNumbers, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { Random } from "../random.ts";
import { decomposeTerms, type Decomposition, type SampleTerms } from "./estimators.ts";
import { requireLoss, squaredError, type Loss } from "./losses.ts";
import { heldOutGains, type HeldOutGain } from "./heldOutGains.ts";
import { keepValues } from "./labels.ts";
import { part, requireFitting } from "./numbers.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";
import { sampleTerms } from "./sampleTerms.ts";
import { subsetErrors, twirlGains, TWIRL_COUNTS, type TwirlGain } from "./twirlGain.ts";

export interface Measurement extends Decomposition {
  /** The loss's name. */
  readonly loss: string;
  /** What its lossEquiv is: see `Loss`. */
  readonly split: Loss["split"];
  readonly samples: number;
  /** Rotations of each sample. */
  readonly rotations: number;
  /** What averaging K predictions gains; empty with fewer than four samples. */
  readonly gains: readonly TwirlGain[];
  /** What averaging all predictions gains, each half of the samples once predicting; empty with fewer than four. */
  readonly heldOut: readonly HeldOutGain[];
  /** Values that did not count, of all samples together. */
  readonly ignored: number;
}

/** How many predictions a sample has, and of which group. */
export interface TallyOptions {
  /** Rotations of each sample, N >= 2. */
  readonly rotations: number;
  /** As in `Sampling`: 24 by default, Infinity for independent draws. */
  readonly groupOrder?: number;
  /** What a sample adds: `weightedTerms` of a quadrature, with which no gains of averaging are measured. */
  readonly terms?: typeof sampleTerms | undefined;
  /** The squared error by default. */
  readonly loss?: Loss | undefined;
  /** Decides which predictions are averaged to measure the gains; 0 by default. */
  readonly seed?: number;
}

/**
 * Collects twisted predictions sample by sample and keeps only a few sums of each; on the host, in float64, two-pass.
 */
export class Tally {
  readonly #rotations: number;
  readonly #groupOrder: number;
  readonly #termsOf: typeof sampleTerms;
  readonly #loss: Loss;
  readonly #counts: readonly number[];
  readonly #random: Random;
  readonly #terms: SampleTerms[] = [];
  readonly #seed: number;
  readonly #errors: number[][] = [];
  #elements = 0;
  #ignored = 0;

  constructor(options: TallyOptions) {
    requireObject("options", options, "Give { rotations }.");
    const { rotations, groupOrder = OCTAHEDRAL_ORDER, terms, loss = squaredError, seed = 0 } = options;
    requireLoss(loss);
    this.#rotations = rotations;
    this.#groupOrder = groupOrder;
    this.#termsOf = terms ?? sampleTerms;
    this.#loss = loss;
    this.#counts = terms ? [] : TWIRL_COUNTS.filter((count) => count <= rotations);
    this.#random = new Random(seed);
    this.#seed = seed;
  }

  /**
   * @param predictions N twisted predictions f_i = T_i^-1 f(T_i x), one after another, each as long as the target
   * @param kept numbers of the loss's values that count; all by default
   * @throws VoxtwirlError "bad-shape" when they are not, or the loss has no meaning for the numbers; "not-finite" when
   *   a number or the loss is NaN or infinite
   */
  add(predictions: ArrayLike<number>, target: ArrayLike<number>, kept?: Uint32Array): void {
    if (kept) {
      const { numbersEach = 1 } = this.#loss;
      const values = target.length / numbersEach;
      requireFitting(predictions, target, this.#rotations);
      this.add(keepValues(predictions, values, numbersEach, kept), keepValues(target, values, numbersEach, kept));
      this.#ignored += values - kept.length;
      return;
    }
    const [rotations, groupOrder] = [this.#rotations, this.#groupOrder];
    const sample = { predictions, target, rotations, groupOrder };
    const terms = this.#termsOf(this.#loss, sample, this.#terms.length);
    const errors = subsetErrors(this.#loss, sample, [...this.#counts, rotations], this.#random);
    this.#terms.push(terms);
    this.#errors.push(errors);
    this.#elements += target.length / (this.#loss.numbersEach ?? 1);
  }

  /** @throws VoxtwirlError as `decomposeSums` */
  result(): Measurement {
    const [rotations, groupOrder, loss] = [this.#rotations, this.#groupOrder, this.#loss];
    const samples = this.#terms.length;
    const sampling = { rotations, groupOrder, elements: samples === 0 ? 1 : this.#elements / samples };
    const last = this.#errors.map((errors) => errors.at(-1)!);
    return {
      ...decomposeTerms(this.#terms, sampling),
      loss: loss.name,
      split: loss.split,
      samples,
      rotations,
      gains: twirlGains(loss, this.#terms, this.#errors, this.#counts, sampling),
      // Averages of the parts of a quadrature would be weighted ones.
      heldOut: this.#termsOf !== sampleTerms ? [] : heldOutGains(this.#terms, last, sampling, this.#seed),
      ignored: this.#ignored,
    };
  }
}

/**
 * The decomposition of predictions that lie in arrays, whatever made them.
 *
 * @param predictions [samples, N, ...]: N twisted predictions T_i^-1 f(T_i x) of each sample, already rotated back
 * @param target [samples, ...]; N is the ratio of the two lengths
 * @param options `samples` is 1 by default; `groupOrder` as in `Sampling`: 24 by default, for N different rotations of
 *   the cube, Infinity for independent draws; `terms` as in `TallyOptions`; `loss` is the squared error by
 *   default
 * @throws VoxtwirlError "bad-shape" when the lengths do not fit together, "bad-option" when N cannot be (see
 *   `decomposeSums`), "not-finite" when a number is NaN or infinite
 */
export function decompose(
  predictions: ArrayLike<number>,
  target: ArrayLike<number>,
  { samples = 1, ...options }: { samples?: number } & Pick<TallyOptions, "groupOrder" | "terms" | "loss"> = {},
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
  const tally = new Tally({ rotations, ...options });
  for (let n = 0; n < samples; n++) {
    const y = part(target, n * elements, elements);
    tally.add(part(predictions, n * rotations * elements, rotations * elements), y);
  }
  return tally.result();
}
