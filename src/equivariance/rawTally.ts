import { VoxtwirlError } from "../errors.ts";
import { betterReading, type BetterReading, type ReadingSums } from "./betterReading.ts";
import { groupOrderOf, type CubeRotations } from "./cubeRotations.ts";
import { CUBE_SYMMETRIES, cubeSymmetryInverse, cubeSymmetryPermutation, isReflection } from "./cubeSymmetries.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";
import { Tally, type Measurement } from "./decomposition.ts";

export interface RawTallyOptions {
  /** Voxels along an edge. */
  readonly size: number;
  readonly channels: number;
  /** Rotations of each sample. */
  readonly rotations: number;
  /** Of all samples alike, or of one sample after another. */
  readonly cube: CubeRotations;
  /** Decides which predictions are averaged to measure the gains; 0 by default. */
  readonly seed?: number;
}

export interface RawMeasurement extends Measurement {
  /** Where another reading of the rotations explains the predictions far better. */
  readonly betterReading: BetterReading | undefined;
}

/** How many samples show which reading fits: fewer where grids are large, for the time it takes. */
const MOST_COMPARED = 16;
const FEWEST_COMPARED = 4;
const COMPARED_NUMBERS = 1e9;

/** A `Tally` of a voxel model's raw predictions f(T_i x), which are rotated back; checks what the rotations mean. */
export class RawTally {
  readonly #options: RawTallyOptions;
  readonly #tally: Tally;
  readonly #permutations = new Map<number, Uint32Array>();
  readonly #numbers: number;
  readonly #compared: ReadingSums[] = [];
  readonly #toCompare: number;
  #samples = 0;

  constructor(options: RawTallyOptions) {
    const { size, channels, rotations, cube, seed = 0 } = options;
    this.#options = options;
    this.#tally = new Tally({ rotations, groupOrder: groupOrderOf(cube.source), seed });
    this.#numbers = size ** 3 * channels;
    const each = this.#numbers * rotations * this.#candidates();
    this.#toCompare = Math.min(MOST_COMPARED, Math.max(FEWEST_COMPARED, Math.floor(COMPARED_NUMBERS / each)));
  }

  /**
   * @param predictions of one sample, [rotations, D, D, D, C], channels last
   * @param target [D, D, D, C]
   * @throws VoxtwirlError "bad-shape" for a target that is no such grid or a sample without rotations; as `Tally.add`
   */
  add(predictions: ArrayLike<number>, target: ArrayLike<number>): void {
    const elements = this.#elementsOf(this.#samples);
    const { size, channels } = this.#options;
    if (target.length !== this.#numbers) {
      const what = `a target of ${target.length} numbers is no grid of ${size} voxels along an edge and ${channels}`;
      throw new VoxtwirlError("bad-shape", `${what} channels`, "Give [size, size, size, channels], channels last.");
    }
    const Type = predictions instanceof Float32Array ? Float32Array : Float64Array;
    const back = new Type(predictions.length);
    elements.forEach((element, i) => {
      this.#rotate(predictions, back, i * this.#numbers, cubeSymmetryInverse(element));
    });
    this.#tally.add(back, target);
    if (this.#samples++ < this.#toCompare) this.#compared.push(this.#compare(predictions, target, elements));
  }

  #elementsOf(sample: number): readonly number[] {
    const { cube, rotations } = this.#options;
    if (cube.elements.length === rotations) return cube.elements;
    const elements = cube.elements.slice(sample * rotations, (sample + 1) * rotations);
    if (elements.length === rotations) return elements;
    throw new VoxtwirlError(
      "bad-shape",
      `there are rotations of ${sample} samples, and more samples`,
      `Give [${rotations}, 3, 3] for all samples alike, or [samples, ${rotations}, 3, 3].`,
    );
  }

  /** @throws VoxtwirlError as `Tally.result` */
  result(): RawMeasurement {
    return { ...this.#tally.result(), betterReading: betterReading(this.#compared, this.#numbers) };
  }

  /** How many elements predictions are compared under. */
  #candidates(): number {
    return this.#options.cube.elements.some(isReflection) ? CUBE_SYMMETRIES : OCTAHEDRAL_ORDER;
  }

  /** One grid, at `start` of both arrays, rotated by an element. */
  #rotate(from: ArrayLike<number>, to: Float32Array | Float64Array, start: number, element: number): void {
    const { size, channels } = this.#options;
    let permutation = this.#permutations.get(element);
    if (!permutation) this.#permutations.set(element, (permutation = cubeSymmetryPermutation(size, element)));
    let at = start;
    for (let voxel = 0; voxel < permutation.length; voxel++) {
      const source = start + permutation[voxel]! * channels;
      for (let c = 0; c < channels; c++) to[at++] = from[source + c]!;
    }
  }

  /** |g^-1 f_i - y|^2 = |f_i - g y|^2 of each prediction under each element. */
  #compare(predictions: ArrayLike<number>, target: ArrayLike<number>, elements: readonly number[]): ReadingSums {
    const numbers = this.#numbers;
    const errors = new Float64Array(CUBE_SYMMETRIES * elements.length);
    const rotated = new Float64Array(numbers);
    for (let g = 0; g < this.#candidates(); g++) {
      this.#rotate(target, rotated, 0, g);
      for (let i = 0; i < elements.length; i++) {
        let error = 0;
        for (let e = 0; e < numbers; e++) error += (predictions[i * numbers + e]! - rotated[e]!) ** 2;
        errors[CUBE_SYMMETRIES * i + g] = error;
      }
    }
    let zeroError = 0;
    for (let e = 0; e < numbers; e++) zeroError += target[e]! ** 2;
    return { errors, elements, zeroError };
  }
}
