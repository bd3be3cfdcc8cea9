import { twin, type Twins } from "./twin.ts";

const FREE = 0xffffffff;
/** Rooms of a batch: structures, atoms of each, slots of an atom. */
type Sizes = Readonly<Record<"structures" | "atoms" | "slots", number>>;

export interface Lists {
  neighbours: Float64Array;
  neighbourCounts: Float64Array;
  dropped: Float64Array;
}

/** Twin of shaders/neighbours/neighbourList.wgsl. Squares are rounded to f32 at each step, as what ties are is told. */
export function neighbourList(
  { structures, atoms, slots }: Sizes,
  cutoff: number,
  positions: ArrayLike<number>,
  counts: ArrayLike<number>,
): Lists {
  const limit = Math.fround(Math.fround(cutoff) ** 2);
  const neighbours = new Float64Array(structures * atoms * slots).fill(FREE);
  const [neighbourCounts, dropped] = [new Float64Array(structures * atoms), new Float64Array(structures * atoms)];
  for (let b = 0; b < structures; b++) {
    const own = Array.from({ length: counts[b]! }, (_, i) => b * atoms + i);
    for (const i of own) {
      const within = own
        .map((j) => ({ j, squared: squared(positions, i, j) }))
        .filter(({ squared }) => squared > Math.fround(1e-4) && squared <= limit)
        .sort((a, b) => a.squared - b.squared || a.j - b.j);
      const chosen = within.slice(0, slots).map(({ j }) => j);
      neighbours.set(
        chosen.sort((a, b) => a - b),
        i * slots,
      );
      neighbourCounts[i] = chosen.length;
      dropped[i] = within.length - chosen.length;
    }
  }
  return { neighbours, neighbourCounts, dropped };
}

function squared(positions: ArrayLike<number>, i: number, j: number): number {
  const [x, y, z] = [0, 1, 2].map((axis) => {
    const d = Math.fround(positions[4 * i + axis]! - positions[4 * j + axis]!);
    return Math.fround(d * d);
  }) as [number, number, number];
  return Math.fround(Math.fround(x + y) + z);
}

/** Twin of src/kernels/neighbours/reverseNeighbours.ts. */
export function reverseNeighbours(
  { structures, atoms, slots }: Sizes,
  neighbours: ArrayLike<number>,
): { starts: Float64Array; inDegrees: Float64Array; edges: Float64Array } {
  const edges = new Float64Array(neighbours.length).fill(FREE);
  const [starts, inDegrees] = [new Float64Array(structures * atoms), new Float64Array(structures * atoms)];
  const ending = Array.from({ length: structures * atoms }, (): number[] => []);
  for (let e = 0; e < neighbours.length; e++) ending[neighbours[e]!]?.push(e);
  ending.forEach((own, j) => {
    const before = j % atoms === 0 ? undefined : j - 1;
    starts[j] = before === undefined ? j * slots : starts[before]! + inDegrees[before]!;
    inDegrees[j] = own.length;
    edges.set(own, starts[j]);
  });
  return { starts, inDegrees, edges };
}

/** Twin of shaders/neighbours/edgeGeometry.wgsl. */
export function edgeGeometry(
  slots: number,
  positions: ArrayLike<number>,
  neighbours: ArrayLike<number>,
  neighbourCounts: ArrayLike<number>,
): Float64Array {
  const edges = new Float64Array(4 * neighbours.length);
  for (let at = 0; at < neighbours.length; at++) {
    const i = Math.floor(at / slots);
    if (at % slots >= neighbourCounts[i]!) continue;
    const away = [0, 1, 2].map((axis) => positions[4 * i + axis]! - positions[4 * neighbours[at]! + axis]!);
    const d = Math.hypot(...away);
    if (d !== 0) edges.set([...away.map((x) => x / d), d], 4 * at);
  }
  return edges;
}

/** Y_lm of a direction for m = -l .. l, whose squares add up to 2l + 1: by associated Legendre functions. */
export function harmonics(degree: number, [x, y, z]: readonly [number, number, number]): number[] {
  // (x + iy)^m, for growing m.
  const turns = [{ cos: 1, sin: 0 }];
  for (let m = 1; m <= degree; m++) {
    const { cos, sin } = turns[m - 1]!;
    turns.push({ cos: x * cos - y * sin, sin: x * sin + y * cos });
  }
  return Array.from({ length: 2 * degree + 1 }, (_, k) => {
    const m = Math.abs(k - degree);
    // d^m P_l / dz^m, up from P_m: (l - m) P_l = (2l - 1) z P_l-1 - (l + m - 1) P_l-2.
    let [before, legendre] = [0, 1];
    for (let odd = 1; odd < 2 * m; odd += 2) legendre *= odd;
    for (let l = m + 1; l <= degree; l++) {
      [before, legendre] = [legendre, ((2 * l - 1) * z * legendre - (l + m - 1) * before) / (l - m)];
    }
    let norm = (2 * degree + 1) * (m > 0 ? 2 : 1);
    for (let factor = degree - m + 1; factor <= degree + m; factor++) norm /= factor;
    return Math.sqrt(norm) * legendre * (k < degree ? turns[m]!.sin : turns[m]!.cos);
  });
}

/** Twin of shaders/neighbours/bondOrder.wgsl, for the edges of one atom: rows of four numbers. */
export function bondOrder(degree: number, edges: readonly (readonly [number, number, number])[]): number[] {
  return Array.from({ length: degree + 1 }, (_, l) => {
    const all = edges.map((edge) => harmonics(l, edge));
    const means = Array.from({ length: 2 * l + 1 }, (_, m) => all.reduce((sum, y) => sum + y[m]! / edges.length, 0));
    return Math.hypot(...(edges.length > 0 ? means : []));
  });
}

/** Of each atom of a batch. */
export function bondOrders(
  degree: number,
  slots: number,
  edges: ArrayLike<number>,
  neighbourCounts: ArrayLike<number>,
): Float64Array {
  const rows = Array.from(neighbourCounts, (count, i) => {
    return Array.from({ length: count }, (_, slot) => {
      return [0, 1, 2].map((axis) => edges[4 * (i * slots + slot) + axis]!) as [number, number, number];
    });
  });
  return Float64Array.from(rows.flatMap((row) => bondOrder(degree, row)));
}

export const twins: Twins = {
  neighbourList: twin<"positions" | "counts", keyof Sizes>(({ positions, counts }, shape) => {
    return { ...neighbourList(shape, 4.5, positions, counts) };
  }),
  reverseNeighbours: twin<"neighbours", keyof Sizes>(({ neighbours }, shape) => {
    return reverseNeighbours(shape, neighbours);
  }),
  edgeGeometry: twin<"positions" | "neighbours" | "neighbourCounts", "slots">((t, { slots }) => {
    return { edges: edgeGeometry(slots, t.positions, t.neighbours, t.neighbourCounts) };
  }),
  bondOrder: twin<"edges" | "neighbourCounts", "slots" | "degree">(({ edges, neighbourCounts }, shape) => {
    return { y: bondOrders(shape.degree, shape.slots, edges, neighbourCounts) };
  }),
};
