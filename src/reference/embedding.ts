import { addScaled, float64 } from "./rows.ts";
import { twin, type Twins } from "./twin.ts";

/** Twin of shaders/embedding.wgsl in float64; an index beyond the last row gives zeros. */
export function embedding(
  { rows, columns }: { readonly rows: number; readonly columns: number },
  indices: ArrayLike<number>,
  table: ArrayLike<number>,
): Float64Array {
  return Float64Array.from({ length: indices.length * columns }, (_, at) => {
    const row = indices[Math.floor(at / columns)]!;
    return row < rows ? table[row * columns + (at % columns)]! : 0;
  });
}

/** Twin of its gradient in float64. */
export function embeddingGrad(
  { rows, columns }: { readonly rows: number; readonly columns: number },
  indices: ArrayLike<number>,
  gradY: ArrayLike<number>,
): Float64Array {
  const gradTable = new Float64Array(rows * columns);
  for (let n = 0; n < indices.length; n++) {
    if (indices[n]! < rows) addScaled([gradTable, indices[n]! * columns], [float64(gradY), n * columns], columns, 1);
  }
  return gradTable;
}

export const twins: Twins = {
  embedding: twin<"indices" | "table", "rows" | "columns">(({ indices, table }, shape) => {
    return { y: embedding(shape, indices, table) };
  }),
  embeddingGrad: twin<"indices" | "gradY" | "gradTable", "rows" | "columns">(({ indices, gradY, gradTable }, shape) => {
    return { gradTable: embeddingGrad(shape, indices, gradY).map((sum, at) => gradTable[at]! + sum) };
  }),
};
