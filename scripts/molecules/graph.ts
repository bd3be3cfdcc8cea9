// Molecules without positions: atoms, bonds, paths and rings.

/** A molecule's heavy atoms while it grows: atomic numbers, bonds, and which atoms belong to an aromatic template. */
export interface Graph {
  elements: number[];
  bonds: { a: number; b: number; order: number }[];
  aromatic: boolean[];
}

const valences = new Map([
  [6, 4],
  [7, 3],
  [8, 2],
  [9, 1],
]);

/** Hydrogens that an atom still takes. */
export function freeValence(graph: Graph, atom: number): number {
  let free = valences.get(graph.elements[atom]!)!;
  for (const bond of graph.bonds) if (bond.a === atom || bond.b === atom) free -= bond.order;
  return free;
}

export function addAtom(graph: Graph, element: number, aromatic = false): number {
  graph.elements.push(element);
  graph.aromatic.push(aromatic);
  return graph.elements.length - 1;
}

export function addBond(graph: Graph, a: number, b: number, order: number): void {
  graph.bonds.push({ a, b, order });
}

/** Neighbours of an atom with the order of the bond to each. */
export function neighbours(graph: Graph, atom: number): { atom: number; order: number }[] {
  const found: { atom: number; order: number }[] = [];
  for (const { a, b, order } of graph.bonds) {
    if (a === atom) found.push({ atom: b, order });
    if (b === atom) found.push({ atom: a, order });
  }
  return found;
}

/** Number of bonds on the shortest path from `from` to each atom, not using the bond with index `without`. */
export function pathLengths(graph: Graph, from: number, without = -1): number[] {
  const lengths = graph.elements.map(() => Infinity);
  lengths[from] = 0;
  const queue = [from];
  for (const atom of queue) {
    graph.bonds.forEach((bond, i) => {
      if (i === without || (bond.a !== atom && bond.b !== atom)) return;
      const other = bond.a === atom ? bond.b : bond.a;
      if (lengths[other] !== Infinity) return;
      lengths[other] = lengths[atom]! + 1;
      queue.push(other);
    });
  }
  return lengths;
}

/** Size of the smallest ring through each bond; Infinity for a bond in no ring. */
export function ringSizes(graph: Graph): number[] {
  return graph.bonds.map((bond, i) => pathLengths(graph, bond.a, i)[bond.b]! + 1);
}
