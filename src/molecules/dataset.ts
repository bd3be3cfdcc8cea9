import { requireArray, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { Random } from "../random.ts";
import { atomicNumber, elementSymbol } from "./elements.ts";
import { identify, type MoleculeKey } from "./identity.ts";
import { centred, principalPose, radius, type Molecule } from "./molecule.ts";

/** "as-is": the molecule as it lies in the file; "principal": turned into its principal axes. */
export type Pose = "as-is" | "principal";

/** How molecules are chosen, posed and divided. */
export interface DatasetOptions {
  /** Symbols of the elements, one per channel, e.g. `elements5`. */
  elements: readonly string[];
  /** Voxels along each edge of the grid. */
  grid: number;
  /** Edge of a voxel in Angstrom. */
  resolution: number;
  pose: Pose;
  /** Number of held-out molecules; a tenth of the distinct ones where it is undefined. */
  heldout?: number;
  /** Seed of the split. */
  seed: number;
}

/** Molecules packed for the GPU, centred at their centroids. */
export interface PackedMolecules {
  /** Four numbers per atom: x, y, z in Angstrom and the channel's index. */
  atoms: Float32Array;
  /** count + 1 numbers: the atoms of molecule m are those from offsets[m] to before offsets[m + 1]. */
  offsets: Uint32Array;
  count: number;
  /** For each molecule its index in the molecules given to `prepareDataset`. */
  sourceIndex: Uint32Array;
}

/** How many molecules were left out, by reason; the first that applies counts. */
export interface Skipped {
  unknownElement: number;
  doesNotFit: number;
  /** Symbols of the elements without a channel, sorted. */
  unknownElements: string[];
  /** For reasons of a task's own. */
  others?: readonly { readonly reason: string; readonly count: number }[];
}

/** Molecules divided for training, and what was left out. */
export interface PreparedDataset {
  train: PackedMolecules;
  heldout: PackedMolecules;
  skipped: Skipped;
}

/**
 * Checks, splits and packs molecules for training.
 *
 * A molecule fits when every atom is within half the box (grid * resolution) of the centroid. Held out are `heldout`
 * distinct molecules drawn by `seed`, one copy of each; further copies of these are in neither part, so no molecule is
 * on both sides. What counts as a copy: equal keys by `keyOf` where bonds are known, or equal geometry (see
 * `identify`). Both parts are in a random order; order and split are functions of the seed and the molecules alone, not
 * of the order in which these come.
 *
 * Throws "bad-option" for options out of range, "bad-molecule" for arrays that do not belong together, "no-data" where
 * too few molecules are left for both parts.
 */
export function prepareDataset(
  molecules: readonly Molecule[],
  options: DatasetOptions,
  keyOf?: MoleculeKey,
): PreparedDataset {
  requireMolecules(molecules, options);
  const channels = channelTable(options.elements);
  checkOptions(options);
  const { usable, skipped } = selectUsable(molecules, channels, (options.grid * options.resolution) / 2);
  if (usable.length === 0) throw nothingLeft(molecules.length, skipped, options);
  const parts = split(
    usable.map((i) => molecules[i]!),
    options,
    keyOf,
  );
  const part = (indices: number[]) =>
    pack(
      molecules,
      indices.map((i) => usable[i]!),
      channels,
      options.pose,
    );
  return { train: part(parts.train), heldout: part(parts.heldout), skipped };
}

function requireMolecules(molecules: readonly Molecule[], options: Omit<DatasetOptions, "heldout" | "seed">): void {
  requireArray("molecules", molecules, "Give molecules: those of parseXyz, parseSdf, parseNpz or builtinMolecules.");
  requireObject("options", options, "Give { elements, grid, resolution }: a preset has them.");
  requireArray("elements", options.elements, "Give element symbols, one a channel.");
}

/**
 * Checks and packs molecules that are not to be divided, in their order.
 *
 * Throws as `prepareDataset`, "no-data" where none can be used.
 */
export function packMolecules(
  molecules: readonly Molecule[],
  options: Omit<DatasetOptions, "heldout" | "seed">,
): { packed: PackedMolecules; skipped: Skipped } {
  requireMolecules(molecules, options);
  const channels = channelTable(options.elements);
  checkOptions(options);
  const { usable, skipped } = selectUsable(molecules, channels, (options.grid * options.resolution) / 2);
  if (usable.length === 0) {
    const fix = `Give molecules of ${options.elements.join(" ")} that fit the model's grid.`;
    throw nothingLeft(molecules.length, skipped, options, fix);
  }
  return { packed: pack(molecules, usable, channels, options.pose), skipped };
}

/** Channel by atomic number; 255 where there is none. */
function channelTable(elements: readonly string[]): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  elements.forEach((symbol, channel) => {
    const number = atomicNumber(symbol);
    if (number === undefined || table[number] !== 255) {
      throw new VoxtwirlError(
        "bad-option",
        `"${symbol}" among the elements is unknown or there twice`,
        "Give each element's symbol once.",
      );
    }
    table[number] = channel;
  });
  if (elements.length === 0) {
    throw new VoxtwirlError("bad-option", "no elements are given", "Give at least one, e.g. C and H.");
  }
  return table;
}

