import type { TensorData } from "../harness.ts";
import type { RandomStep } from "../../src/reference/noise.ts";

/** The uniform `Step` with its random numbers' fields set. */
export function stepData({ seedLo, seedHi, step, sample }: RandomStep): TensorData {
  const data = new Uint32Array(8);
  data.set([seedLo, seedHi, step, sample]);
  return { shape: [8], data };
}
