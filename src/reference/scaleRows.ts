import { mapped, twin, type Twins } from "./twin.ts";

type Numbers = ArrayLike<number>;

/** Twin of shaders/scaleRows.wgsl in float64. */
export function scaleRows(columns: number, x: Numbers, weight: Numbers): Float64Array {
  return mapped(x, (value, at) => weight[Math.floor(at / columns)]! * value);
}

/** Twin of its gradients in float64. */
export function scaleRowsGrad(columns: number, x: Numbers, weight: Numbers, gradY: Numbers) {
  const gradWeight = new Float64Array(weight.length);
  for (let at = 0; at < x.length; at++) gradWeight[Math.floor(at / columns)]! += x[at]! * gradY[at]!;
  return { gradX: scaleRows(columns, gradY, weight), gradWeight };
}

export const twins: Twins = {
  scaleRows: twin<"x" | "weight", "columns">(({ x, weight }, { columns }) => ({ y: scaleRows(columns, x, weight) })),
  scaleRowsGrad: twin<"x" | "weight" | "gradY" | "gradX" | "gradWeight", "columns">((tensors, { columns }) => {
    const { gradX, gradWeight } = scaleRowsGrad(columns, tensors.x, tensors.weight, tensors.gradY);
    return {
      gradX: gradX.map((value, at) => value + tensors.gradX[at]!),
      gradWeight: gradWeight.map((value, r) => value + tensors.gradWeight[r]!),
    };
  }),
};
