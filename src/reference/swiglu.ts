import { silu, siluSlope } from "./activations.ts";
import { twin, type Twins } from "./twin.ts";

/** Twins of shaders/swiglu.wgsl in float64: rows of x are a, then g, of `columns` numbers each. */
function halves(i: number, columns: number): [a: number, g: number] {
  const at = i + Math.floor(i / columns) * columns;
  return [at, at + columns];
}

export function swiglu(x: ArrayLike<number>, columns: number): Float64Array {
  return Float64Array.from({ length: x.length / 2 }, (_, i) => {
    const [a, g] = halves(i, columns);
    return x[a]! * silu(x[g]!);
  });
}

export function swigluGrad(x: ArrayLike<number>, gradY: ArrayLike<number>, columns: number): Float64Array {
  const gradX = new Float64Array(x.length);
  for (let i = 0; i < gradY.length; i++) {
    const [a, g] = halves(i, columns);
    gradX[a] = gradY[i]! * silu(x[g]!);
    gradX[g] = gradY[i]! * x[a]! * siluSlope(x[g]!);
  }
  return gradX;
}

export const twins: Twins = {
  swiglu: twin<"x", "columns">(({ x }, { columns }) => ({ y: swiglu(x, columns) })),
  swigluGrad: twin<"x" | "gradY", "columns">(({ x, gradY }, { columns }) => ({
    gradX: swigluGrad(x, gradY, columns),
  })),
};
