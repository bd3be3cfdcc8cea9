/** What there is to say of structures that can be used, but are odd. */
import { formatCount } from "../../report/format.ts";
import type { LabelledMolecule, LabelScales } from "./labels.ts";

/** Net forces of quantum chemistry are rounding; frames cut out of something larger have some. */
const MOST_NET_FORCE = 0.01;

/** Structures whose neighbours are counted at most: it takes all pairs. */
const COUNTED = 1000;

/** A remark where forces do not add up to zero. */
export function netForces(molecules: readonly LabelledMolecule[], { forceScale }: LabelScales): string[] {
  let [count, largest] = [0, 0];
  for (const { forces } of molecules) {
    const net = Math.hypot(...[0, 1, 2].map((a) => forces.reduce((sum, f, at) => sum + (at % 3 === a ? f : 0), 0)));
    if (net > MOST_NET_FORCE * forceScale * Math.sqrt(forces.length)) count++;
    largest = Math.max(largest, net);
  }
  if (count === 0) return [];
  const frames = `${formatCount(count)} of ${formatCount(molecules.length)} frames`;
  return [
    `forces of ${frames} do not add up to zero (by up to ${largest.toPrecision(2)} eV/A): are they whole molecules?`,
  ];
}

/** A remark where atoms have more neighbours than slots. */
export function overflows(
  molecules: readonly LabelledMolecule[],
  { cutoff, neighbours }: { readonly cutoff: number; readonly neighbours: number },
): string[] {
  let [atoms, over] = [0, 0];
  for (const { positions: p } of molecules
    .filter(({ elements }) => elements.length > neighbours + 1)
    .slice(0, COUNTED)) {
    for (let i = 0; i < p.length; i += 3) {
      let within = 0;
      for (let j = 0; j < p.length; j += 3) {
        const square = (p[i]! - p[j]!) ** 2 + (p[i + 1]! - p[j + 1]!) ** 2 + (p[i + 2]! - p[j + 2]!) ** 2;
        if (i !== j && square <= cutoff ** 2) within++;
      }
      atoms++;
      if (within > neighbours) over++;
    }
  }
  if (over === 0) return [];
  const some = `${formatCount(over)} of ${formatCount(atoms)} atoms of larger molecules`;
  return [`${some} have more than ${neighbours} neighbours within ${cutoff} A: the nearest ${neighbours} count`];
}
