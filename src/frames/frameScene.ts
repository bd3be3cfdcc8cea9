/** A structure and what of it is farthest from its mean, as a picture has it. */
import { covalentRadius, elementSymbol } from "../molecules/elements.ts";
import { principalAxes } from "../molecules/molecule.ts";
import type { FarthestStructure } from "./termDetails.ts";

export type Point = readonly [x: number, y: number, z: number];

/** An atom as it is drawn. */
export interface SceneAtom {
  /** From 1. */
  readonly number: number;
  readonly place: Point;
  readonly radius: number;
  readonly symbol: string;
}

/** In Angstrom about the middle of the atoms, the longest extent near x, z towards the reader. */
export interface FrameScene {
  readonly atoms: readonly SceneAtom[];
  /** Places in `atoms`. */
  readonly bonds: readonly (readonly [number, number])[];
  /** Of the cell: pairs of ends. */
  readonly edges: readonly (readonly [Point, Point])[];
  readonly arrows: readonly { readonly from: Point; readonly vector: Point }[];
  /** Size of the difference that the longest arrow stands for; 0 without arrows. */
  readonly longest: number;
  /** How far anything is from the middle. */
  readonly reach: number;
  /** Atoms of the structure that are not drawn. */
  readonly left: number;
}

/** Nearest to the farthest atom, where there are more. */
const MOST_ATOMS = 1500;
/** Of covalent radii: so large are atoms, and so far apart are those that are bonded. */
const ATOM = 0.55;
const BONDED = 1.25;
/** The longest arrow in Angstrom, beside the extent of the atoms. */
const ARROW = 0.45;
const LEAST_ARROW = 1.2;
const MOST_ARROW = 3.5;
/** Arrows that are so much shorter than the longest are points. */
const SHORT = 0.02;

export function frameScene(structure: FarthestStructure): FrameScene {
  const { elements, positions, cell, vectors, atom } = structure;
  const kept = nearest(positions, (atom ?? 1) - 1);
  const middle = meanOf(kept.map((i) => pointAt(positions, i)));
  const axes = principalAxes(kept.flatMap((i) => pointAt(positions, i)));
  const given = vectors?.differences ?? new Float64Array();
  const sources = vectors?.perAtom === false ? [0] : kept;
  const sizes = sources.map((i) => Math.hypot(...pointAt(given, i)));
  const longest = vectors === null ? 0 : Math.max(0, ...sizes);
  const upright = (v: Point): Point => axes.map((axis) => axis.reduce((sum, a, k) => sum + a * v[k]!, 0)) as never;
  const at = sizes.indexOf(longest);
  const tilt = tiltFor(longest > 0 ? upright(pointAt(given, sources[at]!)) : [0, 0, 1]);
  const turned = (v: Point) => tilted(upright(v), tilt);
  const posed = (p: Point): Point => turned([p[0] - middle[0], p[1] - middle[1], p[2] - middle[2]]);
  const atoms = kept.map((i): SceneAtom => {
    const z = elements[i]!;
    return {
      ...{ number: i + 1, place: posed(pointAt(positions, i)), symbol: symbolOf(z) },
      radius: ATOM * covalentRadius(Math.max(1, z)),
    };
  });
  const extent = Math.max(1, ...atoms.map(({ place, radius }) => Math.hypot(...place) + radius));
  const edges = cell === null ? [] : cellEdges(cell).map(([a, b]) => [posed(a), posed(b)] as const);
  const length = Math.min(MOST_ARROW, Math.max(LEAST_ARROW, ARROW * extent));
  const arrows = sources.flatMap((i, at) => {
    if (!(sizes[at]! > SHORT * longest)) return [];
    const vector = turned(pointAt(given, i)).map((value) => (value * length) / longest) as never as Point;
    if (!vectors!.perAtom) return [{ from: [0, 0, 0] as const, vector }];
    // From the atom's surface, which would hide short ones.
    const { place, radius } = atoms[at]!;
    const step = radius / Math.hypot(...vector);
    return [{ from: place.map((x, k) => x + step * vector[k]!) as never as Point, vector }];
  });
  const ends = [...edges.flat(), ...arrows.map(({ from, vector }) => from.map((x, k) => x + vector[k]!))];
  const reach = 1.08 * Math.max(extent, ...ends.map((end) => Math.hypot(...end)));
  return {
    atoms,
    bonds: bondsOf(elements, kept, atoms),
    edges,
    arrows,
    longest,
    reach,
    left: elements.length - kept.length,
  };
}

