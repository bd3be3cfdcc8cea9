/**
 * What matrices may mean other than they were asked to: a model's raw predictions under rotations show which reading of
 * the rotations explains them. Wrong readings look like symmetry that was not learned.
 */
import { CUBE_SYMMETRIES, cubeSymmetry, cubeSymmetryInverse, cubeSymmetryMatrices } from "./cubeSymmetries.ts";

/** Another meaning of the rotations that belong to predictions. */
export type RotationReading =
  /** Matrices for vectors with their axes in another order or one of them reversed; transposed: passive ones. */
  | {
      readonly kind: "matrices";
      readonly transposed: boolean;
      /** Order of the axes, "xyz" as asked. */
      readonly axes: string;
      readonly flipped: "" | "x" | "y" | "z";
    }
  /** The predictions are rotated back already. */
  | { readonly kind: "rotated-back" }
  /** The same matrices in another order: prediction i belongs to matrix `rows[i]`. */
  | { readonly kind: "rows"; readonly rows: readonly number[] };

/** A reading of the rotations under which the predictions fit better than as given. */
export interface BetterReading {
  readonly reading: RotationReading;
  readonly lossTotal: number;
  /** lossTotal as asked, on the same samples. */
  readonly lossTotalAsked: number;
  /** How many samples, the first ones, were compared. */
  readonly samples: number;
}

type MatrixReading = Extract<RotationReading, { kind: "matrices" }>;

/** What one sample shows. */
export interface ReadingSums {
  /** Squared error of prediction i, rotated back by element g, at 48 i + g; without reflections up to g = 23 alone. */
  readonly errors: Float64Array;
  /** The given element of each prediction. */
  readonly elements: readonly number[];
  /** |y|^2 */
  readonly zeroError: number;
}

/** A reading with fewer samples is told only where it halves the loss. */
const FEWEST_FOR_ERRORS = 4;
const STANDARD_ERRORS = 5;

/** The 48 readings of matrices, the simplest first, each with the element it makes of each element. */
const READINGS: readonly { reading: MatrixReading; elements: readonly number[] }[] = (() => {
  const all: MatrixReading[] = [];
  for (const flipped of ["", "x", "y", "z"] as const) {
    for (const axes of ["xyz", "zyx", "yxz", "xzy", "yzx", "zxy"]) {
      for (const transposed of [false, true]) all.push({ kind: "matrices", transposed, axes, flipped });
    }
  }
  const changes = ({ transposed, axes, flipped }: MatrixReading) =>
    Number(transposed) + Number(axes !== "xyz") + Number(flipped !== "");
  return all
    .sort((a, b) => changes(a) - changes(b))
    .map((reading) => ({
      reading,
      elements: Array.from({ length: CUBE_SYMMETRIES }, (_, g) => readElement(g, reading)),
    }));
})();

/** The element that acts on x y z as the matrix of `g` does on the reading's axes: Q^T R Q, u = Q v. */
function readElement(g: number, { transposed, axes, flipped }: MatrixReading): number {
  const matrix = cubeSymmetryMatrices[transposed ? cubeSymmetryInverse(g) : g]!;
  const place = ["x", "y", "z"].map((axis) => axes.indexOf(axis));
  const sign = ["x", "y", "z"].map((axis) => (axis === flipped ? -1 : 1));
  const read = Array.from({ length: 9 }, (_, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    return sign[i]! * sign[j]! * matrix[3 * place[i]! + place[j]!]!;
  });
  return cubeSymmetry(read)!;
}

interface Candidate {
  readonly reading: RotationReading;
  /** Mean over a sample's predictions, of each sample. */
  readonly losses: readonly number[];
  /** Told only where it halves the loss: a model whose predictions do not turn at all favours it a little. */
  readonly halves: boolean;
}

/**
 * The reading that explains predictions far better than the one asked for: with at most half the loss, or with a tenth
 * less and by five standard errors of the difference over samples. Undefined where there is none.
 *
 * @param samples sums of the first samples, each with as many predictions
 * @param numbers how many numbers a target holds
 */
export function betterReading(samples: readonly ReadingSums[], numbers: number): BetterReading | undefined {
  if (samples.length === 0) return undefined;
  const readings: Candidate[] = READINGS.map(({ reading, elements }) => ({
    reading,
    losses: samples.map((sample) => meanError(sample, (element) => elements[element]!)),
    halves: false,
  }));
  const asked = readings.shift()!;
  const back = samples.map((sample) => meanError(sample, () => 0));
  const candidates: Candidate[] = [
    ...readings,
    { reading: { kind: "rotated-back" }, losses: back, halves: true },
    ...otherRows(samples),
  ];
  const zero = mean(samples.map(({ zeroError }) => zeroError));
  const better = candidates.filter((candidate) => isFarBetter(candidate, asked.losses, zero));
  if (better.length === 0) return undefined;
  const loss = mean(asked.losses);
  const least = Math.min(...better.map(({ losses }) => mean(losses)));
  // Of readings that are alike the simplest.
  const { reading, losses } = better.find((candidate) => mean(candidate.losses) <= least + 0.01 * loss)!;
  return {
    reading,
    lossTotal: Math.max(0, mean(losses)) / numbers,
    lossTotalAsked: loss / numbers,
    samples: samples.length,
  };
}

function isFarBetter({ losses, halves }: Candidate, asked: readonly number[], zero: number): boolean {
  const n = asked.length;
  const [loss, other] = [mean(asked), mean(losses)];
  const gain = loss - other;
  // What is left is rounding.
  if (!(gain > 1e-6 * zero)) return false;
  if (other <= loss / 2) return true;
  if (halves || n < FEWEST_FOR_ERRORS) return false;
  const squares = asked.reduce((sum, value, i) => sum + (value - losses[i]! - gain) ** 2, 0);
  return gain > loss / 10 && gain > STANDARD_ERRORS * Math.sqrt(squares / (n * (n - 1)));
}

/** Where all samples have the same rotations, the order of these that fits best, if it is one. */
function otherRows(samples: readonly ReadingSums[]): Candidate[] {
  const { elements } = samples[0]!;
  if (samples.some((sample) => sample.elements.some((element, i) => element !== elements[i]))) return [];
  const rows = elements.map((_, i) => {
    const errors = elements.map((element) =>
      samples.reduce((sum, s) => sum + s.errors[CUBE_SYMMETRIES * i + element]!, 0),
    );
    return errors.reduce((best, error, row) => (error < errors[best]! ? row : best), 0);
  });
  if (new Set(rows).size < rows.length) return [];
  const losses = samples.map((sample) => meanError(sample, (_, i) => elements[rows[i]!]!));
  return [{ reading: { kind: "rows", rows }, losses, halves: true }];
}

function meanError({ errors, elements }: ReadingSums, read: (element: number, i: number) => number): number {
  const sum = elements.reduce((total, element, i) => total + errors[CUBE_SYMMETRIES * i + read(element, i)]!, 0);
  return sum / elements.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
