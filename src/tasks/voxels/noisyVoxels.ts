/** What every voxel denoiser begins with: molecules, posed, as grids, and the same grids with noise. */
import { elementCount, type Tensor } from "../../gpu/tensor.ts";
import type { BufferView } from "../../gpu/gpu.ts";
import type { Graph } from "../../graph/graph.ts";
import { addNoise } from "../../kernels/noise.ts";
import { samplePose, type SamplePoseArgs } from "../../kernels/samplePose.ts";
import { voxelize } from "../../kernels/voxelize.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";

/** Packed molecules in GPU buffers. */
export interface MoleculeBuffers {
  readonly atoms: BufferView;
  readonly offsets: BufferView;
  /** Numbers of atoms and of molecules. */
  readonly atomCount: number;
  readonly count: number;
}

/** The same as tensors of one graph. */
export interface MoleculeTensors {
  readonly atoms: Tensor;
  readonly offsets: Tensor;
}

/** @param upload makes a buffer, which stays the caller's to destroy */
export function uploadMolecules(
  upload: (label: string, values: Float32Array | Uint32Array) => BufferView,
  label: string,
  packed: PackedMolecules,
): MoleculeBuffers {
  const atoms = upload(`${label} atoms`, packed.atoms);
  const offsets = upload(`${label} offsets`, packed.offsets);
  return { atoms, offsets, atomCount: packed.atoms.length / 4, count: packed.count };
}

export function moleculeTensors(graph: Graph, { atoms, offsets, atomCount, count }: MoleculeBuffers): MoleculeTensors {
  return {
    atoms: graph.external("atoms", [atomCount, 4], atoms),
    offsets: graph.external("offsets", [count + 1], offsets, "u32"),
  };
}

export interface VoxelArgs {
  readonly molecules: MoleculeTensors;
  /** u32 [N], the molecule of each sample. */
  readonly chosen: Tensor;
  /** Voxels along an edge. */
  readonly grid: number;
  /** Channels of the grid: elements. */
  readonly channels: number;
  /** Edge of a voxel in Angstrom. */
  readonly resolution: number;
}

/** Appends the grids [N, D, D, D, E] of molecules in poses [N, 12]; `label` names the kernel. */
export function posedVoxels(
  graph: Graph,
  args: VoxelArgs & { readonly label: string; readonly poses: Tensor },
): Tensor {
  const { molecules, chosen, grid, channels, resolution, label, poses } = args;
  const y = graph.scratch("clean", [elementCount(chosen.shape), grid, grid, grid, channels]);
  graph.inPhase("data", () => voxelize(graph, { label, ...molecules, molecules: chosen, poses, y, resolution }));
  return y;
}

export interface NoiseArgs {
  /** Standard deviation. */
  readonly sigma: number;
  readonly stream: number;
  /** Uniform `Step`. */
  readonly step: Tensor;
}

/** Appends grids with normal noise added. */
export function noisyVoxels(graph: Graph, clean: Tensor, noise: NoiseArgs): Tensor {
  const noisy = graph.scratch("noisy", clean.shape);
  graph.inPhase("data", () => addNoise(graph, { label: "noise", x: clean, y: noisy, ...noise }));
  return noisy;
}

/** Appends random poses, the grids of the molecules in them, and these with noise: what a denoiser is trained on. */
export function sampleVoxels(
  graph: Graph,
  args: VoxelArgs & {
    readonly pose: Pick<SamplePoseArgs, "shift" | "rotate" | "stream">;
    readonly noise: NoiseArgs;
  },
): { clean: Tensor; noisy: Tensor } {
  const { pose, noise } = args;
  const poses = graph.scratch("poses", [elementCount(args.chosen.shape), 12]);
  graph.inPhase("data", () => samplePose(graph, { label: "poses", poses, ...pose, step: noise.step }));
  const clean = posedVoxels(graph, { ...args, label: "voxelize", poses });
  return { clean, noisy: noisyVoxels(graph, clean, noise) };
}
