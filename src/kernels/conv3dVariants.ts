import type { GpuCaps } from "../gpu/caps.ts";
import { brickTiles, type BrickTile, type ConvProblem } from "./conv3dBrickTiles.ts";
import { gradWeightBrickTiles, type GradWeightBrickTile } from "./conv3dGradWeightBrick.ts";
import { conv3dRowsFits } from "./conv3dRows.ts";
import type { ConvSizes } from "./conv3dShape.ts";

/** A convolution by conv3dRows.wgsl, by conv3d.wgsl or convTranspose3d.wgsl, or by conv3dBrick.wgsl with a tile. */
export type ConvVariant = { kind: "rows" } | { kind: "tiled" } | { kind: "brick"; tile: BrickTile };

/**
 * Every variant that an adapter can run for a problem, the default first. GPUs get workgroup memory, software adapters
 * get registers alone: there a barrier costs more than what it saves.
 */
export function conv3dVariants(caps: GpuCaps, problem: ConvProblem): ConvVariant[] {
  const { sizes, stride, pad, transposed } = problem;
  const bricks = brickTiles(caps, problem).map((tile): ConvVariant => ({ kind: "brick", tile }));
  if (caps.adapterClass !== "software") return [...bricks, { kind: "tiled" }];
  const rows = !transposed && conv3dRowsFits(caps, sizes, stride, pad);
  return [...(rows ? [{ kind: "rows" } as const] : []), { kind: "tiled" }, ...bricks];
}

/** The first of `conv3dVariants`. */
export function defaultConv3dVariant(caps: GpuCaps, problem: ConvProblem): ConvVariant {
  return conv3dVariants(caps, problem)[0]!;
}

/** A way to compute a gradient of weights: conv3dGradWeight.wgsl, or conv3dGradWeightBrick.wgsl with a tile. */
export type GradWeightVariant = { kind: "teams" } | { kind: "brick"; tile: GradWeightBrickTile };

/** Every variant that an adapter can run for a gradient of weights, the default first. */
export function gradWeightVariants(caps: GpuCaps, sizes: ConvSizes, stride: number): GradWeightVariant[] {
  const bricks = gradWeightBrickTiles(caps, sizes, stride).map((tile): GradWeightVariant => ({ kind: "brick", tile }));
  return caps.adapterClass === "software" ? [{ kind: "teams" }, ...bricks] : [...bricks, { kind: "teams" }];
}

/** The first of `gradWeightVariants`. */
export function defaultGradWeightVariant(caps: GpuCaps, sizes: ConvSizes, stride: number): GradWeightVariant {
  return gradWeightVariants(caps, sizes, stride)[0]!;
}