function checkOptions({ grid, resolution, heldout }: Omit<DatasetOptions, "seed">): void {
  if (!(Number.isInteger(grid) && grid > 0 && resolution > 0 && resolution < Infinity)) {
    const given = `a grid of ${grid} voxels of ${resolution} A`;
    throw new VoxtwirlError(
      "bad-option",
      `${given} is not possible`,
      "Give a whole number of voxels and a positive resolution in Angstrom.",
    );
  }
  if (heldout !== undefined && !(Number.isInteger(heldout) && heldout > 0)) {
    throw new VoxtwirlError(
      "bad-option",
      `${heldout} held-out molecules are not possible`,
      "Give a whole number of at least 1.",
    );
  }
}

function selectUsable(
  molecules: readonly Molecule[],
  channels: Uint8Array,
  half: number,
): { usable: number[]; skipped: Skipped } {
  const unknown = new Set<number>();
  const skipped: Skipped = { unknownElement: 0, doesNotFit: 0, unknownElements: [] };
  const usable: number[] = [];
  molecules.forEach((molecule, i) => {
    checkMolecule(molecule, i);
    const strange = molecule.elements.filter((element) => channels[element] === 255);
    for (const element of strange) unknown.add(element);
    if (strange.length > 0) skipped.unknownElement++;
    else if (!(radius(molecule) <= half)) skipped.doesNotFit++;
    else usable.push(i);
  });
  skipped.unknownElements = [...unknown].map(elementSymbol).sort();
  return { usable, skipped };
}

function checkMolecule({ elements, positions }: Molecule, index: number): void {
  if (elements.length > 0 && positions.length === 3 * elements.length) return;
  const message = `molecule ${index} has ${elements.length} elements and ${positions.length} coordinates`;
  throw new VoxtwirlError("bad-molecule", message, "Give at least one atom, and three coordinates for each.");
}

function nothingLeft(
  total: number,
  skipped: Skipped,
  { elements, grid, resolution }: Pick<DatasetOptions, "elements" | "grid" | "resolution">,
  fix = "Choose a preset with a larger grid or with more elements (drugs has C H O N F S Cl Br).",
): VoxtwirlError {
  const unknown = `${skipped.unknownElement} with other elements than ${elements.join(" ")}`;
  const others = skipped.unknownElements.length > 0 ? ` (${skipped.unknownElements.join(" ")})` : "";
  const large = `${skipped.doesNotFit} too large for a box of ${Number((grid * resolution).toFixed(3))} A`;
  const message = `none of ${total} molecules can be used: ${unknown}${others}, ${large}`;
  return new VoxtwirlError("no-data", message, fix);
}

/**
 * Indices of both parts in the order of the molecules' draws. Held out are the groups with the smallest draws of their
 * own.
 */
function split(
  molecules: Molecule[],
  { heldout, seed }: DatasetOptions,
  keyOf?: MoleculeKey,
): { train: number[]; heldout: number[] } {
  const { group, groups, draw } = identify(molecules, seed, keyOf);
  const wanted = heldout ?? Math.max(1, Math.round(groups / 10));
  if (groups < 2 || wanted >= groups) {
    const message = `${wanted} held-out of ${groups} distinct usable molecules leave none to train on`;
    const fix =
      groups < 2 ? "Give a file with at least two different molecules that fit." : `Hold out at most ${groups - 1}.`;
    throw new VoxtwirlError("no-data", message, fix);
  }
  const held = new Set(drawGroups(group, groups, draw).slice(0, wanted));
  const waiting = new Set(held);
  const parts = { train: [] as number[], heldout: [] as number[] };
  for (const i of molecules.map((_, i) => i).sort((i, j) => draw[i]! - draw[j]! || i - j)) {
    if (waiting.delete(group[i]!)) parts.heldout.push(i);
    else if (!held.has(group[i]!)) parts.train.push(i);
  }
  return parts;
}

/**
 * The groups in random order. A group's draw comes from its molecules' smallest, drawn anew so that large groups are
 * not favoured.
 */
export function drawGroups(group: Uint32Array, groups: number, draw: Float64Array): number[] {
  const smallest = new Float64Array(groups).fill(1);
  group.forEach((g, i) => (smallest[g] = Math.min(smallest[g]!, draw[i]!)));
  const anew = smallest.map((value) => new Random(value * 2 ** 53).next());
  return Array.from(anew.keys()).sort((g, h) => anew[g]! - anew[h]!);
}

function pack(molecules: readonly Molecule[], indices: number[], channels: Uint8Array, pose: Pose): PackedMolecules {
  const offsets = new Uint32Array(indices.length + 1);
  indices.forEach((index, m) => (offsets[m + 1] = offsets[m]! + molecules[index]!.elements.length));
  const atoms = new Float32Array(4 * offsets[indices.length]!);
  indices.forEach((index, m) => {
    const { elements, positions } = molecules[index]!;
    const posed = pose === "principal" ? principalPose(positions) : centred(positions);
    elements.forEach((element, i) => {
      const at = 4 * (offsets[m]! + i);
      atoms.set(posed.subarray(3 * i, 3 * i + 3), at);
      atoms[at + 3] = channels[element]!;
    });
  });
  return { atoms, offsets, count: indices.length, sourceIndex: Uint32Array.from(indices) };
}
