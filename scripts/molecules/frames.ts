// Frames of small molecules: positions as at a temperature, in a pose at random, with energies and forces of MMFF94.
import { haarRotation } from "../../src/equivariance/rotations.ts";
import { positionScale } from "../../src/molecules/builtinForces.ts";
import { centred, type Bond, type Molecule } from "../../src/molecules/molecule.ts";
import { Random } from "../../src/random.ts";
import { fromSmiles, potential, relaxed } from "./geometry.ts";

/** The molecules of the built-in frames: names and SMILES, the smallest first. */
export const framed: readonly (readonly [name: string, smiles: string])[] = [
  ["water", "O"],
  ["hydrogen-cyanide", "C#N"],
  ["formaldehyde", "C=O"],
  ["fluoromethane", "CF"],
  ["formic-acid", "OC=O"],
  ["methanol", "CO"],
  ["ethene", "C=C"],
  ["formamide", "NC=O"],
  ["acetonitrile", "CC#N"],
  ["methylamine", "CN"],
  ["acetaldehyde", "CC=O"],
  ["ethanol", "CCO"],
];

/** The seed of the built-in frames. */
export const framesSeed = 1;

/** In kelvin, and kT in eV. */
export const temperature = 500;
export const kT = 8.617333262e-5 * temperature;

/**
 * Moves that each atom tries before a frame is taken: a chain starts anew from the minimum for each frame. After 50 the
 * mean energy above the minimum is that of equipartition.
 */
const sweeps = 100;

/** Standard deviation of a move along each axis, in Angstrom: 40 to 46 % of the moves are accepted. */
const stride = 0.05;

/**
 * Step of the differences, in Angstrom. Against half the step, forces move by at most 2e-11 eV/A: both the error of
 * fourth order and the noise of the energies are below that. Plain differences of this step would be off by 1e-4.
 */
const step = 1e-3;

/** What a frame adds to its molecule: all at the same, rounded, positions. */
export interface Frame {
  energy: number;
  positions: Float64Array;
  forces: Float64Array;
}

/** A molecule and its frames. */
export interface Framed {
  name: string;
  elements: Uint8Array;
  bonds: Bond[];
  frames: Frame[];
}

/** Molecule number `index` of the list, minimised. */
export function framedMolecule(index: number): Molecule {
  const [name, smiles] = framed[index]!;
  const molecule = relaxed(fromSmiles(smiles), 1);
  if (molecule === undefined) throw new Error(`the force field fails on ${name}`);
  return { ...molecule, name };
}

/** Frame number `frame` of molecule number `index`, a function of the seed and the two numbers alone. */
export function makeFrame(seed: number, index: number, frame: number, molecule = framedMolecule(index)): Frame {
  const random = new Random(seed * 2 ** 32 + index * 2 ** 16 + frame);
  const energy = potential(molecule);
  const bent = centred(thermal(energy, molecule.positions, random));
  const r = haarRotation(random);
  const positions = bent.map((_, i) => {
    const row = 3 * (i % 3);
    const at = i - (i % 3);
    const value = r[row]! * bent[at]! + r[row + 1]! * bent[at + 1]! + r[row + 2]! * bent[at + 2]!;
    return Math.round(value * positionScale) / positionScale;
  });
  return { energy: energy(positions), positions, forces: differences(energy, positions) };
}

/** All frames of all molecules, `count` of each. */
export function makeFrames(seed: number, count: number, progress: (made: number) => void = () => {}): Framed[] {
  return framed.map(([name], index) => {
    const molecule = framedMolecule(index);
    const frames = Array.from({ length: count }, (_, frame) => makeFrame(seed, index, frame, molecule));
    progress(index + 1);
    return { name, elements: molecule.elements, bonds: molecule.bonds!, frames };
  });
}

/** Positions drawn from the Boltzmann distribution by the rule of Metropolis, one atom at a time. */
function thermal(energy: (positions: Float64Array) => number, start: Float64Array, random: Random): Float64Array {
  let positions = start;
  let now = energy(start);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (let at = 0; at < start.length; at += 3) {
      const moved = positions.slice();
      for (let axis = 0; axis < 3; axis++) moved[at + axis]! += stride * random.normal();
      const then = energy(moved);
      if (random.next() >= Math.exp((now - then) / kT)) continue;
      positions = moved;
      now = then;
    }
  }
  return positions;
}

/** Forces by central differences of the energy with `width` and half of it, extrapolated to none (Richardson). */
export function differences(
  energy: (positions: Float64Array) => number,
  positions: Float64Array,
  width = step,
): Float64Array {
  const slope = (i: number, h: number) => {
    const [above, below] = [positions.slice(), positions.slice()];
    above[i]! += h;
    below[i]! -= h;
    return (energy(below) - energy(above)) / (2 * h);
  };
  return positions.map((_, i) => (4 * slope(i, width / 2) - slope(i, width)) / 3);
}
