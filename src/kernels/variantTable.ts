import type { AdapterClass } from "../gpu/caps.ts";

/** Kernel, adapter class, what the shape's class begins with, and the variant. */
export type TableRow = readonly [kernel: string, adapter: AdapterClass | "any", shape: string, variant: string];

/**
 * Which variant of each kernel runs where nothing was found by timing: the first row that fits the kernel, the adapter's
 * class and the shape's class, and whose variant that adapter can run. "rows", for one, need subgroups of eight lanes,
 * and tiles for sixteen output channels more than eight. `voxtwirl tune` finds out on the user's adapter.
 *
 * Beside each row stands why: where it was measured, or that it is reasoned. No row but those for software was measured on
 * an adapter of its class.
 */
// prettier-ignore
export const variantTable: readonly TableRow[] = [
  ["conv3d", "software", "3x3x3, rows beyond 8", "rows 2x4x8"],            // lavapipe: 96 accumulators a lane for 64 outputs, whose loop fits the instruction cache
  ["conv3d", "software", "3x3x3, rows 5 to 8", "rows 1x8x8"],              // lavapipe: the same where a row is one subgroup
  ["conv3d", "software", "3x3x3, rows to 4", "rows 1x4x16"],               // lavapipe: 4^3 grids have rows to fill a subgroup, and many channels
  ["conv3d", "software", "3x3x3", "tiled 4x4x8 w8"],                       // SwiftShader and other padding: 128 accumulators, more spill and compile for longer
  ["conv3d", "software", "1x1x1, to 8 channels", "tiled 8x1x8 w8"],        // lavapipe, tune: 10 to 21 % less than a tile of 16 channels, half of them unused
  ["conv3d", "software", "1x1x1", "tiled 8x1x16 w8"],                      // lavapipe: no neighbours to share, so inputs serve many channels
  ["conv3d", "software", "", "tiled 2x4x8 w8"],                            // lavapipe: fewer outputs where each needs more inputs; it is loads that compile slowly
  ["conv3d", "integrated", "1x1x1", "tiled 8x1x8 w64"],                    // reasoned: 64 accumulators, half of a thread's registers
  ["conv3d", "integrated", "3x3x3", "tiled 2x4x8 w64"],                    // reasoned: the same
  ["conv3d", "integrated", "", "tiled 2x4x4 w64"],                         // reasoned: strided tiles need more inputs in registers too
  ["conv3d", "apple", "1x1x1", "tiled 8x1x8 w64"],                         // reasoned: 64 accumulators leave several simdgroups to a core
  ["conv3d", "apple", "3x3x3", "tiled 2x4x8 w64"],                         // reasoned: the same
  ["conv3d", "apple", "", "tiled 2x4x4 w64"],                              // reasoned: strided tiles need more inputs in registers too
  ["conv3d", "any", "1x1x1, to 8 channels", "tiled 8x1x8 w64"],            // reasoned: no tile of which half is unused
  ["conv3d", "any", "1x1x1", "tiled 8x1x16 w64"],                          // reasoned: 128 accumulators fit 255 registers; two or more subgroups a workgroup
  ["conv3d", "any", "3x3x3", "tiled 4x4x8 w64"],                           // reasoned: the same
  ["conv3d", "any", "", "tiled 2x4x8 w64"],                                // reasoned: fewer accumulators where a tile needs more inputs

  ["convTranspose3d", "software", "", "tiled 4x4x8 w8"],                   // lavapipe: 128 accumulators; a tile needs few inputs beside them
  ["convTranspose3d", "integrated", "", "tiled 2x4x8 w64"],                // reasoned: 64 accumulators, half of a thread's registers
  ["convTranspose3d", "apple", "", "tiled 2x4x8 w64"],                     // reasoned: 64 accumulators leave several simdgroups to a core
  ["convTranspose3d", "any", "", "tiled 4x4x8 w64"],                       // reasoned: 128 accumulators fit 255 registers

  ["conv3dGradWeight", "software", "k1", "16x16x1, 64 teams"],             // lavapipe: more channels instead of taps. On two cores 16 teams take up to 30 % less on small grids, more cores want more
  ["conv3dGradWeight", "software", "k1", "16x8x1, 64 teams"],              // the same for few output channels
  ["conv3dGradWeight", "software", "k2", "8x16x2, 64 teams"],              // lavapipe: all taps of a plane at once
  ["conv3dGradWeight", "software", "k2", "8x8x2, 64 teams"],               // the same for few output channels
  ["conv3dGradWeight", "software", "k3", "8x16x3, 64 teams"],              // lavapipe: 144 accumulators
  ["conv3dGradWeight", "software", "k4", "8x16x2, 64 teams"],              // lavapipe: 128 accumulators
  ["conv3dGradWeight", "software", "k3", "8x8x3, 64 teams"],               // the same for few output channels
  ["conv3dGradWeight", "software", "k4", "8x8x2, 64 teams"],               // the same for few output channels
  ["conv3dGradWeight", "software", "k2", "4x16x2, 64 teams"],              // SwiftShader: 8 input channels and a team of 4 do not finish compiling
  ["conv3dGradWeight", "software", "k3", "4x16x3, 64 teams"],              // SwiftShader: the same
  ["conv3dGradWeight", "software", "k4", "4x16x2, 64 teams"],              // SwiftShader: the same
  ["conv3dGradWeight", "software", "k2", "4x8x2, 64 teams"],               // SwiftShader: the same for few output channels
  ["conv3dGradWeight", "software", "k3", "4x8x3, 64 teams"],               // SwiftShader: the same for few output channels
  ["conv3dGradWeight", "software", "k4", "4x8x2, 64 teams"],               // SwiftShader: the same for few output channels
  ["conv3dGradWeight", "integrated", "k3", "8x16x1 w64, 4096 teams"],      // reasoned: 48 accumulators instead of 144
  ["conv3dGradWeight", "integrated", "k4", "8x16x1 w64, 4096 teams"],      // reasoned: 64 accumulators instead of 128
  ["conv3dGradWeight", "apple", "k3", "8x16x1 w64, 4096 teams"],           // reasoned: 48 accumulators instead of 144
  ["conv3dGradWeight", "apple", "k4", "8x16x1 w64, 4096 teams"],           // reasoned: 64 accumulators instead of 128
  ["conv3dGradWeight", "any", "k1", "16x16x1 w64, 4096 teams"],            // reasoned: threads for some hundred cores
  ["conv3dGradWeight", "any", "k1", "16x8x1 w64, 4096 teams"],             // the same for few output channels
  ["conv3dGradWeight", "any", "k2", "8x16x2 w64, 4096 teams"],             // reasoned: the same
  ["conv3dGradWeight", "any", "k2", "8x8x2 w64, 4096 teams"],              // the same for few output channels
  ["conv3dGradWeight", "any", "k3", "8x16x3 w64, 4096 teams"],             // reasoned: the same
  ["conv3dGradWeight", "any", "k3", "8x8x3 w64, 4096 teams"],              // the same for few output channels
  ["conv3dGradWeight", "any", "k4", "8x16x2 w64, 4096 teams"],             // reasoned: the same
  ["conv3dGradWeight", "any", "k4", "8x8x2 w64, 4096 teams"],              // the same for few output channels

  ["groupNorm", "software", "", "runs of 64"],                             // lavapipe: spreads the loads of coefficients. Two cores like 256, up to 12 % less, more cores want more threads
  ["groupNorm", "any", "", "runs of 16"],                                  // reasoned: more threads than a processor wants
  ["groupNormGrad", "software", "", "runs of 64"],                         // lavapipe: the same
  ["groupNormGrad", "any", "", "runs of 16"],                              // reasoned: the same

  ["attention", "software", "", "broadcast 16x4"],                         // lavapipe: one load and broadcasts instead of eight loads of one word
  ["attention", "any", "", "loads 8x4"],                                   // reasoned: a word for all lanes is one access on a GPU
  ["attentionGrad", "software", "", "broadcast 16x4"],                     // lavapipe: the same
  ["attentionGrad", "any", "", "loads 8x4"],                               // reasoned: the same

  ["twirlMerge", "software", "by four", "runs to 8 w32"],                  // lavapipe: few heavy threads; V32 10.7 ms against 14 for workgroups of 8
  ["twirlMerge", "software", "", "runs to 16 w32"],                        // lavapipe: as many floats
  ["twirlMerge", "any", "", "runs to 4 w64"],                              // reasoned: many threads

  ["resample", "software", "", "voxel w128"],                              // lavapipe: R32 11 ms against 34 to 44 for one channel a thread
  ["resample", "any", "", "channel w64"],                                  // reasoned: neighbouring threads on neighbouring memory
  ["rotateOctahedral", "software", "", "scatter"],                         // lavapipe: 4.6 ms against 8.9 for gathering
  ["rotateOctahedral", "any", "", "gather"],                               // reasoned: writes side by side, reads from the cache
];
