import { requireArray, requireNumbers } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { BetterReading } from "./betterReading.ts";
import { otherTasks } from "./otherTasks.ts";
import { groupOrderOf, type RotationSource } from "./cubeRotations.ts";
import { givenRotations } from "./givenRotations.ts";
import type { PredictionRotations } from "./predictionRotations.ts";
import { requireRotationGroup, type RotationGroup } from "./groups.ts";
import type { Loss } from "./losses.ts";
import { RawTally } from "./rawTally.ts";
import { Tally, type Measurement } from "./decomposition.ts";
import { weightedTerms } from "./weightedTerms.ts";

/** What the predictions are and how they were rotated. */
export interface PredictionOptions {
  /**
   * From what the rotations of a sample are, by its name or as a group, such as `matrixGroup` makes; "octahedral" by
   * default. Of a `quadrature`, whose weights are used, predictions are for all of its rotations, in the order of
   * `enumerate` where they are rotated back.
   */
  readonly group?: RotationSource | RotationGroup;
  /** With these the predictions are rotated back here; without, T_i^-1 f(T_i x) is what is given. */
  readonly rotations?: PredictionRotations | undefined;
  /** The squared error by default. */
  readonly loss?: Loss | undefined;
  /** Decides which predictions are averaged to measure the gains; 0 by default. */
  readonly seed?: number;
}

export interface PredictionMeasurement extends Measurement {
  /**
   * Name of the group. "full-octahedral" also where "octahedral" was asked for and every sample has all 48; that of a
   * quadrature also where "so3" was asked for and `rotations` are its rotations, in any order, as draws never are.
   */
  readonly group: string;
  /** Whether each sample has predictions for all elements of a group, or of a quadrature: nothing is estimated. */
  readonly exact: boolean;
  /** With `rotations`, where another reading of them explains the predictions far better: a line by `readingRemark`. */
  readonly betterReading: BetterReading | undefined;
}

/** Collects predictions that were made elsewhere, sample by sample, and keeps only a few sums of each. */
export class PredictionTally {
  readonly #group: string;
  readonly #exact: boolean;
  readonly #tally: Tally | RawTally;

  /**
   * @param count predictions of each sample, at least 2
   * @throws VoxtwirlError "bad-option" where there are more than the group has elements, or `output` is no
   *   representation; "bad-shape" for matrices that are not `count` a sample, "bad-file" for one that is no rotation,
   *   or not of the group
   */
  constructor(count: number, { group = "octahedral", rotations, loss, seed = 0 }: PredictionOptions = {}) {
    const own = typeof group === "string" ? undefined : requireRotationGroup(group);
    const given = rotations && givenRotations(rotations, count, own ?? group);
    this.#group = given?.source ?? own?.name ?? (group as RotationSource);
    const groupOrder = given?.order ?? own?.order ?? groupOrderOf(group as RotationSource);
    checkCount(count, { name: this.#group, order: groupOrder, weights: given?.weights ?? own?.weights });
    this.#exact = count === groupOrder;
    const terms = own?.weights && weightedTerms(own.weights);
    this.#tally = given
      ? new RawTally({ count, given, loss, seed })
      : new Tally({ rotations: count, groupOrder, terms, loss, seed });
  }

  /**
   * @param predictions of one sample, one after another, each as long as the target
   * @param target what they should be for the input that was not rotated
   * @param kept as in `Tally.add`: see `labelTarget`
   * @throws VoxtwirlError "bad-shape" when they are not, "not-finite" when a number is NaN or infinite
   */
  add(predictions: ArrayLike<number>, target: ArrayLike<number>, kept?: Uint32Array): void {
    this.#tally.add(predictions, target, kept);
  }

  /** @throws VoxtwirlError as `decomposeSums` */
  result(): PredictionMeasurement {
    return { betterReading: undefined, ...this.#tally.result(), group: this.#group, exact: this.#exact };
  }
}

function checkCount(count: number, { name, order, weights }: Pick<RotationGroup, "name" | "order" | "weights">): void {
  if (weights && count !== order) {
    const message = `there are ${count} predictions a sample, and the ${order} rotations of ${name} go together`;
    throw new VoxtwirlError("bad-option", message, "Give all of them, in their order; see voxtwirl rotate.");
  }
  if (count <= order) return;
  const mirrored = name === "octahedral" && count <= groupOrderOf("full-octahedral");
  throw new VoxtwirlError(
    "bad-option",
    `there are ${count} predictions a sample, the ${name} group has ${order} elements`,
    `For independent draws use --group so3${mirrored ? ", with reflections --group full-octahedral" : ""}.`,
  );
}

/** Predictions that were made elsewhere for the rotated copies of one input. */
export interface PredictedSample {
  /** One after another, each as long as the target. */
  readonly predictions: ArrayLike<number>;
  readonly target: ArrayLike<number>;
}

/** How predictions are measured, and the signal that stops it. */
export interface MeasurePredictionsOptions extends PredictionOptions {
  /** Stops before the next sample, with an error; for what is known so far use a `PredictionTally`. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each sample. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Measures which share of a loss is rotation symmetry not learned, from predictions that were made elsewhere:
 * what `voxtwirl measure --predictions` does. Samples may come from a generator, so that not all need be in memory.
 *
 * ```ts
 * const rotations = { matrices, output: { kind: "vectors" } }; // forces [atoms, 3] of each rotated molecule
 * const { percentEquiv, betterReading } = await measurePredictions(samples, { rotations, group: "so3" });
 * ```
 *
 * @throws VoxtwirlError as `PredictionTally`, "no-data" without samples, "aborted" when the signal is
 */
export async function measurePredictions(
  samples: Iterable<PredictedSample> | AsyncIterable<PredictedSample>,
  options: MeasurePredictionsOptions = {},
): Promise<PredictionMeasurement> {
  const given: unknown = samples;
  if (typeof given !== "object" || given === null || !(Symbol.iterator in given || Symbol.asyncIterator in given)) {
    requireArray("samples", samples, "Give an array of { predictions, target }, or something else to iterate over.");
  }
  const { signal, onProgress } = options;
  const turn = otherTasks();
  let tally: PredictionTally | undefined;
  let done = 0;
  for await (const { predictions, target } of samples) {
    await turn();
    if (signal?.aborted) throw new VoxtwirlError("aborted", "the measurement was stopped", "Start it again.");
    tally ??= new PredictionTally(countOf(predictions, target), options);
    tally.add(predictions, target);
    onProgress?.(++done);
  }
  if (!tally) throw new VoxtwirlError("no-data", "there is no sample to measure", "Give at least one.");
  return tally.result();
}

function countOf(predictions: ArrayLike<number>, target: ArrayLike<number>): number {
  requireNumbers("predictions", predictions);
  requireNumbers("target", target);
  const count = predictions.length / target.length;
  if (Number.isInteger(count) && count >= 2) return count;
  throw new VoxtwirlError(
    "bad-shape",
    `${predictions.length} numbers are not two or more predictions of a target of ${target.length}`,
    "Give every prediction the target's shape, one after another.",
  );
}
