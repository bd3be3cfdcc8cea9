// Tensors of examples: atoms strewn over a cube, structures of different sizes, and lists of neighbours of them.
import { FREE_SLOT, type NeighbourShape } from "./layout.ts";

/** Atoms in a cubic Angstrom. */
const DENSITY = 0.1;

/**
 * A number in [0, 1) for each whole one. Not `Random`: whoever bundles that would get all kernels with it, as modules
 * that several entries share are put into one.
 */
function scattered(at: number): number {
  const x = 43758.5453 * Math.sin(12.9898 * (at + 1));
  return x - Math.floor(x);
}

/** The last structure is full; of the others each lacks an atom more than the one after it, and has one at least. */
export function exampleCounts({ structures, atoms }: NeighbourShape): Uint32Array {
  return Uint32Array.from({ length: structures }, (_, b) => Math.max(1, atoms - (structures - 1 - b)));
}

/** Padding lies among the atoms: nothing but the counts tells it. */
export function examplePositions(shape: NeighbourShape): Float32Array {
  const { structures, atoms } = shape;
  const edge = exampleEdge(shape);
  return Float32Array.from({ length: 4 * structures * atoms }, (_, at) => edge * (scattered(at) - 0.5));
}

/** Cells that are skewed, of edges of about `edge`; the first structure has none where there are several. */
export function exampleCells(structures: number, edge: number): Float32Array {
  const cell = [1, 0, 0.1, -0.2, 1.1, 0, 0.3, 0.1, 0.9].map((x) => edge * x);
  return Float32Array.from({ length: 9 * structures }, (_, k) => (k < 9 && structures > 1 ? 0 : cell[k % 9]!));
}

/** Edge of the cube that the atoms are in. */
export const exampleEdge = ({ atoms }: NeighbourShape) => Math.cbrt(atoms / DENSITY);

/** Slots in use of lists from full to empty. */
export function exampleUse({ atoms, slots }: Pick<NeighbourShape, "atoms" | "slots">): Uint32Array {
  return Uint32Array.from({ length: atoms }, (_, i) => slots - (i % (slots + 1)));
}

/** Lists of as many slots as there are atoms for: an atom's neighbours are those that follow, around the end. */
export function exampleLists(shape: NeighbourShape): { neighbours: Uint32Array; neighbourCounts: Uint32Array } {
  const { structures, atoms, slots } = shape;
  const counts = exampleCounts(shape);
  const use = exampleUse(shape);
  const neighbours = new Uint32Array(structures * atoms * slots).fill(FREE_SLOT);
  const neighbourCounts = new Uint32Array(structures * atoms);
  for (let b = 0; b < structures; b++) {
    const count = counts[b]!;
    for (let i = 0; i < count; i++) {
      const atom = b * atoms + i;
      const used = Math.min(count - 1, use[i]!);
      const others = Array.from({ length: used }, (_, k) => (i + 1 + k) % count).sort((a, c) => a - c);
      neighbours.set(
        others.map((j) => b * atoms + j),
        atom * slots,
      );
      neighbourCounts[atom] = used;
    }
  }
  return { neighbours, neighbourCounts };
}

/** The edges of lists by their neighbour, as `reverseNeighbours` makes them. */
export function exampleReverse(
  neighbours: Uint32Array,
  atoms: number,
): Record<"starts" | "inDegrees" | "edges", Uint32Array> {
  const incoming: number[][] = Array.from({ length: atoms }, () => []);
  neighbours.forEach((neighbour, edge) => incoming[neighbour]?.push(edge));
  const starts = new Uint32Array(atoms);
  for (let i = 1; i < atoms; i++) starts[i] = starts[i - 1]! + incoming[i - 1]!.length;
  const edges = new Uint32Array(neighbours.length);
  edges.set(incoming.flat());
  return { starts, inDegrees: Uint32Array.from(incoming, ({ length }) => length), edges };
}

/** Directions of length 1 with lengths of 1 to 2 behind them in the slots in use; zeros in free ones. */
export function exampleEdges(used: Uint32Array, slots: number): Float32Array {
  const edges = new Float32Array(4 * used.length * slots);
  used.forEach((count, i) => {
    for (let at = i * slots; at < i * slots + count; at++) {
      const direction = [0, 1, 2].map((a) => scattered(4 * at + a) - 0.5);
      const length = Math.hypot(...direction);
      edges.set([...direction.map((x) => x / length), 1 + scattered(4 * at + 3)], 4 * at);
    }
  });
  return edges;
}
