import { twin, type Twins } from "./twin.ts";

/** Twin of shaders/add.wgsl: the sum rounded to f32, as one IEEE addition gives it. */
export function add(a: ArrayLike<number>, b: ArrayLike<number>): Float32Array {
  return Float32Array.from(a, (value, i) => value + b[i]!);
}

/** Twin of the same with SUBTRACT. */
export function subtract(a: ArrayLike<number>, b: ArrayLike<number>): Float32Array {
  return Float32Array.from(a, (value, i) => value - b[i]!);
}

export const twins: Twins = {
  add: twin<"a" | "b", never>(({ a, b }) => ({ y: add(a, b) })),
  subtract: twin<"a" | "b", never>(({ a, b }) => ({ y: subtract(a, b) })),
};
