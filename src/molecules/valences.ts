import type { Bond } from "./molecule.ts";

/**
 * Sums of bond orders with which an atom counts as stable: those of EDM (arXiv 2203.17003), without charges, but for
 * sulphur, of which EDM takes 4 alone and which may have 2, 4 or 6 here.
 */
const STABLE = new Map<number, readonly number[]>([
  [1, [1]],
  [5, [3]],
  [6, [4]],
  [7, [3]],
  [8, [2]],
  [9, [1]],
  [13, [3]],
  [14, [4]],
  [15, [3, 5]],
  [16, [2, 4, 6]],
  [17, [1]],
  [33, [3]],
  [35, [1]],
  [53, [1]],
  [80, [1, 2]],
  [83, [3, 5]],
]);

/** Whether an atom has a number of bonds that its element usually has; of other elements none has. */
export function isStable(element: number, valence: number): boolean {
  return STABLE.get(element)?.includes(valence) ?? false;
}

/**
 * The sum of bond orders of each atom. Aromatic bonds (4) count 1.5; those of no known order and dative ones (0, 8, 9)
 * count 1, and hydrogen bonds none.
 */
export function valences(atoms: number, bonds: readonly Bond[]): Float64Array {
  const sums = new Float64Array(atoms);
  for (const { a, b, order } of bonds) {
    const value = order === 4 ? 1.5 : order >= 1 && order <= 3 ? order : order === 10 ? 0 : 1;
    sums[a]! += value;
    sums[b]! += value;
  }
  return sums;
}

/** The atoms of the largest part that hangs together, in their order, and how many parts there are. */
export function largestPart(atoms: number, bonds: readonly Bond[]): { atoms: number[]; parts: number } {
  const part = Int32Array.from({ length: atoms }, (_, i) => i);
  const root = (atom: number): number => {
    let at = atom;
    while (part[at] !== at) at = part[at] = part[part[at]!]!;
    return at;
  };
  for (const { a, b, order } of bonds) if (order !== 10) part[root(a)] = root(b);
  const members = new Map<number, number[]>();
  for (let atom = 0; atom < atoms; atom++) {
    const own = members.get(root(atom));
    if (own === undefined) members.set(root(atom), [atom]);
    else own.push(atom);
  }
  const all = [...members.values()];
  return { atoms: all.reduce((a, b) => (b.length > a.length ? b : a), []), parts: all.length };
}
