/**
 * Growing C-alpha chains by chance. All numbers come from sums, products, quotients and square roots, which are the
 * same bits on every platform; sines, cosines and powers of JavaScript engines are not.
 */
import type { Random } from "../random.ts";

export type Point = readonly [number, number, number];

/** Between neighbouring C-alphas, in Angstrom: a trans peptide's. */
export const BOND = 3.8;
/** No other two C-alphas come nearer, in Angstrom. */
const nearest = 3.85;
/** The range of a virtual bond angle, in degrees, and the distances of next but one neighbours that come of it. */
const leastAngle = 86;
const mostAngle = 149;

/** A secondary structure, or what joins two, and its number of residues. */
export interface Segment {
  readonly kind: "helix" | "strand" | "loop";
  readonly residues: number;
}

/** Virtual bond angle and dihedral of ideal segments, in degrees. */
const ideal = { helix: [91, 50], strand: [124, -170] } as const;

/** Cosine and sine of an angle in degrees, to the last bits. */
export function cosSin(degrees: number): readonly [number, number] {
  const quarter = Math.round(degrees / 90);
  const x = ((degrees - 90 * quarter) * Math.PI) / 180;
  let [cos, sin] = [0, 0];
  for (let k = 16; k > 0; k -= 2) {
    cos = (1 - cos) * ((x * x) / (k * (k - 1)));
    sin = (1 - sin) * ((x * x) / (k * (k + 1)));
  }
  [cos, sin] = [1 - cos, x * (1 - sin)];
  const turns = ((quarter % 4) + 4) % 4;
  return turns === 0 ? [cos, sin] : turns === 1 ? [-sin, cos] : turns === 2 ? [-cos, -sin] : [sin, -cos];
}

/** The place at the given distance, virtual bond angle and dihedral from the last three, angles in degrees. */
export function nextPlace(a: Point, b: Point, c: Point, angle: number, dihedral: number): Point {
  const along = unit(minus(c, b));
  const normal = unit(cross(minus(b, a), along));
  const across = cross(normal, along);
  const [cosAngle, sinAngle] = cosSin(angle);
  const [cosTurn, sinTurn] = cosSin(dihedral);
  const at = (k: 0 | 1 | 2) =>
    c[k] + BOND * (-cosAngle * along[k] + sinAngle * (cosTurn * across[k] + sinTurn * normal[k]));
  return [at(0), at(1), at(2)];
}

/**
 * A chain of segments one after another, loops drawn at random; of several attempts that keep off themselves, the most
 * compact.
 */
export function growChain(segments: readonly Segment[], random: Random, attempts: number): Point[] {
  let best: Point[] | undefined;
  let smallest = Infinity;
  for (let done = 0; done < attempts;) {
    const chain = attempt(segments, random);
    if (chain === undefined) continue;
    done++;
    const square = meanSquareRadius(chain);
    if (square < smallest) [best, smallest] = [chain, square];
  }
  return best!;
}

function attempt(segments: readonly Segment[], random: Random): Point[] | undefined {
  const [cos, sin] = cosSin(mostAngle - 40);
  const chain: Point[] = [
    [0, 0, 0],
    [BOND, 0, 0],
    [BOND - BOND * cos, BOND * sin, 0],
  ];
  const kinds = segments.flatMap(({ kind, residues }) => Array.from({ length: residues }, () => kind));
  for (const kind of kinds.slice(3)) {
    const place = draw(chain, kind, random);
    if (place === undefined) return undefined;
    chain.push(place);
  }
  return chain;
}

/** The next place that keeps off the chain; undefined where none of some draws does. */
function draw(chain: readonly Point[], kind: Segment["kind"], random: Random): Point | undefined {
  const [a, b, c] = chain.slice(-3) as [Point, Point, Point];
  for (let tries = 0; tries < (kind === "loop" ? 20 : 1); tries++) {
    const [angle, dihedral] = kind === "loop" ? [90 + 50 * random.next(), 360 * random.next() - 180] : ideal[kind];
    const place = nextPlace(a, b, c, angle, dihedral);
    if (chain.every((other, i) => i === chain.length - 1 || square(minus(place, other)) > nearest * nearest)) {
      return place;
    }
  }
  return undefined;
}

/**
 * Antiparallel strands side by side, 5.5 Angstrom apart, pleated, each joined to the next by a turn of two residues.
 */
