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
  cell?: ArrayLike<number>,
): Lists {
  const limit = Math.fround(Math.fround(cutoff) ** 2);
  const neighbours = new Float64Array(structures * atoms * slots).fill(FREE);
  const [neighbourCounts, dropped] = [new Float64Array(structures * atoms), new Float64Array(structures * atoms)];
  for (let b = 0; b < structures; b++) {
    const own = Array.from({ length: counts[b]! }, (_, i) => b * atoms + i);
    for (const i of own) {
      const within = neighboursOf(positions, i, own, limit, latticeOf(cell, b));
      const chosen = within.slice(0, slots);
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

/** Of these atoms the neighbours of one, the nearest first. */
export function neighboursOf(
  positions: ArrayLike<number>,
  i: number,
  others: readonly number[],
  cutoffSquared: number,
  lattice?: Lattice,
): number[] {
  return others
    .map((j) => ({ j, squared: rounded(awayFrom(positions, i, j, lattice)) }))
    .filter(({ squared }) => squared > Math.fround(1e-4) && squared <= cutoffSquared)
    .sort((a, b) => a.squared - b.squared || a.j - b.j)
    .map(({ j }) => j);
}

/** |d|^2, rounded to f32 at each step. */
function rounded(d: Vector): number {
  const [x, y, z] = d.map((along) => Math.fround(Math.fround(along) ** 2)) as Vector;
  return Math.fround(Math.fround(x + y) + z);
}

type Vector = [number, number, number];
type Lattice = readonly [Vector, Vector, Vector];

/** Rows of a structure's cell; nothing where they are zeros. */
function latticeOf(cell: ArrayLike<number> | undefined, structure: number): Lattice | undefined {
  const at = (k: number) => cell?.[9 * structure + k] ?? 0;
  const rows = [0, 3, 6].map((row) => [at(row), at(row + 1), at(row + 2)]) as unknown as Lattice;
  return rows.flat().some((x) => x !== 0) ? rows : undefined;
}

/** x_i - x_j, for the nearest of the images of j. */
function awayFrom(positions: ArrayLike<number>, i: number, j: number, lattice: Lattice | undefined): Vector {
  const d = [0, 1, 2].map((axis) => positions[4 * i + axis]! - positions[4 * j + axis]!) as Vector;
  if (!lattice) return d;
  // It is this one or one of those around it.
  const near = imageOf(d, lattice);
  const steps = [-1, 0, 1];
  const images = steps.flatMap((a) =>
    steps.flatMap((b) =>
      steps.map((c) => near.map((x, k) => x + a * lattice[0][k]! + b * lattice[1][k]! + c * lattice[2][k]!) as Vector),
    ),
  );
  const square = ([x, y, z]: Vector) => x * x + y * y + z * z;
  return images.reduce((nearest, image) => (square(image) < square(nearest) ? image : nearest));
}

/** The vector less the multiples of a lattice's that its rounded fractional coordinates are: by Cramer's rule. */
function imageOf(d: Vector, lattice: Lattice | undefined): Vector {
  if (!lattice) return d;
  const determinant = ([a, b, c]: Lattice) => {
    return a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
  };
  const volume = determinant(lattice);
  const turns = lattice.map((_, axis) => {
    return Math.round(determinant(lattice.map((row, k) => (k === axis ? d : row)) as unknown as Lattice) / volume);
  });
  return d.map((x, k) => x - lattice.reduce((sum, row, axis) => sum + turns[axis]! * row[k]!, 0)) as Vector;
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
  { cell, atoms = 1 }: { readonly cell?: ArrayLike<number> | undefined; readonly atoms?: number } = {},
): Float64Array {
  const edges = new Float64Array(4 * neighbours.length);
  for (let at = 0; at < neighbours.length; at++) {
    const i = Math.floor(at / slots);
    if (at % slots >= neighbourCounts[i]!) continue;
    const away = imageOf(
      [0, 1, 2].map((axis) => positions[4 * i + axis]! - positions[4 * neighbours[at]! + axis]!) as Vector,
      latticeOf(cell, Math.floor(i / atoms)),
    );
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
  neighbourList: twin<"positions" | "counts" | "cell", keyof Sizes>(({ positions, counts, cell }, shape) => {
    return { ...neighbourList(shape, 4.5, positions, counts, cell) };
  }),
  reverseNeighbours: twin<"neighbours", keyof Sizes>(({ neighbours }, shape) => {
    return reverseNeighbours(shape, neighbours);
  }),
  edgeGeometry: twin<"positions" | "neighbours" | "neighbourCounts" | "cell", "slots" | "atoms">((t, shape) => {
    const { positions, neighbours, neighbourCounts, cell } = t;
    return { edges: edgeGeometry(shape.slots, positions, neighbours, neighbourCounts, { cell, atoms: shape.atoms }) };
  }),
  bondOrder: twin<"edges" | "neighbourCounts", "slots" | "degree">(({ edges, neighbourCounts }, shape) => {
    return { y: bondOrders(shape.degree, shape.slots, edges, neighbourCounts) };
  }),
};
