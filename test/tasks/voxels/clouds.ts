import type { PackedMolecules } from "../../../src/molecules/dataset.ts";
import { Random } from "../../../src/random.ts";

/** Random clouds of atoms: what is measured does not depend on chemistry. */
export function clouds(count: number, seed: number, channels: number): PackedMolecules {
  const random = new Random(seed);
  const atoms: number[] = [];
  const offsets = [0];
  for (let m = 0; m < count; m++) {
    for (let a = 0; a < 4 + random.int(5); a++) {
      atoms.push(...[0, 1, 2].map(() => random.normal()), random.int(channels));
    }
    offsets.push(atoms.length / 4);
  }
  return {
    atoms: Float32Array.from(atoms),
    offsets: Uint32Array.from(offsets),
    count,
    sourceIndex: new Uint32Array(count),
  };
}
