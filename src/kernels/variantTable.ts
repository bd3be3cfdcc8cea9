import type { AdapterClass } from "../gpu/caps.ts";

/**
 * Kernel, adapter class, what the shape's class begins with, the variant, and why: where it was measured, or that it is
 * reasoned.
 */
export type TableRow = readonly [
  kernel: string,
  adapter: AdapterClass | "any",
  shape: string,
  variant: string,
  why: string,
];

/**
 * Which variant of each kernel runs where nothing was found by timing: the first row that fits the kernel, the
 * adapter's class and the shape's class, and whose variant that adapter can run. "rows" and "parity", for two, need
 * subgroups of eight lanes. "brick *" is the first of a kernel's bricks. `voxtwirl tune` finds out on the user's
 * adapter. No row but those for software was measured on an adapter of its class.
 */
// prettier-ignore
export const variantTable: readonly TableRow[] = [
  ["conv3d", "software", "3x3x3, rows beyond 8", "rows 2x8x8",
    "lavapipe: 192 accumulators a lane, whose loop fits the instruction cache"],
  ["conv3d", "software", "3x3x3, rows 5 to 8, beyond 32", "rows 1x8x16",
    "lavapipe: 128 channels at 8^3 15 % less than 1x8x8, which compiles in two thirds of the time"],
  ["conv3d", "software", "3x3x3, rows 5 to 8", "rows 1x8x8", "lavapipe: where a row is one subgroup"],
  ["conv3d", "software", "3x3x3, rows to 4, beyond 32", "rows 1x4x16",
    "lavapipe: 4^3 grids have rows to fill a subgroup, and many channels"],
  ["conv3d", "software", "3x3x3, rows to 4", "rows 1x4x8",
    "lavapipe: a tenth slower than 1x4x16, and compiles in less than half the time"],
  ["conv3d", "software", "1x1x1, to 8", "tiled 8x1x8 w8",
    "lavapipe: 8x16^3x16 1.1 ms, parity 2x4x32 2.3, most of whose channels are unused"],
  ["conv3d", "software", "1x1x1, to 16", "tiled 8x1x16 w8", "lavapipe: 8x8^3x32 0.48 ms, parity 2x4x32 0.69"],
  ["conv3d", "software", "1x1x1 exchanged, to 8", "tiled 8x1x8 w8", "lavapipe: as not exchanged"],
  ["conv3d", "software", "1x1x1 exchanged, to 16", "tiled 8x1x16 w8", "lavapipe: 8x16^3x8 1.3 ms, parity 2x4x32 1.9"],
  ["conv3d", "software", "1x1x1", "parity 2x4x32",
    "lavapipe: inputs serve many channels. 1x8x64 takes 5 % less for whole 64s, but 17 more for 96 and 30 more at 4^3"],
  ["conv3d", "software", "strided, to 8", "parity 2x4x8",
    "lavapipe, tune: 36 to 39 % less than 2x4x16, half of whose channels are unused"],
  ["conv3d", "software", "strided", "parity 2x4x16", "lavapipe: four taps share a load"],
  ["conv3d", "software", "strided, beyond 32", "parity 1x8x64", "lavapipe: kernels of 2"],
  ["conv3d", "software", "strided", "parity 1x8x32", "lavapipe: kernels of 2"],
  ["conv3d", "software", "3x3x3", "tiled 4x4x8 w8",
    "SwiftShader and other padding: 128 accumulators, more spill and compile for longer"],
  ["conv3d", "software", "1x1x1", "tiled 8x1x16 w8", "SwiftShader: inputs serve many channels"],
  ["conv3d", "software", "", "tiled 2x4x8 w8",
    "lavapipe: fewer outputs where each needs more inputs; it is loads that compile slowly"],
  ["conv3d", "any", "", "matrix *",
    "reasoned, unmeasured: matrix units do many times the multiply-adds; f16 alone (conv3dMatrix.ts)"],
  ["conv3d", "any", "", "brick *",
    "reasoned: workgroup memory; the largest tile for the class that leaves little unused (conv3dBrickTiles.ts)"],

  ["convTranspose3d", "software", "k4, to 8", "parity 2x4x8", "lavapipe, tune: 30 % less than 2x4x16"],
  ["convTranspose3d", "software", "", "parity 2x4x16", "lavapipe: four taps share a load"],
  ["convTranspose3d", "software", "k2, beyond 32", "parity 1x8x64", "lavapipe: kernels of 2"],
  ["convTranspose3d", "software", "k2", "parity 1x8x32", "lavapipe: kernels of 2"],
  ["convTranspose3d", "software", "", "tiled 4x4x8 w8",
    "lavapipe: 128 accumulators; a tile needs few inputs beside them"],
  ["convTranspose3d", "any", "", "matrix *", "reasoned, unmeasured: as in conv3d"],
  ["convTranspose3d", "any", "", "brick *", "reasoned: workgroup memory"],

  ["conv3dGradWeight", "software", "k3, wide", "rows",
    "lavapipe: a third less than teams with 16 channels and more; as much or more for 8 channels or 12 columns"],
  ["conv3dGradWeight", "software", "k3, narrow, many", "rows",
    "lavapipe: at 8^3 9 % less with 64 channels, 30 with 128; with 32 teams are ahead"],
  ["conv3dGradWeight", "software", "", "teams",
    "lavapipe: registers alone; few slices, by the work there is (conv3dGradWeight.ts)"],
  ["conv3dGradWeight", "any", "", "matrix *",
    "reasoned: tensor cores, where x and gradY are f16 (conv3dGradWeightMatrix.ts)"],
  ["conv3dGradWeight", "any", "", "brick *", "reasoned: workgroup memory (conv3dGradWeightBrick.ts)"],
  ["conv3dGradWeight", "any", "", "teams", "reasoned: where workgroups are too small for bricks"],

  ["groupNorm", "software", "small", "whole *", "lavapipe: one dispatch for three"],
  ["groupNorm", "software", "", "runs of 64",
    "lavapipe: spreads the loads of coefficients. Two cores like 256, up to 12 % less, more cores want more threads"],
  ["groupNorm", "any", "small", "whole w256", "reasoned: one dispatch for three"],
  ["groupNorm", "any", "small", "whole *", "reasoned: adapters of smaller workgroups"],
  ["groupNorm", "any", "", "runs of 16", "reasoned: more threads than a processor wants"],
  ["groupNormGrad", "software", "small", "whole *", "lavapipe: one dispatch for three"],
  ["groupNormGrad", "software", "", "runs of 64", "lavapipe: as in groupNorm"],
  ["groupNormGrad", "any", "small", "whole w256", "reasoned: as in groupNorm"],
  ["groupNormGrad", "any", "small", "whole *", "reasoned: adapters of smaller workgroups"],
  ["groupNormGrad", "any", "", "runs of 16", "reasoned: as in groupNorm"],

  ["attention", "software", "", "broadcast 16x4",
    "lavapipe: one load and broadcasts instead of eight loads of one word"],
  ["attention", "software", "", "loads 8x4", "the same as on others, where there is no subgroup of one size"],
  ["attention", "any", "", "matrix *", "reasoned: tensor cores, where activations are f16 (attentionMatrix.ts)"],
  ["attention", "any", "", "loads 8x4", "reasoned: a word for all lanes is one access on a GPU"],
  ["attentionGrad", "software", "", "broadcast 16x4", "lavapipe: as in attention"],
  ["attentionGrad", "software", "", "loads 8x4", "the same as on others, where there is no subgroup of one size"],
  ["attentionGrad", "any", "", "matrix *", "reasoned: tensor cores, where activations are f16 (attentionMatrix.ts)"],
  ["attentionGrad", "any", "", "loads 8x4", "reasoned: as in attention"],

  ["twirlMerge", "software", "by four", "runs to 8 w32",
    "lavapipe: few heavy threads; V32 10.7 ms against 14 for workgroups of 8"],
  ["twirlMerge", "software", "", "runs to 16 w32", "lavapipe: as many floats"],
  ["twirlMerge", "any", "", "runs to 4 w64", "reasoned: many threads"],

  ["resample", "software", "", "voxel w128", "lavapipe: R32 11 ms against 34 to 44 for one channel a thread"],
  ["resample", "any", "", "channel w64", "reasoned: neighbouring threads on neighbouring memory"],
  ["rotateOctahedral", "software", "", "scatter", "lavapipe: 4.6 ms against 8.9 for gathering"],
  ["rotateOctahedral", "any", "", "gather", "reasoned: writes side by side, reads from the cache"],
];
