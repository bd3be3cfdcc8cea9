// Positions of the atoms of a graph and their energy, by OpenChemLib and MMFF94, and whether a molecule is at ease.
import * as OCL from "openchemlib";
import { radius, type Molecule } from "../../src/molecules/molecule.ts";
import { Random } from "../../src/random.ts";
import type { Graph } from "./graph.ts";

/**
 * Largest distance of an atom from the centroid, in Angstrom: half of an 8 A box (16^3 voxels at 0.5), less room for
 * rounding.
 */
const farthest = 3.995;

/** One kcal/mol, the unit of MMFF94, in eV. */
const electronvolts = 0.0433641153087705;

/** Conformers tried before a molecule counts as too large for the box. */
const conformers = 3;

let ready = false;

function openChemLib(): typeof OCL {
  if (!ready) OCL.Resources.registerFromNodejs();
  ready = true;
  return OCL;
}

/** OpenChemLib's molecule of these atoms and bonds, in their order: no coordinates, so no stereo. */
export function toOpenChemLib({ elements, bonds }: Pick<Molecule, "bonds"> & { elements: Iterable<number> }) {
  const molecule = new (openChemLib().Molecule)(16, 16);
  for (const element of elements) molecule.addAtom(element);
  for (const { a, b, order } of bonds!) molecule.setBondOrder(molecule.addBond(a, b), order);
  molecule.ensureHelperArrays(OCL.Molecule.cHelperRings);
  return molecule;
}

/**
 * The canonical code of a graph's constitution: equal for two graphs exactly if they are the same molecule up to
 * stereo.
 */
export function constitution(graph: Graph): string {
  return toOpenChemLib(graph).getIDCode();
}

/**
 * A conformer with explicit hydrogens, minimised with MMFF94, centred, in Angstrom; undefined where the conformer
 * search or the force field fails, or where the geometry is strained, crowded, or larger than the box.
 */
export function embed(graph: Graph): Molecule | undefined {
  for (let seed = 1; seed <= conformers; seed++) {
    const made = relaxed(toOpenChemLib(graph), seed);
    if (made === undefined || !sound(made)) return undefined;
    if (radius(made) <= farthest) return made;
  }
  return undefined;
}

/** The molecule that a SMILES names, without hydrogens. */
export function fromSmiles(smiles: string): OCL.Molecule {
  return openChemLib().Molecule.fromSmiles(smiles);
}

/**
 * A conformer with explicit hydrogens, which follow the heavy atoms, minimised with MMFF94; undefined where the
 * conformer search or the force field fails.
 */
export function relaxed(molecule: OCL.Molecule, seed: number): Molecule | undefined {
  const conformer = new (openChemLib().ConformerGenerator)(seed).getOneConformerAsMolecule(molecule);
  return conformer !== null && minimise(conformer) ? fromOpenChemLib(conformer) : undefined;
}

/** Energy in eV of the molecule with its atoms at other positions, by MMFF94. */
export function potential(molecule: Molecule): (positions: ArrayLike<number>) => number {
  const moved = toOpenChemLib(molecule);
  return (positions) => {
    for (let i = 0; i < moved.getAllAtoms(); i++) {
      moved.setAtomX(i, positions[3 * i]!);
      moved.setAtomY(i, positions[3 * i + 1]!);
      moved.setAtomZ(i, positions[3 * i + 2]!);
    }
    // A force field copies the positions of its molecule, so each evaluation needs a new one.
    return electronvolts * new OCL.ForceFieldMMFF94(moved, "MMFF94").getTotalEnergy();
  };
}

/**
 * Minimises in place. Atoms are first moved by some 0.01 A, since the force field divides by zero where three lie
 * exactly in line.
 */
function minimise(molecule: OCL.Molecule): boolean {
  const random = new Random(1);
  for (let i = 0; i < molecule.getAllAtoms(); i++) {
    molecule.setAtomX(i, molecule.getAtomX(i) + 0.01 * random.normal());
    molecule.setAtomY(i, molecule.getAtomY(i) + 0.01 * random.normal());
    molecule.setAtomZ(i, molecule.getAtomZ(i) + 0.01 * random.normal());
  }
  try {
    return new OCL.ForceFieldMMFF94(molecule, "MMFF94").minimise() === 0;
  } catch {
    return false;
  }
}

function fromOpenChemLib(molecule: OCL.Molecule): Molecule {
  const atoms = molecule.getAllAtoms();
  const elements = new Uint8Array(atoms);
  const positions = new Float64Array(3 * atoms);
  for (let i = 0; i < atoms; i++) {
    elements[i] = molecule.getAtomicNo(i);
    positions.set([molecule.getAtomX(i), molecule.getAtomY(i), molecule.getAtomZ(i)], 3 * i);
  }
  const bonds = Array.from({ length: molecule.getAllBonds() }, (_, i) => {
    const order = [0, 1, 2, 3][molecule.getBondOrder(i)]!;
    return { a: molecule.getBondAtom(0, i), b: molecule.getBondAtom(1, i), order };
  });
  return { elements, positions, bonds };
}

/** Shortest and longest bonds, and contacts of atoms that are not bonded, in Angstrom, by how many are hydrogen. */
const bondLengths: readonly (readonly [number, number])[] = [
  [1.1, 1.65],
  [0.9, 1.15],
];
const contacts: readonly (readonly [number, number])[] = [
  [1.95, 99],
  [1.7, 99],
  [1.5, 99],
];

/** Whether bond lengths, contacts and angles at unsaturated atoms are those of an unstrained, uncrowded molecule. */
function sound(molecule: Molecule): boolean {
  const { elements, bonds } = molecule;
  const bonded = new Set(bonds!.map(({ a, b }) => Math.min(a, b) * 256 + Math.max(a, b)));
  for (let i = 0; i < elements.length; i++) {
    for (let j = i + 1; j < elements.length; j++) {
      const hydrogens = Number(elements[i] === 1) + Number(elements[j] === 1);
      const length = distance(molecule, i, j);
      const [low, high] = (bonded.has(i * 256 + j) ? bondLengths : contacts)[hydrogens]!;
      if (!(length >= low && length <= high)) return false;
    }
  }
  return elements.every((_, atom) => soundAngles(molecule, atom));
}

/** Linear atoms within 10 degrees of 180; angles around planar atoms that add up to 350 degrees or more. */
function soundAngles(molecule: Molecule, atom: number): boolean {
  const around = molecule.bonds!.filter(({ a, b }) => a === atom || b === atom);
  const others = around.map(({ a, b }) => (a === atom ? b : a));
  const highest = Math.max(...around.map(({ order }) => order));
  let sum = 0;
  others.forEach((one, i) => {
    for (const other of others.slice(i + 1)) sum += angle(molecule, one, atom, other);
  });
  if (highest === 3 && others.length === 2) return sum >= 170;
  return highest !== 2 || others.length !== 3 || sum >= 350;
}

function distance({ positions: p }: Molecule, i: number, j: number): number {
  return Math.hypot(p[3 * i]! - p[3 * j]!, p[3 * i + 1]! - p[3 * j + 1]!, p[3 * i + 2]! - p[3 * j + 2]!);
}

/** The angle at atom `at` between atoms `i` and `j`, in degrees. */
function angle(molecule: Molecule, i: number, at: number, j: number): number {
  const [x, y, z] = [distance(molecule, at, i), distance(molecule, at, j), distance(molecule, i, j)];
  return (Math.acos((x * x + y * y - z * z) / (2 * x * y)) * 180) / Math.PI;
}
