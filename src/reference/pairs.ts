import { twin, type Twins } from "./twin.ts";

type Numbers = ArrayLike<number>;

/** Rows of the tables: separations, bins of the previous distances, bins of the distances. */
const [SEPARATIONS, PREVIOUS] = [127, 128];

/** The number of limits, evenly from 0.1 to 3, strictly below a distance. */
export function distanceBin(distance: number, limits: number): number {
  const below = Array.from({ length: limits }, (_, k) => 0.1 + (2.9 * k) / (limits - 1)).filter((l) => l < distance);
  return below.length;
}

interface PairCoordinates {
  readonly x: Numbers;
  readonly previous?: Numbers;
  readonly present?: Numbers;
  readonly residues: Numbers;
}

/** Twin of shaders/pairs/pairBins.wgsl in float64: the rows of each pair's features in bytes. */
export function pairBins(
  { chains, side }: { readonly chains: number; readonly side: number },
  { x, previous, present = [1], residues }: PairCoordinates,
): Float64Array {
  const distance = (of: Numbers, i: number, j: number) =>
    Math.hypot(...[0, 1, 2].map((a) => of[3 * i + a]! - of[3 * j + a]!));
  return Float64Array.from({ length: chains * side * side }, (_, at) => {
    const i = Math.floor(at / side);
    const j = Math.floor(i / side) * side + (at % side);
    if (residues[i] === 0 || residues[j] === 0) return 0xffffffff;
    const separation = Math.min(Math.max(i - j, -63), 63) + 63;
    const before = previous && present[0] !== 0 ? distanceBin(distance(previous, i, j), 127) : 255;
    return separation + 256 * before + 65536 * distanceBin(distance(x, i, j), 63);
  });
}

/** The rows of the table that a pair has. */
function rowsOf(word: number): number[] {
  if (word === 0xffffffff) return [];
  const [separation, before, now] = [word % 256, Math.floor(word / 256) % 256, Math.floor(word / 65536)];
  return [separation, ...(before === 255 ? [] : [SEPARATIONS + before]), SEPARATIONS + PREVIOUS + now];
}

/** Twin of shaders/pairs/pairEmbedding.wgsl in float64. */
export function pairEmbedding(bins: Numbers, table: Numbers, columns: number): Float64Array {
  return Float64Array.from({ length: bins.length * columns }, (_, at) => {
    const rows = rowsOf(bins[Math.floor(at / columns)]!);
    return rows.reduce((sum, row) => sum + table[row * columns + (at % columns)]!, 0);
  });
}

/** Twin of its gradient in float64, which is added to `gradTable`. */
export function pairEmbeddingGrad(bins: Numbers, gradY: Numbers, gradTable: Numbers, columns: number): Float64Array {
  const sums = Float64Array.from(gradTable);
  for (let pair = 0; pair < bins.length; pair++) {
    for (const row of rowsOf(bins[pair]!)) {
      for (let c = 0; c < columns; c++) sums[row * columns + c]! += gradY[pair * columns + c]!;
    }
  }
  return sums;
}

interface PairBiasSizes {
  readonly samples: number;
  readonly pairs: number;
  readonly columns: number;
  readonly heads: number;
}

/** Twin of shaders/pairs/pairBias.wgsl in float64. */
export function pairBias({ samples, pairs, columns, heads }: PairBiasSizes, x: Numbers, matrix: Numbers): Float64Array {
  return Float64Array.from({ length: samples * heads * pairs }, (_, at) => {
    const [sample, head, pair] = [Math.floor(at / (heads * pairs)), Math.floor(at / pairs) % heads, at % pairs];
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += x[(sample * pairs + pair) * columns + c]! * matrix[c * heads + head]!;
    return sum;
  });
}

/** Twin of its gradients in float64. */
export function pairBiasGrad(
  { samples, pairs, columns, heads }: PairBiasSizes,
  { x, matrix, gradY }: Readonly<Record<"x" | "matrix" | "gradY", Numbers>>,
) {
  const gradX = new Float64Array(samples * pairs * columns);
  const gradMatrix = new Float64Array(columns * heads);
  for (let row = 0; row < samples * pairs; row++) {
    for (let head = 0; head < heads; head++) {
      const gradient = gradY[(Math.floor(row / pairs) * heads + head) * pairs + (row % pairs)]!;
      for (let c = 0; c < columns; c++) {
        gradX[row * columns + c]! += gradient * matrix[c * heads + head]!;
        gradMatrix[c * heads + head]! += gradient * x[row * columns + c]!;
      }
    }
  }
  return { gradX, gradMatrix };
}

export const twins: Twins = {
  pairBins: twin<"x" | "previous" | "present" | "residues", "chains" | "side">((tensors, shape) => ({
    bins: pairBins(shape, tensors),
  })),
  pairEmbedding: twin<"bins" | "table", "columns">(({ bins, table }, { columns }) => ({
    y: pairEmbedding(bins, table, columns),
  })),
  pairEmbeddingGrad: twin<"bins" | "gradY" | "gradTable", "columns">(({ bins, gradY, gradTable }, { columns }) => ({
    gradTable: pairEmbeddingGrad(bins, gradY, gradTable, columns),
  })),
  pairBias: twin<"x" | "matrix", keyof PairBiasSizes>(({ x, matrix }, shape) => ({ y: pairBias(shape, x, matrix) })),
  pairBiasGrad: twin<"x" | "matrix" | "gradY" | "addend" | "gradMatrix", keyof PairBiasSizes>((tensors, shape) => {
    const { gradX, gradMatrix } = pairBiasGrad(shape, tensors);
    return {
      gradX: gradX.map((value, at) => value + tensors.addend[at]!),
      gradMatrix: gradMatrix.map((value, at) => value + tensors.gradMatrix[at]!),
    };
  }),
};
