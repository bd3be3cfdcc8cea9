import { uniformFromBits } from "../kernels/philox.ts";

/** Twin of shaders/shared/random.wgsl: the same real numbers from the same bits, in float64. */

/** (cos, sin) of the angle that the upper 26 bits give, in the middle of their interval. */
export function unitCircle(bits: number): [number, number] {
  const turns = (Math.floor(bits / 64) * 64 + 32) / 2 ** 32;
  return [Math.cos(2 * Math.PI * turns), Math.sin(2 * Math.PI * turns)];
}

/** Two standard normal numbers by Box and Muller. */
export function normalPair(bits0: number, bits1: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(uniformFromBits(bits0)));
  const [cos, sin] = unitCircle(bits1);
  return [radius * cos, radius * sin];
}

export function normalsFromBits(bits: readonly number[]): number[] {
  return [...normalPair(bits[0]!, bits[1]!), ...normalPair(bits[2]!, bits[3]!)];
}
