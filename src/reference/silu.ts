import { mapped, twin, type Twins } from "./twin.ts";

/** Twin of shaders/silu.wgsl in float64. */

export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

export function siluSlope(x: number): number {
  const s = 1 / (1 + Math.exp(-x));
  return s * (1 + x * (1 - s));
}

export const twins: Twins = {
  silu: twin<"x", never>(({ x }) => ({ y: mapped(x, silu) })),
  siluGrad: twin<"x" | "gradY", never>(({ x, gradY }) => ({ gradX: mapped(x, (v, i) => gradY[i]! * siluSlope(v)) })),
};
