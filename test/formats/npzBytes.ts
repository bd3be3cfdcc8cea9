import { npyBytes } from "../node/npyBytes.ts";
import { zipBytes, type ZipOptions } from "./zipBytes.ts";

export type TestArray = readonly [shape: readonly number[], data: readonly number[]];

/** An .npz file of float64 arrays by their names. */
export function npzBytes(arrays: Readonly<Record<string, TestArray>>, options: ZipOptions = {}): Uint8Array {
  const files = Object.entries(arrays).map(([name, [shape, data]]) => [
    `${name}.npy`,
    npyBytes(shape, Float64Array.from(data)),
  ]);
  return zipBytes(Object.fromEntries(files) as Record<string, Uint8Array>, options);
}

/** Two frames of a water molecule as rMD17 has them. */
export const rmd17 = {
  nuclear_charges: [[3], [8, 1, 1]],
  coords: [
    [2, 3, 3],
    [0, 0, 0.1, 0.76, 0, -0.48, -0.76, 0, -0.48, 0, 0, 0.2, 0.7, 0, -0.4, -0.7, 0, -0.4],
  ],
  energies: [[2], [-10, -20]],
  forces: [[2, 3, 3], Array.from({ length: 18 }, (_, i) => i)],
} as const satisfies Record<string, TestArray>;
