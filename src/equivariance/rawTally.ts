import { VoxtwirlError } from "../errors.ts";
import { betterReading, type BetterReading } from "./betterReading.ts";
import { cubeActions } from "./cubeActions.ts";
import { Tally, type Measurement } from "./decomposition.ts";
import type { GivenRotations } from "./predictionRotations.ts";
import { act, inverseRotation, type Rotation } from "./groups.ts";
import { requireFitting, zerosLike } from "./numbers.ts";
import { readingErrors, type ReadingErrors } from "./readingErrors.ts";
import type { Loss } from "./losses.ts";
import { requireLength } from "./representations.ts";
import { weightedTerms } from "./weightedTerms.ts";

export interface RawTallyOptions {
  /** Rotations of each sample. */
  readonly count: number;
  readonly given: GivenRotations;
  /** The squared error by default; that also tells which reading of the rotations fits. */
  readonly loss?: Loss | undefined;
  /** Decides which predictions are averaged to measure the gains; 0 by default. */
  readonly seed?: number;
}

export interface RawMeasurement extends Measurement {
  /** Where another reading of the rotations explains the predictions far better. */
  readonly betterReading: BetterReading | undefined;
}

/** How many samples show which reading fits: fewer where they are large, for the time it takes. */
const MOST_COMPARED = 16;
const FEWEST_COMPARED = 4;
const COMPARED_NUMBERS = 1e9;

/** A `Tally` of a model's raw predictions f(T_i x), which are rotated back; checks what the rotations mean. */
export class RawTally {
  readonly #options: RawTallyOptions;
  readonly #tally: Tally;
  readonly #actions = cubeActions();
  readonly #compared: ReadingErrors[] = [];
  #samples = 0;

  constructor(options: RawTallyOptions) {
    const { count, given, loss, seed = 0 } = options;
    this.#options = options;
    const terms = given.weights && weightedTerms(given.weights);
    this.#tally = new Tally({ rotations: count, groupOrder: given.order, terms, loss, seed });
  }

  /**
   * @param predictions of one sample, one after another, each as long as the target
   * @throws VoxtwirlError "bad-shape" for a target that is not what it is said to be or a sample without rotations; as
   *   `Tally.add`
   */
  add(predictions: ArrayLike<number>, target: ArrayLike<number>, kept?: Uint32Array): void {
    const { output } = this.#options.given;
    const rotations = this.#rotationsOf(this.#samples);
    requireLength(`the target of sample ${this.#samples}`, target.length, output);
    requireFitting(predictions, target, rotations.length);
    const raw = predictions instanceof Float32Array ? predictions : Float64Array.from(predictions);
    const back = zerosLike(raw);
    rotations.forEach((rotation, i) => {
      const one = raw.subarray(i * target.length, (i + 1) * target.length);
      back.set(act(this.#actions, output, inverseRotation(rotation), one), i * target.length);
    });
    this.#tally.add(back, target, kept);
    if (this.#samples++ >= this.#toCompare(target.length)) return;
    const y = Float64Array.from(target);
    this.#compared.push(readingErrors(raw, y, rotations, (rotation) => act(this.#actions, output, rotation, y)));
  }

  #rotationsOf(sample: number): readonly Rotation[] {
    const { given, count } = this.#options;
    if (given.rotations.length === count) return given.rotations;
    const rotations = given.rotations.slice(sample * count, (sample + 1) * count);
    if (rotations.length === count) return rotations;
    throw new VoxtwirlError(
      "bad-shape",
      `there are rotations of ${sample} samples, and more samples`,
      `Give [${count}, 3, 3] for all samples alike, or [samples, ${count}, 3, 3].`,
    );
  }

  #toCompare(numbers: number): number {
    const { given, count } = this.#options;
    // No reading changes these.
    if (given.output.kind === "scalars") return 0;
    const each = numbers * count * given.compared;
    return Math.min(MOST_COMPARED, Math.max(FEWEST_COMPARED, Math.floor(COMPARED_NUMBERS / each)));
  }

  /** @throws VoxtwirlError as `Tally.result` */
  result(): RawMeasurement {
    return { ...this.#tally.result(), betterReading: betterReading(this.#compared) };
  }
}
