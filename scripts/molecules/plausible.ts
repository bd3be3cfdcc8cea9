// Whether a graph is one that chemists would expect to be stable.
import { freeValence, neighbours, ringSizes, type Graph } from "./graph.ts";

/**
 * Whether a chemist would expect the molecule to be stable enough to have on the shelf: no chains of heteroatoms, no
 * geminal or vinylic hydroxyls, no cumulated or badly strained multiple bonds, no piles of small rings. The rules are
 * stricter than nature.
 */
export function plausible(graph: Graph): boolean {
  const rings = ringSizes(graph);
  return (
    (graph.elements.length === 1 || graph.elements.includes(6)) &&
    graph.elements.every((_, atom) => plausibleAtom(graph, atom, rings)) &&
    graph.bonds.every((bond, i) => plausibleBond(graph, bond, rings[i]!)) &&
    plausibleRings(graph, rings)
  );
}

const isHetero = (graph: Graph, atom: number) => graph.elements[atom] !== 6;

function plausibleAtom(graph: Graph, atom: number, rings: number[]): boolean {
  const around = neighbours(graph, atom);
  const doubles = around.filter(({ order }) => order === 2);
  const ringBonds = graph.bonds.filter(
    (bond, i) => (bond.a === atom || bond.b === atom) && rings[i]! < Infinity,
  ).length;
  const multiple = around.some(({ order }) => order > 1);
  if (doubles.length > 1 || (multiple && ringBonds > 2)) return false;
  if (graph.elements[atom] !== 6) return true;

  const singles = around.filter(({ order }) => order === 1).map((bond) => bond.atom);
  const hetero = singles.filter((other) => isHetero(graph, other));
  const fluorines = hetero.filter((other) => graph.elements[other] === 9).length;
  const withHydrogen = hetero.filter((other) => freeValence(graph, other) > 0).length;
  if (around.some(({ order }) => order === 3)) return hetero.length === 0;
  if (doubles.length === 0) {
    if (fluorines > 0) return hetero.length === fluorines;
    return hetero.length < 2 || (hetero.length === 2 && withHydrogen === 0);
  }
  if (graph.aromatic[atom]) return true;
  if (fluorines > 0) return false;
  const other = graph.elements[doubles[0]!.atom];
  if (other === 6) return withHydrogen === 0 && hetero.length < 2;
  const acidic = hetero.filter((at) => graph.elements[at] === 8 && freeValence(graph, at) > 0).length;
  return other === 8 ? acidic === 0 || hetero.length === 1 : acidic === 0;
}

function plausibleBond(graph: Graph, { a, b, order }: Graph["bonds"][number], ring: number): boolean {
  if (order === 3 && ring < Infinity) return false;
  if (order === 2 && ring < 4) return false;
  if (graph.aromatic[a] && graph.aromatic[b]) return true;
  if (!isHetero(graph, a) || !isHetero(graph, b)) return true;
  return order === 1 && (oximeLike(graph, a, b) || oximeLike(graph, b, a));
}

/** Nitrogen `a` doubly bound to carbon, with a hydroxyl, ether or amine `b` on it, as in oximes and hydrazones. */
function oximeLike(graph: Graph, a: number, b: number): boolean {
  const imine = neighbours(graph, a).some(({ atom, order }) => order === 2 && graph.elements[atom] === 6);
  const tame = neighbours(graph, b).every(
    ({ atom, order }) => order === 1 && (atom === a || graph.elements[atom] === 6),
  );
  return graph.elements[a] === 7 && imine && graph.elements[b] !== 9 && tame;
}

/**
 * At most three rings, none larger than six atoms unless smaller ones make it up; at most two of three or four atoms,
 * each with at most one heteroatom, not sharing a bond; no double bond on a three-ring.
 */
function plausibleRings(graph: Graph, rings: number[]): boolean {
  if (graph.bonds.length - graph.elements.length + 1 > 3) return false;
  if (!rings.every((size) => size === Infinity || size <= 6)) return false;
  const small = smallRings(graph);
  if (small.length > 2) return false;
  const [one, other] = small;
  if (one !== undefined && other !== undefined && one.filter((atom) => other.includes(atom)).length > 1) return false;
  return small.every((ring) => {
    const unsaturated = ring.some((atom) => neighbours(graph, atom).some(({ order }) => order > 1));
    const hetero = ring.filter((atom) => isHetero(graph, atom)).length;
    return hetero < 2 && !(ring.length === 3 && unsaturated);
  });
}

/** The rings of three and four atoms, each as the list of its atoms. */
function smallRings(graph: Graph): number[][] {
  const found = new Map<string, number[]>();
  const walk = (path: number[]) => {
    for (const { atom } of neighbours(graph, path[path.length - 1]!)) {
      if (atom === path[0] && path.length > 2) found.set([...path].sort((x, y) => x - y).join(), [...path]);
      else if (path.length < 4 && !path.includes(atom)) walk([...path, atom]);
    }
  };
  graph.elements.forEach((_, atom) => walk([atom]));
  return [...found.values()];
}
