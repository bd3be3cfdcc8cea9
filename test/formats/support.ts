import type { Vector3 } from "../../src/molecules/eigen.ts";
import type { Molecule } from "../../src/molecules/molecule.ts";
import { Random } from "../../src/random.ts";

/** Normally distributed positions of n atoms, in Angstrom. */
export function randomPositions(n: number, seed: number, scale = 1): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length: 3 * n }, () => scale * random.normal());
}

/** A molecule of carbon and hydrogen alternating, in a random shape. */
export function randomMolecule(n: number, seed: number, scale = 1): Molecule {
  return {
    elements: Uint8Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 6 : 1)),
    positions: randomPositions(n, seed, scale),
  };
}

/** The positions after a random rotation and a shift. */
export function turned(positions: Float64Array, seed: number, shift: readonly number[]): Float64Array {
  const random = new Random(seed);
  const [w, x, y, z] = unit([random.normal(), random.normal(), random.normal(), random.normal()]);
  const r: readonly Vector3[] = [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
  return positions.map((_, i) => {
    const at = i - (i % 3);
    const [a, b, c] = r[i % 3]!;
    return a * positions[at]! + b * positions[at + 1]! + c * positions[at + 2]! + shift[i % 3]!;
  });
}

type Quaternion = readonly [w: number, x: number, y: number, z: number];

function unit([w, x, y, z]: Quaternion): Quaternion {
  const norm = Math.hypot(w, x, y, z);
  return [w / norm, x / norm, y / norm, z / norm];
}

/** What `run` throws, or undefined. */
export function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

/**
 * Processor time of this process so far, in milliseconds: unlike the clock it does not run on while other programs do.
 */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
