import { Random, scramble } from "../random.ts";
import { centred, type Molecule } from "./molecule.ts";

/**
 * Distances that differ by no more than this, in Angstrom, count as the same: the rounding of other programs' output.
 */
const tolerance = 0.01;

/** Beyond this many atoms a molecule is known by its atoms' distances from the centroid, not by all pairs. */
const mostPairwise = 512;

/** A canonical name of a molecule's constitution, e.g. canonical SMILES, or undefined where it cannot be told. */
export type MoleculeKey = (molecule: Molecule) => string | undefined;

export interface Identity {
  /** For each molecule the index of its group: molecules are in one group exactly if they are the same (`identify`). */
  group: Uint32Array;
  groups: number;
  /**
   * For each molecule a number in [0, 1): random in the seed, but a function of seed and geometry alone, not of any
   * order.
   */
  draw: Float64Array;
}

/**
 * Finds out which molecules are the same: those with equal keys (asked for where bonds are known), and those with equal
 * element counts whose sorted interatomic distances all agree to 0.01 A. Mirror images have the same distances and so
 * count as the same.
 *
 * Distances are compared one by one, not rounded and hashed, so that noise cannot part two copies at a rounding
 * boundary; being the same is then extended along chains of such pairs.
 */
export function identify(molecules: readonly Molecule[], seed: number, keyOf?: MoleculeKey): Identity {
  const parent = Uint32Array.from(molecules, (_, i) => i);
  const draw = new Float64Array(molecules.length);
  if (keyOf !== undefined) joinEqualKeys(parent, molecules, keyOf);
  const random = new Random(seed);
  const salts: [number, number] = [random.uint32(), random.uint32()];
  for (const bucket of byElementCounts(molecules)) {
    const spectra = bucket.map((i) => spectrum(molecules[i]!.positions));
    bucket.forEach((i, k) => (draw[i] = hash(molecules[i]!.elements, spectra[k]!, salts)));
    joinEqualSpectra(parent, bucket, spectra);
  }
  return { ...numbered(parent), draw };
}

function joinEqualKeys(parent: Uint32Array, molecules: readonly Molecule[], keyOf: MoleculeKey): void {
  const first = new Map<string, number>();
  molecules.forEach((molecule, i) => {
    const key = molecule.bonds === undefined ? undefined : keyOf(molecule);
    if (key === undefined) return;
    const same = first.get(key);
    if (same === undefined) first.set(key, i);
    else join(parent, same, i);
  });
}

function byElementCounts(molecules: readonly Molecule[]): number[][] {
  const buckets = new Map<string, number[]>();
  molecules.forEach(({ elements }, i) => {
    const counts = elements.toSorted().join();
    const bucket = buckets.get(counts);
    if (bucket === undefined) buckets.set(counts, [i]);
    else bucket.push(i);
  });
  return [...buckets.values()];
}

/** The sorted distances of all pairs of atoms, in Angstrom; of large molecules, of all atoms from the centroid. */
function spectrum(positions: Float64Array): Float32Array {
  const n = positions.length / 3;
  if (n > mostPairwise) return centroidDistances(positions);
  const distances = new Float32Array((n * (n - 1)) / 2);
  let at = 0;
  for (let i = 0; i < positions.length; i += 3) {
    for (let j = 0; j < i; j += 3) {
      const x = positions[i]! - positions[j]!;
      const y = positions[i + 1]! - positions[j + 1]!;
      const z = positions[i + 2]! - positions[j + 2]!;
      distances[at++] = Math.sqrt(x * x + y * y + z * z);
    }
  }
  return distances.sort();
}

function centroidDistances(positions: Float64Array): Float32Array {
  const p = centred(positions);
  const distance = (i: number) => Math.hypot(p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!);
  return Float32Array.from({ length: p.length / 3 }, (_, i) => distance(i)).sort();
}

/**
 * Joins the molecules of equal element counts whose spectra agree. Sorted distances that agree one by one to the
 * tolerance have means that agree to it too, so only neighbours in the order of the means need a look.
 */
function joinEqualSpectra(parent: Uint32Array, bucket: readonly number[], spectra: readonly Float32Array[]): void {
  const means = spectra.map(mean);
  const order = means.map((_, k) => k).sort((j, k) => means[j]! - means[k]!);
  for (let from = 0; from < order.length; from++) {
    const j = order[from]!;
    for (let to = from + 1; to < order.length && means[order[to]!]! - means[j]! <= tolerance; to++) {
      const k = order[to]!;
      if (agree(spectra[j]!, spectra[k]!)) join(parent, bucket[j]!, bucket[k]!);
    }
  }
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / Math.max(1, values.length);
}

/** From the largest distance down, as those differ most between molecules. */
function agree(a: Float32Array, b: Float32Array): boolean {
  for (let i = a.length - 1; i >= 0; i--) if (Math.abs(a[i]! - b[i]!) > tolerance) return false;
  return true;
}

/** 53 bits of a hash of element counts and distances to 0.01 A, as a number in [0, 1). */
function hash(elements: Uint8Array, distances: Float32Array, salts: readonly [number, number]): number {
  const draw = new SaltedDraw(salts);
  elements.toSorted().forEach((element) => draw.absorb(element));
  for (let i = 0; i < distances.length; i++) draw.absorb(Math.round(distances[i]! * 100));
  return draw.value();
}

/** A draw that is random in its two salts, of 32 bits each, but a function of them and of what it absorbs alone. */
export class SaltedDraw {
  #high: number;
  #low: number;

  constructor([high, low]: readonly [number, number]) {
    this.#high = high;
    this.#low = low;
  }

  /** Takes in the low 32 bits of a whole number. */
  absorb(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193);
    this.#low = Math.imul(this.#low + value, 0x5bd1e995) ^ (this.#low >>> 15);
  }

  /** 53 bits as a number in [0, 1). */
  value(): number {
    return ((scramble(this.#high) >>> 5) * 2 ** 26 + (scramble(this.#low) >>> 6)) / 2 ** 53;
  }
}

function root(parent: Uint32Array, i: number): number {
  while (parent[i] !== i) {
    parent[i] = parent[parent[i]!]!;
    i = parent[i]!;
  }
  return i;
}

/** Joins the groups of i and j; `parent[i]` is i at first, and leads to a group's first member. */
export function join(parent: Uint32Array, i: number, j: number): void {
  const [a, b] = [root(parent, i), root(parent, j)];
  if (a < b) parent[b] = a;
  else parent[a] = b;
}

/** Groups numbered from 0 in the order of their first molecules. */
export function numbered(parent: Uint32Array): { group: Uint32Array; groups: number } {
  const group = new Uint32Array(parent.length);
  let groups = 0;
  for (let i = 0; i < parent.length; i++) {
    const first = root(parent, i);
    group[i] = first === i ? groups++ : group[first]!;
  }
  return { group, groups };
}
