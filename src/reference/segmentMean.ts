import { twin, type Twins } from "./twin.ts";

/** Sizes of padded segments. */
export interface SegmentCase {
  readonly segments: number;
  readonly slots: number;
  readonly columns: number;
}

/** Twin of shaders/edges/segmentMean.wgsl in float64; `eps` undefined for sums. */
export function segmentMean(
  { segments, slots, columns }: SegmentCase,
  x: ArrayLike<number>,
  counts: ArrayLike<number>,
  eps: number | undefined,
): Float64Array {
  const y = new Float64Array(segments * columns);
  for (let g = 0; g < segments; g++) {
    for (let s = 0; s < counts[g]!; s++) {
      for (let c = 0; c < columns; c++) {
        y[g * columns + c]! += x[(g * slots + s) * columns + c]! / (eps === undefined ? 1 : counts[g]! + eps);
      }
    }
  }
  return y;
}

/** Twin of shaders/edges/segmentMeanGrad.wgsl in float64. */
export function segmentMeanGrad(
  { segments, slots, columns }: SegmentCase,
  gradY: ArrayLike<number>,
  counts: ArrayLike<number>,
  eps: number | undefined,
): Float64Array {
  const gradX = new Float64Array(segments * slots * columns);
  for (let g = 0; g < segments; g++) {
    for (let s = 0; s < counts[g]!; s++) {
      for (let c = 0; c < columns; c++) {
        const share = eps === undefined ? 1 : 1 / (counts[g]! + eps);
        gradX[(g * slots + s) * columns + c] = gradY[g * columns + c]! * share;
      }
    }
  }
  return gradX;
}

const epsOf = ({ mean }: { readonly mean: number }): number | undefined => (mean === 1 ? 1e-5 : undefined);

export const twins: Twins = {
  segmentMean: twin<"x" | "counts", keyof SegmentCase | "mean">(({ x, counts }, shape) => {
    return { y: segmentMean(shape, x, counts, epsOf(shape)) };
  }),
  segmentMeanGrad: twin<"gradY" | "counts", keyof SegmentCase | "mean">(({ gradY, counts }, shape) => {
    return { gradX: segmentMeanGrad(shape, gradY, counts, epsOf(shape)) };
  }),
};
