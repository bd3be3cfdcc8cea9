import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import type { Tensor } from "../gpu/tensor.ts";
import voxelizeShader from "../../shaders/voxelize.wgsl";
import { cubeShape } from "./cube.ts";
import { badShape, requireShape } from "./shapes.ts";
import { example, input, output } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { threads1d } from "./threads.ts";

/** What `voxelize` takes. */
export interface VoxelizeArgs {
  label: string;
  /** f32 [A, 4], x, y, z in Angstrom from the molecule's centre, and the channel as a whole number. */
  atoms: Tensor;
  /** u32 [M + 1], molecule m owns atoms offsets[m] to offsets[m + 1] - 1. */
  offsets: Tensor;
  /** u32 [N], the molecule of each sample. */
  molecules: Tensor;
  /** f32 [N, 12], as `samplePose` makes them. */
  poses: Tensor;
  /** Written, f32 [N, D, D, D, E] with 1 to 8 channels. */
  y: Tensor;
  /** Edge of a voxel in Angstrom. */
  resolution: number;
}

/** Atoms reach this far, in Angstrom: V = 7e-4 there. */
export const ATOM_CUTOFF = 1.25;

const RUN = 4;

/**
 * Voxel grids of posed molecules, as VoxMol (arXiv 2306.07473) defines them but for the centre: occupancy of a
 * channel is 1 - product over its atoms of (1 - V), V = exp(-d^2 / (0.93 * 0.5 A)^2) within d <= 1.25 A of R atom +
 * shift, else 0. Voxel centres lie at (i - (D-1)/2) * resolution. Atoms whose channel is negative or E and above are
 * left out.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together or E is above 8.
 */
export function voxelize(ctx: KernelContext, args: VoxelizeArgs): void {
  requireArgs("voxelize", ctx, args, "atoms offsets molecules poses y", "resolution");
  const { label, atoms, offsets, molecules, poses, y, resolution } = args;
  const { samples, size, channels } = cubeShape(label, "y", y);
  if (channels > 8) throw badShape(label, "'y' must have at most 8 channels", { y });
  const atomCount = atoms.shape[0] ?? 0;
  requireShape(label, "atoms", atoms, [atomCount, 4]);
  requireShape(label, "molecules", molecules, [samples]);
  requireShape(label, "poses", poses, [samples, 12]);
  if (offsets.shape.length !== 1 || offsets.shape[0]! < 2) {
    throw badShape(label, "'offsets' must be [M + 1] with M at least 1", { offsets });
  }
  const perMolecule = atomCount / (offsets.shape[0]! - 1);
  const reached = Math.min(size ** 3, (4 / 3) * Math.PI * (ATOM_CUTOFF / resolution) ** 3);
  const runs = Math.ceil(size / RUN);
  ctx.dispatch({
    label,
    shader: voxelizeShader,
    constants: { E: channels, RUN },
    params: { samples, size, runs, resolution },
    bindings: { atoms, offsets, molecules, poses, y },
    workgroups: threads1d(samples * size * size * runs),
    // A distance, an exponential and a product for every voxel that an atom reaches.
    flops: Math.round(samples * perMolecule * reached * 16),
    bytes: 4 * (Math.round(samples * (perMolecule * 4 + 15)) + samples * size ** 3 * channels),
  });
}

/** What the work of a call depends on: sizes and switches. */
export interface VoxelizeShape extends CallShape {
  readonly samples: number;
  readonly size: number;
  readonly channels: number;
}

/** What there is to know of `voxelize`. */
export const voxelizeKernel: Kernel<VoxelizeShape> = {
  name: "voxelize",
  shaders: [voxelizeShader],
  shapes: [
    { samples: 3, size: 5, channels: 5 },
    { samples: 2, size: 8, channels: 8 },
  ],
  example({ samples, size, channels }) {
    // Two molecules of two atoms and one, the first and the second in turn; the pose turns by 90 degrees about z.
    const pose = [...[0, -1, 0, 1, 0, 0, 0, 0, 1], ...[0.1, 0.2, 0.3]];
    const atoms = Float32Array.of(0, 0.3, -1, 0, 1, -0.5, 0.2, 4, -0.7, 0.1, 0.9, 1);
    return example({
      tensors: {
        atoms: input([3, 4], atoms),
        offsets: input([3], Uint32Array.of(0, 2, 3)),
        molecules: input(
          [samples],
          Uint32Array.from({ length: samples }, (_, n) => n % 2),
        ),
        poses: input(
          [samples, 12],
          Float32Array.from({ length: 12 * samples }, (_, i) => pose[i % 12] ?? 0),
        ),
        y: output([samples, size, size, size, channels]),
      },
      // Exponents of up to eight are rounded, their distances before.
      terms: 2 ** 8,
      emit: (ctx, tensors) => voxelize(ctx, { label: "voxelize", ...tensors, resolution: 0.5 }),
    });
  },
};
