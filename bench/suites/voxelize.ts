import { voxelize, ATOM_CUTOFF } from "../../src/kernels/voxelize.ts";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import { prepareDataset, type PackedMolecules } from "../../src/molecules/dataset.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import * as twin from "../../src/reference/voxelize.ts";
import type { BenchCase, CaseData, Expected } from "../case.ts";
import { uniform } from "../data.ts";
import { graphCase } from "../graphCase.ts";

const SAMPLES = 8;
const RESOLUTION = 0.25;
/** In Angstrom: of VoxMol for all elements, times its factor. */
const ATOM_RADIUS = 0.93 * 0.5;
/** The twin takes its time: the first and the last sample. */
const CHECKED = [0, SAMPLES - 1];

/** Eight molecules of the built-in set, shifted, on grids of 32^3 and 64^3. */
export function voxelizeCases(): BenchCase[] {
  return [voxelizeCase(32), voxelizeCase(64)];
}

let packed: PackedMolecules | undefined;

function molecules(): PackedMolecules {
  return (packed ??= prepareDataset(builtinMolecules(), { ...presets.qm9!, heldout: 16 }).heldout);
}

function voxelizeCase(size: number): BenchCase {
  const { elements } = presets.qm9!;
  const channels = elements.length;
  const shape = [SAMPLES, size, size, size, channels];
  const { atoms, offsets, count } = molecules();
  const atomCount = offsets[SAMPLES]!;
  const reached = Math.round((4 / 3) * Math.PI * (ATOM_CUTOFF / RESOLUTION) ** 3);
  return graphCase({
    name: `voxelize/${size}`,
    suite: "voxelize",
    shape: `${SAMPLES} molecules, ${atomCount} atoms, ${channels} channels at ${size}^3`,
    inputs: [
      { name: "packed", shape: [atoms.length / 4, 4], only: "ours", make: () => Float32Array.from(atoms) },
      { name: "offsets", shape: [count + 1], only: "ours", make: () => Uint32Array.from(offsets) },
      {
        name: "molecules",
        shape: [SAMPLES],
        only: "ours",
        make: () => Uint32Array.from({ length: SAMPLES }, (_, i) => i),
      },
      { name: "poses", shape: [SAMPLES, 12], only: "ours", make: () => poses(size) },
      { name: "atoms", shape: [atomCount, 5], only: "peers", make: (data) => placed(data) },
    ],
    outputs: [{ name: "y", shape }],
    // A distance, an exponential and a product for every voxel that an atom reaches.
    flops: 16 * atomCount * reached,
    tolerance: 2e-5,
    peers: {
      operation: "voxelize",
      attributes: {
        ...{ samples: SAMPLES, channels, size },
        ...{ resolution: RESOLUTION, radius: ATOM_RADIUS, cutoff: ATOM_CUTOFF },
      },
    },
    emit: (graph, t) => {
      voxelize(graph, {
        label: `voxelize ${size}`,
        atoms: t.packed,
        offsets: t.offsets,
        molecules: t.molecules,
        poses: t.poses,
        y: t.y,
        resolution: RESOLUTION,
      });
    },
    expected: (data) => expected(data, size, channels),
  });
}

/** Not turned, shifted by up to half an Angstrom. */
function poses(size: number): Float32Array<ArrayBuffer> {
  const shifts = uniform(`voxelize/${size}/shifts`, 3 * SAMPLES, { scale: 0.5 });
  const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const rows = Array.from({ length: SAMPLES }, (_, n) => [...identity, ...shifts.subarray(3 * n, 3 * n + 3)]);
  return Float32Array.from(rows.flat());
}

/** Atoms where their poses put them, after the number of their sample. */
function placed(data: CaseData): Float32Array<ArrayBuffer> {
  const [atoms, offsets, posed] = ["packed", "offsets", "poses"].map((name) => data.get(name)!);
  const rows = Array.from({ length: SAMPLES }, (_, n) => {
    return Array.from({ length: offsets![n + 1]! - offsets![n]! }, (_, i) => {
      const at = 4 * (offsets![n]! + i);
      const shifted = [0, 1, 2].map((axis) => atoms![at + axis]! + posed![12 * n + 9 + axis]!);
      return [n, ...shifted, atoms![at + 3]!];
    });
  });
  return Float32Array.from(rows.flat(2));
}

function expected(data: CaseData, size: number, channels: number): Expected[] {
  const atoms = data.get("packed")!;
  const offsets = data.get("offsets")!;
  const elements = size ** 3 * channels;
  return CHECKED.map((n) => {
    const rows = Array.from({ length: offsets[n + 1]! - offsets[n]! }, (_, i) => {
      return Array.from(atoms.subarray(4 * (offsets[n]! + i), 4 * (offsets[n]! + i + 1)));
    });
    const pose = data.get("poses")!.subarray(12 * n, 12 * n + 12);
    const values = twin.voxelize(rows, pose, { size, channels, resolution: RESOLUTION });
    return { output: "y", indices: Uint32Array.from({ length: elements }, (_, e) => n * elements + e), values };
  });
}
