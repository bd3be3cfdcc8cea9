import { VoxtwirlError } from "../errors.ts";
import { betterReading, type BetterReading, type ReadingSums } from "./conventions.ts";
import {
  CUBE_SYMMETRIES,
  cubeSymmetry,
  cubeSymmetryInverse,
  cubeSymmetryPermutation,
  describeMatrix,
  isReflection,
} from "./cubeSymmetries.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";
import { Tally, type Measurement } from "./tally.ts";

/** From what the rotations of a sample are: different ones of the 24 or 48 of the cube, or independent draws. */
export type RotationSource = "octahedral" | "full-octahedral" | "so3";

/** Elements of the group that rotations are drawn from, Infinity for independent draws. */
export function groupOrderOf(source: RotationSource): number {
  return { octahedral: OCTAHEDRAL_ORDER, "full-octahedral": CUBE_SYMMETRIES, so3: Infinity }[source];
}

export interface CubeRotations {
  /** Elements of the full octahedral group (see `CUBE_SYMMETRIES`), as the matrices had them. */
  readonly elements: readonly number[];
  /** "full-octahedral" also where "octahedral" was asked for and every sample has all 48. */
  readonly source: RotationSource;
}

/**
 * Which symmetries of the cube matrices are.
 *
 * @param matrices [..., rotations, 3, 3]: active, row major, x y z
 * @param rotations of each sample
 * @param name what to call the matrices in an error
 * @throws VoxtwirlError "bad-file" that names the first matrix that is none, a reflection among rotations, and a
 *   rotation that stands twice in a sample, unless they are independent draws
 */
export function cubeRotations(
  matrices: ArrayLike<number>,
  rotations: number,
  source: RotationSource,
  name = "the rotations",
): CubeRotations {
  const fail = (at: number, what: string, fix: string) => {
    const sample = matrices.length > 9 * rotations ? ` of sample ${Math.floor(at / rotations)}` : "";
    throw new VoxtwirlError("bad-file", `${name}: matrix ${at % rotations}${sample} ${what}`, fix);
  };
  const rowOf = (at: number) => Array.from({ length: 9 }, (_, i) => matrices[9 * at + i]!);
  const elements = Array.from({ length: matrices.length / 9 }, (_, at) => {
    const element = cubeSymmetry(rowOf(at));
    return element ?? fail(at, describeMatrix(rowOf(at)), NOT_OF_CUBE);
  });
  const sets = Array.from({ length: elements.length / rotations }, (_, n) =>
    elements.slice(n * rotations, (n + 1) * rotations),
  );
  const whole = sets.every((set) => new Set(set).size === CUBE_SYMMETRIES);
  const used = source === "octahedral" && whole && rotations === CUBE_SYMMETRIES ? "full-octahedral" : source;
  const reflection = elements.findIndex(isReflection);
  if (reflection >= 0 && used !== "full-octahedral") {
    const others = elements.filter(isReflection).length - 1;
    const also = ["", ", and so is 1 other"][others] ?? `, and so are ${others} others`;
    const fix = others + 1 === elements.length ? ALL_MIRRORED : MIRRORED;
    fail(reflection, `${describeMatrix(rowOf(reflection))}${also}`, fix);
  }
  const doubled = used === "so3" ? -1 : sets.findIndex((set) => new Set(set).size < rotations);
  if (doubled >= 0) {
    const set = sets[doubled]!;
    const second = set.findIndex((element, i) => set.indexOf(element) < i);
    const what = `is the rotation of matrix ${set.indexOf(set[second]!)} again`;
    fail(doubled * rotations + second, what, "For independent draws use --group so3.");
  }
  return { elements, source: used };
}

const NOT_OF_CUBE = "Give rotations of the cube, or rotate the predictions back yourself and give no rotations.";
const MIRRORED =
  "Leave reflections out with their predictions; where mirror images are meant to count use --group full-octahedral.";
const ALL_MIRRORED = "Rows or columns may be swapped, or an axis reversed on one side alone: write them as rotations.";

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
