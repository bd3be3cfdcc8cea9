import { mapped, twin, type Twins } from "./twin.ts";

/** Twin of shaders/sumRows.wgsl: [rows, columns] summed over its rows. */
export function sumRows(x: ArrayLike<number>, columns: number): Float64Array {
  const y = new Float64Array(columns);
  for (let i = 0; i < x.length; i++) y[i % columns]! += x[i]!;
  return y;
}

export const twins: Twins = {
  sumRows: twin<"x" | "y", "columns">(({ x, y }, { columns }) => {
    return { y: mapped(sumRows(x, columns), (sum, i) => y[i]! + sum) };
  }),
};