/** Of an atomic number; X for dummy atoms. */
export function symbolOf(z: number): string {
  return z === 0 ? "X" : elementSymbol(z);
}

/** Angles in radians about y, then about x. */
type Tilt = readonly [y: number, x: number];

const TILTS = [0.45, -0.45, 0.9, -0.9].flatMap((y) => [0.35, -0.35, 0.8, -0.8].map((x): Tilt => [y, x]));

/** Aside and from above or below, little, and so that the longest arrow is seen from its side, before its atom. */
function tiltFor(arrow: Point): Tilt {
  const length = Math.hypot(...arrow);
  const score = (tilt: Tilt) => {
    const [x, y, z] = tilted(arrow, tilt);
    return (Math.hypot(x, y) + 0.4 * z) / length - 0.2 * (Math.abs(tilt[0]) + Math.abs(tilt[1]));
  };
  return TILTS.reduce((best, tilt) => (score(tilt) > score(best) + 1e-9 ? tilt : best));
}

function tilted([x, y, z]: Point, [aboutY, aboutX]: Tilt): Point {
  const [c, s] = [Math.cos(aboutY), Math.sin(aboutY)];
  const [cx, sx] = [Math.cos(aboutX), Math.sin(aboutX)];
  const deep = c * z - s * x;
  return [c * x + s * z, cx * y - sx * deep, cx * deep + sx * y];
}

const pointAt = (values: ArrayLike<number>, i: number): Point => [
  values[3 * i] ?? 0,
  values[3 * i + 1] ?? 0,
  values[3 * i + 2] ?? 0,
];

const between = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

function meanOf(points: readonly Point[]): Point {
  return [0, 1, 2].map((k) => points.reduce((sum, point) => sum + point[k]!, 0) / points.length) as never;
}

/** Places of the atoms to draw, in their order. */
function nearest(positions: Float64Array, to: number): number[] {
  const all = Array.from({ length: positions.length / 3 }, (_, i) => i);
  if (all.length <= MOST_ATOMS) return all;
  const from = pointAt(positions, to);
  const distances = all.map((i) => between(from, pointAt(positions, i)));
  const chosen = all.sort((a, b) => distances[a]! - distances[b]!).slice(0, MOST_ATOMS);
  return chosen.sort((a, b) => a - b);
}

/** Atomic numbers. */
const NONMETALS: ReadonlySet<number> = new Set([
  ...[1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 52, 53, 54, 85, 86],
]);

/** Atoms whose distance is that of a bond, not two metals; those across a cell's faces are not found. */
function bondsOf(elements: Uint8Array, kept: readonly number[], atoms: readonly SceneAtom[]): [number, number][] {
  const bonds: [number, number][] = [];
  const radii = kept.map((i) => (elements[i] === 0 ? 0 : covalentRadius(elements[i]!)));
  for (let j = 1; j < kept.length; j++) {
    for (let i = 0; i < j; i++) {
      const far = between(atoms[i]!.place, atoms[j]!.place);
      const bonded = radii[i]! > 0 && radii[j]! > 0 && far > 0.3 && far < BONDED * (radii[i]! + radii[j]!);
      if (bonded && [i, j].some((k) => NONMETALS.has(elements[kept[k]!]!))) bonds.push([i, j]);
    }
  }
  return bonds;
}

function cellEdges(cell: Float64Array): [Point, Point][] {
  const corner = (bits: number): Point =>
    [0, 1, 2].map((k) => [0, 1, 2].reduce((sum, v) => sum + ((bits >> v) & 1) * cell[3 * v + k]!, 0)) as never;
  return [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bits) =>
    [1, 2, 4].filter((bit) => (bits & bit) === 0).map((bit): [Point, Point] => [corner(bits), corner(bits | bit)]),
  );
}
