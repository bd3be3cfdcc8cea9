import type { Vector3 } from "./eigen.ts";
import { covalentRadius } from "./elements.ts";
import type { Molecule } from "./molecule.ts";

/** Atoms nearer than this, in Angstrom, are on top of each other. */
const clash = 0.4;
/** Atoms that are farther from a plane than this, in Angstrom, are not in it. */
const flat = 1e-3;
/** Pairs of atoms looked at in a file, which is enough for a million small molecules, and in one molecule. */
const mostPairs = 2e8;
const mostPairsOfOne = 2e6;

/** Lengths in other units over those in Angstrom. */
const units = [
  { name: "Bohr", factor: 1.89, angstrom: "0.529177" },
  { name: "nanometres", factor: 0.1, angstrom: "10" },
  { name: "picometres", factor: 100, angstrom: "0.01" },
];

const radii = Float64Array.from({ length: 256 }, (_, element) => (element > 0 ? covalentRadius(element) : NaN));
const noble = new Set([2, 10, 18, 36, 54, 86, 118]);

/** What is odd about the molecules of a file, found as they are read. */
export class Oddities {
  #pairs = 0;
  #molecules = 0;
  /** Atoms whose distances tell a unit, and how many tell each of `units`. */
  #told = 0;
  readonly #inUnit = units.map(() => 0);
  /** Of the molecules that tell. */
  #nearest = Infinity;
  #clashes = 0;
  #firstClash: string | undefined;
  /** Molecules that span a plane; -1 once one spans more. */
  #flat = 0;
  /** For each atom of a molecule its smallest distance from another over the sum of their radii, squared. */
  #ratios = new Float64Array(64);

  /** Looks at a molecule; `where` names its place. */
  add(molecule: Molecule, where: () => string): void {
    this.#molecules++;
    if (this.#flat >= 0) this.#lookAtPlane(molecule);
    const atoms = molecule.elements.length;
    const pairs = (atoms * (atoms - 1)) / 2;
    if (pairs === 0 || pairs > mostPairsOfOne || this.#pairs > mostPairs) return;
    this.#pairs += pairs;
    const nearest = this.#measure(molecule);
    if (isBonded(molecule.elements)) {
      this.#nearest = Math.min(this.#nearest, nearest);
      this.#lookAtUnits(molecule.elements);
    }
    if (nearest >= clash) return;
    this.#clashes++;
    this.#firstClash ??= where();
  }

  #lookAtPlane(molecule: Molecule): void {
    const span = dimensions(molecule.positions);
    if (span === 3) this.#flat = -1;
    else if (span === 2 && molecule.elements.length > 3) this.#flat++;
  }

  /** Fills `#ratios`. The smallest distance between two atoms, in Angstrom. */
  #measure({ elements, positions: p }: Molecule): number {
    const n = elements.length;
    if (n > this.#ratios.length) this.#ratios = new Float64Array(2 * n);
    const ratios = this.#ratios.fill(Infinity, 0, n);
    let nearest = Infinity;
    for (let i = 1; i < n; i++) {
      const radius = radii[elements[i]!]!;
      const [px, py, pz] = [p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!];
      for (let j = 0; j < i; j++) {
        const x = px - p[3 * j]!;
        const y = py - p[3 * j + 1]!;
        const z = pz - p[3 * j + 2]!;
        const square = x * x + y * y + z * z;
        const sum = radius + radii[elements[j]!]!;
        const ratio = square / (sum * sum);
        if (square < nearest) nearest = square;
        if (ratio < ratios[i]!) ratios[i] = ratio;
        if (ratio < ratios[j]!) ratios[j] = ratio;
      }
    }
    return Math.sqrt(nearest);
  }

  #lookAtUnits(elements: Uint8Array): void {
    for (let i = 0; i < elements.length; i++) {
      if (noble.has(elements[i]!)) continue;
      this.#told++;
      const ratio = this.#ratios[i]!;
      for (let u = 0; u < units.length; u++) {
        const { factor } = units[u]!;
        if (ratio > (0.88 * factor) ** 2 && ratio < (1.09 * factor) ** 2) this.#inUnit[u]!++;
      }
    }
  }

  /** A sentence for each kind of oddity; molecules that all lie flat are one if `planes` says so. */
  remarks(planes: "remark" | "fine"): string[] {
    const found: string[] = [];
    const unit = units.find((_, u) => 2 * this.#inUnit[u]! > this.#told);
    if (unit !== undefined) {
      found.push(
        `no two atoms of a molecule are nearer than ${Number(this.#nearest.toPrecision(3))} A, and neighbours are ` +
          `some ${unit.factor} times as far apart as bonded atoms: are these ${unit.name}? Positions are read as ` +
          `Angstrom (multiply by ${unit.angstrom})`,
      );
    }
    if (this.#clashes > 0 && unit?.name !== "nanometres") {
      found.push(
        `${this.#clashes} of ${this.#molecules} molecules have atoms on top of each other (nearer than ${clash} A); ` +
          `the first is ${this.#firstClash}`,
      );
    }
    if (planes === "remark" && this.#flat > 0) {
      found.push("all molecules of four atoms and more lie flat, each in one plane: are these drawings?");
    }
    return found;
  }
}

/** Whether the atoms surely form bonds: carbon, or different elements. Oxygen alone may stand for water. */
function isBonded(elements: Uint8Array): boolean {
  return elements[0] === 6 || elements.some((element) => element !== elements[0]);
}

/** How many dimensions the atoms span: 0 for one point, 1 for a line, 2 for a plane. */
function dimensions(p: Float64Array): number {
  const axis = farthestFromFirst(p, (x, y, z) => [x, y, z]);
  if (axis.length <= flat) return 0;
  const [ax, ay, az] = axis.unit;
  const normal = farthestFromFirst(p, (x, y, z) => [ay * z - az * y, az * x - ax * z, ax * y - ay * x]);
  if (normal.length <= flat) return 1;
  const [nx, ny, nz] = normal.unit;
  return farthestFromFirst(p, (x, y, z) => [nx * x + ny * y + nz * z, 0, 0]).length <= flat ? 2 : 3;
}

/** The longest of the vectors that `of` makes of the atoms' places as seen from the first atom. */
function farthestFromFirst(
  p: Float64Array,
  of: (x: number, y: number, z: number) => Vector3,
): { length: number; unit: Vector3 } {
  let square = 0;
  let longest: Vector3 = [0, 0, 0];
  for (let i = 3; i < p.length; i += 3) {
    const v = of(p[i]! - p[0]!, p[i + 1]! - p[1]!, p[i + 2]! - p[2]!);
    const size = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    if (size > square) [square, longest] = [size, v];
  }
  const length = Math.sqrt(square);
  return { length, unit: [longest[0] / length, longest[1] / length, longest[2] / length] };
}
