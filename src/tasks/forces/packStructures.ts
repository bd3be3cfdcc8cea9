import { requireArray, requireObject } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { Pose, Skipped } from "../../molecules/dataset.ts";
import { centred, principalAxes, type Molecule } from "../../molecules/molecule.ts";
import { Random, scramble } from "../../random.ts";
import type { TaskData } from "../../training/task.ts";
import type { ForceConfig } from "./forceConfig.ts";
import { energyOf, fitLabels, unusable, type LabelledMolecule, type LabelScales } from "./labels.ts";
import { netForces, overflows } from "./oddities.ts";

/** Structures packed for the GPU, centred at their centroids, with what is to be said of them. */
export interface PackedStructures {
  /** Four numbers an atom: x, y, z in Angstrom and the atomic number. */
  readonly atoms: Float32Array;
  /** count + 1 numbers: structure s owns atoms offsets[s] to before offsets[s + 1]. */
  readonly offsets: Uint32Array;
  readonly count: number;
  /** Most atoms of a structure. */
  readonly places: number;
  /** For each structure its index in the molecules that were given. */
  readonly sourceIndex: Uint32Array;
  /** Four numbers an atom: x, y, z of its force, divided by the scale, and 0. */
  readonly forces: Float32Array;
  /** Of each structure, less its composition's and divided by the scale. */
  readonly energies: Float32Array;
  readonly scales: LabelScales;
}

/** Divides molecules into those to train on and those held out, and packs both. */
export function openStructures(molecules: readonly Molecule[], config: ForceConfig): TaskData<PackedStructures> {
  requireMolecules(molecules);
  const { usable, skipped } = select(molecules, config.cutoff);
  const parts = divide(molecules, usable, config);
  const scales = fitLabels(parts.train.map((i) => molecules[i] as LabelledMolecule));
  const part = (indices: number[]) => pack(molecules, indices, config.pose, scales);
  const labelled = usable.map((i) => molecules[i] as LabelledMolecule);
  const remarks = [...netForces(labelled, scales), ...overflows(labelled, config)];
  return { train: part(parts.train), heldout: part(parts.heldout), skipped, fitted: { ...scales }, remarks };
}

/** Packs molecules that are not to be divided, in their order, by the scales of a model. */
export function packStructures(
  molecules: readonly Molecule[],
  config: Pick<ForceConfig, "pose" | "cutoff">,
  fitted?: Readonly<Record<string, unknown>>,
): { packed: PackedStructures; skipped: Skipped } {
  requireMolecules(molecules);
  requireObject("config", config, 'Give a configuration: forces.presets["forces-tiny"].');
  const { pose } = config;
  const { usable, skipped } = select(molecules, config.cutoff);
  const scales = fitted
    ? (fitted as unknown as LabelScales)
    : fitLabels(usable.map((i) => molecules[i] as LabelledMolecule));
  return { packed: pack(molecules, usable, pose, scales), skipped };
}

function requireMolecules(molecules: unknown): void {
  requireArray("molecules", molecules, "Give frames: those of parseXyz, parseNpz or builtinForceFrames.");
}

function select(molecules: readonly Molecule[], cutoff: number): { usable: number[]; skipped: Skipped } {
  const reasons = new Map<string, number>();
  const usable: number[] = [];
  molecules.forEach((molecule, i) => {
    const reason = unusable(molecule, cutoff);
    if (reason === undefined) usable.push(i);
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  });
  const others = [...reasons].map(([reason, count]) => ({ reason, count }));
  if (usable.length === 0) {
    const why = others.map(({ reason, count }) => `${reason} ${count}`).join(", ");
    const message = `none of ${molecules.length} structures can be used: ${why || "there is none"}`;
    const fix = "Give frames with energies and forces: extended XYZ, or .npz as rMD17's.";
    throw new VoxtwirlError("no-data", message, fix);
  }
  return { usable, skipped: { unknownElement: 0, doesNotFit: 0, unknownElements: [], others } };
}

