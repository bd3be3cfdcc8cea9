import type { PackedMolecules } from "../../src/molecules/dataset.ts";
import { Random } from "../../src/random.ts";

/** Random clouds of atoms of five elements: what is tested with them does not depend on chemistry. */
export function molecules(count: number, seed: number): PackedMolecules {
  const random = new Random(seed);
  const atoms: number[] = [];
  const offsets = [0];
  for (let m = 0; m < count; m++) {
    for (let a = 0; a < 5 + random.int(10); a++) {
      atoms.push(1.2 * random.normal(), 1.2 * random.normal(), 1.2 * random.normal(), random.int(5));
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
