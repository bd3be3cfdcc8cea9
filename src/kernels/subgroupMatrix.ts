import type { GpuCaps, SubgroupMatrixShape } from "../gpu/caps.ts";

/** Constants of shaders/shared/subgroupMatrix.wgsl. */
export interface SubgroupMatrixConstants extends Record<string, number> {
  MATRIX_M: number;
  MATRIX_N: number;
  MATRIX_K: number;
  SUBGROUP_SIZE: number;
}

/**
 * The adapter's shapes of subgroup matrices that kernels can use, the one with the most multiply-adds first: it takes
 * the fewest loads. Rows of matrices lie in elements of 16 bytes.
 */
export function subgroupMatrixShapes(caps: GpuCaps): SubgroupMatrixConstants[] {
  const size = ({ m, n, k }: SubgroupMatrixShape) => m * n * k;
  return caps.subgroupMatrices
    .filter(({ m, n, k }) => [m, n, k].every((side) => side % 8 === 0))
    .sort((a, b) => size(b) - size(a))
    .map(({ m, n, k }) => ({ MATRIX_M: m, MATRIX_N: n, MATRIX_K: k, SUBGROUP_SIZE: caps.subgroupMinSize }));
}

/** Such as `subgroup matrix 16x16x16`, with which the names of variants begin. */
export function subgroupMatrixName({ MATRIX_M, MATRIX_N, MATRIX_K }: SubgroupMatrixConstants): string {
  return `subgroup matrix ${MATRIX_M}x${MATRIX_N}x${MATRIX_K}`;
}