/** Held out are frames with the smallest draws, or all frames of some molecules. A draw is a frame's own. */
function divide(
  molecules: readonly Molecule[],
  usable: readonly number[],
  { heldout, seed, split }: ForceConfig,
): { train: number[]; heldout: number[] } {
  const draws = new Map(usable.map((i) => [i, drawOf(molecules[i]!, seed)] as const));
  const order = [...usable].sort((i, j) => draws.get(i)! - draws.get(j)! || i - j);
  const wanted = heldout > 0 ? heldout : Math.max(1, Math.round(usable.length / 10));
  const held = split === "molecule" ? heldMolecules(molecules, order, wanted, seed) : order.slice(0, wanted);
  const out = new Set(held);
  const train = order.filter((i) => !out.has(i));
  if (held.length === 0 || train.length === 0) {
    const what = split === "molecule" ? "molecules" : "frames";
    const message = `${wanted} held out of ${usable.length} usable frames leave no ${what} to train on`;
    throw new VoxtwirlError("no-data", message, "Hold out fewer, or give a file with more.");
  }
  return { train, heldout: held };
}

/** Frames of molecules in random order, until so many are held out; a molecule's frames are never in both parts. */
function heldMolecules(
  molecules: readonly Molecule[],
  order: readonly number[],
  wanted: number,
  seed: number,
): number[] {
  const frames = new Map<string, number[]>();
  for (const i of order) {
    const name = molecules[i]!.elements.join();
    frames.set(name, [...(frames.get(name) ?? []), i]);
  }
  const names = [...frames.keys()].sort();
  const drawn = new Random(seed).shuffle(Uint32Array.from(names.keys()));
  const held: number[] = [];
  for (const at of drawn.subarray(0, names.length - 1)) {
    if (held.length >= wanted) break;
    held.push(...frames.get(names[at]!)!);
  }
  return held;
}

/** A number of the seed and the frame alone, so that the order of a file decides nothing. */
function drawOf({ elements, positions }: Molecule, seed: number): number {
  const random = new Random(seed);
  let [high, low] = [random.uint32(), random.uint32()];
  const absorb = (value: number) => {
    high = Math.imul(high ^ value, 0x01000193);
    low = Math.imul(low + value, 0x5bd1e995) ^ (low >>> 15);
  };
  elements.forEach(absorb);
  for (const x of positions) absorb(Math.round(x * 1e5));
  return ((scramble(high) >>> 5) * 2 ** 26 + (scramble(low) >>> 6)) / 2 ** 53;
}

function pack(
  molecules: readonly Molecule[],
  indices: readonly number[],
  pose: Pose,
  scales: LabelScales,
): PackedStructures {
  const chosen = indices.map((i) => molecules[i] as LabelledMolecule);
  const offsets = new Uint32Array(indices.length + 1);
  chosen.forEach(({ elements }, s) => (offsets[s + 1] = offsets[s]! + elements.length));
  const total = offsets[indices.length]!;
  const [atoms, forces] = [new Float32Array(4 * total), new Float32Array(4 * total)];
  chosen.forEach((molecule, s) => {
    const posed = inPose(molecule, pose);
    molecule.elements.forEach((z, i) => {
      const at = 4 * (offsets[s]! + i);
      for (let a = 0; a < 3; a++) {
        atoms[at + a] = posed.positions[3 * i + a]!;
        forces[at + a] = posed.forces[3 * i + a]! / scales.forceScale;
      }
      atoms[at + 3] = z;
    });
  });
  const energies = Float32Array.from(
    chosen,
    ({ energy, elements }) => (energy - energyOf(scales.elementEnergies, elements)) / scales.energyScale,
  );
  const places = chosen.reduce((most, { elements }) => Math.max(most, elements.length), 0);
  const sourceIndex = Uint32Array.from(indices);
  return { atoms, offsets, count: indices.length, places, sourceIndex, forces, energies, scales };
}

/** Positions about the centroid and forces, as they are or both in the principal axes. */
function inPose(
  { positions, forces }: LabelledMolecule,
  pose: Pose,
): { positions: Float64Array; forces: Float64Array } {
  const own = centred(positions);
  if (pose === "as-is") return { positions: own, forces };
  const axes = principalAxes(positions);
  const along = (values: Float64Array) =>
    values.map((_, at) => axes[at % 3]!.reduce((sum, c, a) => sum + c * values[at - (at % 3) + a]!, 0));
  return { positions: along(own), forces: along(forces) };
}
