// Distinct molecules with positions, from graphs that grow until there are enough.
import type { Molecule } from "../../src/molecules/molecule.ts";
import { constitution, embed } from "./geometry.ts";
import { growGraph } from "./grow.ts";
import { plausible } from "./plausible.ts";

/** The seed of the built-in set. */
export const builtinSeed = 1;

/** A molecule of the set, and the number under which `growGraph` grew it. */
export interface Grown {
  index: number;
  molecule: Molecule;
}

/**
 * Molecule number `index` of the seed's sequence, or undefined where nothing sensible grew. About one in five survives.
 */
export function makeMolecule(seed: number, index: number): Molecule | undefined {
  const graph = growGraph(seed, index);
  return plausible(graph) ? embed(graph) : undefined;
}

/**
 * The first `count` distinct molecules of the seed's sequence. Two stereoisomers count as one molecule: the first is
 * kept.
 */
export function makeMolecules(seed: number, count: number, progress: (made: number) => void = () => {}): Grown[] {
  const seen = new Set<string>();
  const made: Grown[] = [];
  for (let index = 0; made.length < count; index++) {
    const graph = growGraph(seed, index);
    if (!plausible(graph)) continue;
    const code = constitution(graph);
    if (seen.has(code)) continue;
    seen.add(code);
    const molecule = embed(graph);
    if (molecule === undefined) continue;
    made.push({ index, molecule });
    progress(made.length);
  }
  return made;
}