export function sheet(strands: number, residues: number): Point[] {
  const [rise, apart] = [3.3, 5.5];
  const pleat = Math.sqrt(BOND * BOND - rise * rise);
  const side = (apart - BOND) / 2;
  const turn = Math.sqrt(BOND * BOND - side * side - pleat * pleat);
  const chain: Point[] = [];
  let [x, z] = [0, pleat / 2];
  for (let strand = 0; strand < strands; strand++) {
    const [forward, y] = [strand % 2 === 0 ? 1 : -1, apart * strand];
    for (let i = 0; i < residues; i++) {
      if (i > 0) [x, z] = [x + forward * rise, -z];
      chain.push([x, y, z]);
    }
    if (strand === strands - 1) break;
    chain.push([x + forward * turn, y + side, -z], [x + forward * turn, y + side + BOND, -z]);
  }
  return chain;
}

/**
 * The chain with every coordinate moved by up to `amount` Angstrom, then brought back to right geometry: 3.8 A between
 * neighbours, virtual bond angles of 86 to 149 degrees, no others nearer than 3.85 A. Undefined where that fails.
 */
export function shaken(chain: readonly Point[], amount: number, random: Random): Point[] | undefined {
  const p = Float64Array.from(chain.flat(), (value) => value + amount * (2 * random.next() - 1));
  const [nextLeast, nextMost] = [leastAngle, mostAngle].map((angle) => 2 * BOND * cosSin(angle / 2)[1]) as [
    number,
    number,
  ];
  for (let round = 0; round < 400; round++) {
    let wrong = 0;
    for (let j = 1; j < chain.length; j++) {
      for (let i = 0; i < j - 2; i++) wrong = Math.max(wrong, bring(p, i, j, nearest, Infinity));
      if (j > 1) wrong = Math.max(wrong, bring(p, j - 2, j, nextLeast, nextMost));
    }
    for (let j = 1; j < chain.length; j++) wrong = Math.max(wrong, bring(p, j - 1, j, BOND, BOND));
    // Less than rounding takes away.
    if (wrong < 5e-4) return chain.map((_, i) => [p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!]);
  }
  return undefined;
}

/** Moves two points along their line so that they are at least `least` and at most `most` apart; by how much in all. */
function bring(p: Float64Array, i: number, j: number, least: number, most: number): number {
  const [a, b] = [3 * i, 3 * j];
  const x = p[b]! - p[a]!;
  const y = p[b + 1]! - p[a + 1]!;
  const z = p[b + 2]! - p[a + 2]!;
  const squared = x * x + y * y + z * z;
  if (squared >= least * least && squared <= most * most) return 0;
  const distance = Math.sqrt(squared);
  const wanted = distance < least ? least : most;
  const share = (wanted / distance - 1) / 2;
  p[a]! -= share * x;
  p[a + 1]! -= share * y;
  p[a + 2]! -= share * z;
  p[b]! += share * x;
  p[b + 1]! += share * y;
  p[b + 2]! += share * z;
  return Math.abs(wanted - distance);
}

/** The chain turned by a rotation drawn evenly from all, its centroid at the origin, each coordinate to 0.001. */
export function turnedAndRounded(chain: readonly Point[], random: Random): Float64Array {
  const [x, y, z, w] = unitQuaternion(random);
  const rows: readonly Point[] = [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
  const centre = centreOf(chain);
  return Float64Array.from(
    chain.flatMap((point) => {
      const from = minus(point, centre);
      return rows.map((row) => (Math.round(1000 * dot(row, from)) + 0) / 1000);
    }),
  );
}

/** Drawn evenly from the ball, within which the direction is even. */
function unitQuaternion(random: Random): readonly [number, number, number, number] {
  for (;;) {
    const q = [0, 0, 0, 0].map(() => 2 * random.next() - 1) as [number, number, number, number];
    const squared = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3];
    if (squared > 1 || squared < 1e-4) continue;
    const size = Math.sqrt(squared);
    return [q[0] / size, q[1] / size, q[2] / size, q[3] / size];
  }
}

function centreOf(chain: readonly Point[]): Point {
  const mean = (k: 0 | 1 | 2) => chain.reduce((sum, point) => sum + point[k], 0) / chain.length;
  return [mean(0), mean(1), mean(2)];
}

function meanSquareRadius(chain: readonly Point[]): number {
  const centre = centreOf(chain);
  return chain.reduce((sum, point) => sum + square(minus(point, centre)), 0) / chain.length;
}

function minus(a: Point, b: Point): Point {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function dot(a: Point, b: Point): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function square(a: Point): number {
  return dot(a, a);
}

function cross(a: Point, b: Point): Point {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(a: Point): Point {
  const size = Math.sqrt(square(a));
  return [a[0] / size, a[1] / size, a[2] / size];
}
