import conv3dBrickShader from "../../../shaders/conv3d/conv3dBrick.wgsl";
import type { BlockKernel, ConvProblem } from "./conv3dBlocks.ts";
import { brickDivision, type BrickTile } from "./conv3dBrickTiles.ts";

/** conv3dBrick.wgsl with a tile. */
export function brickKernel(problem: ConvProblem, tile: BrickTile): BlockKernel {
  return { shader: conv3dBrickShader, constants: tile, division: brickDivision(problem, tile) };
}
