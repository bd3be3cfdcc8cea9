import conv3dGradWeightSubgroupMatrixShader from "../../../shaders/conv3d/conv3dGradWeightSubgroupMatrix.wgsl";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength } from "../../gpu/tensor.ts";
import { storagePair } from "../storage.ts";
import { affordableSplits, partialSums } from "../sumRows.ts";
import { WANTED_WORKGROUPS } from "./conv3dBlocks.ts";
import {
  blockOf,
  gridOf,
  haloOf,
  linesOf,
  loadsOf,
  type GradWeightSubgroupMatrixTile,
} from "./conv3dGradWeightSubgroupMatrixTiles.ts";
import { isPointwise, type GradWeightArgs, type Size3 } from "./conv3dShape.ts";

/** Steps below which a split is not worth its partial sums, which are written and read in the time of several. */
const LEAST_STEPS = 32;
/** Of a workgroup that WANTED_WORKGROUPS counts. */
const USUAL_SUBGROUPS = 4;

/** Both passes, without checks (one where a single split is enough). x and gradY are f16. */
export function dispatchConv3dGradWeightSubgroupMatrix(
  ctx: KernelContext,
  args: GradWeightArgs & { tile: GradWeightSubgroupMatrixTile },
): void {
  const { label, x, gradY, gradWeight, sizes, stride, pad, transposed, tile, flops } = args;
  const { kernel, batch, inputChannels, outputChannels } = sizes;
  const grid = gridOf(sizes, stride, pad);
  const pointwise = isPointwise({ kernel, stride, pad });
  const axes = (size: Size3): Size3 => (pointwise ? [1, 1, grid.width] : size);
  const [inD, inH, inW] = axes(sizes.inputSize);
  const [outD, outH, outW] = axes(sizes.outputSize);
  const { rows, rowPitch, tilesX, blocks } = linesOf(tile, grid, haloOf(kernel, stride));
  const [blockI, blockO] = blockOf(tile);
  const [blocksI, blocksO] = [Math.ceil(inputChannels / blockI), Math.ceil(outputChannels / blockO)];
  const workgroups = kernel * kernel * blocksI * blocksO;
  const subgroups = tile.SUBGROUPS_I * tile.SUBGROUPS_O;
  const wanted = Math.ceil((WANTED_WORKGROUPS[ctx.caps.adapterClass] * USUAL_SUBGROUPS) / subgroups / workgroups);
  const leastBlocks = Math.ceil((LEAST_STEPS * tile.MATRIX_K) / (tile.LINE * tile.LINES));
  const affordable = affordableSplits(ctx.caps, gradWeight);
  const splits = Math.max(1, Math.min(wanted, affordable, Math.floor(blocks / leastBlocks)));
  const direct = splits === 1;
  const sums = direct ? undefined : partialSums(ctx, label, [gradWeight], splits);
  const partial = sums?.partial ?? gradWeight;
  const [loadsX, loadsG] = loadsOf(tile, kernel, stride);
  ctx.dispatch({
    label,
    call: args.call,
    shader: conv3dGradWeightSubgroupMatrixShader,
    constants: {
      KERNEL: kernel,
      STRIDE: stride,
      ...tile,
      LOADS_X: loadsX,
      LOADS_G: loadsG,
      VEC4: inputChannels % 4 === 0 && outputChannels % 4 === 0,
      TRANSPOSED: transposed,
      ...storagePair(x, gradY),
    },
    params: {
      inD,
      inH,
      inW,
      inC: inputChannels,
      outD,
      outH,
      outW,
      outC: outputChannels,
      batch: pointwise ? 1 : batch,
      pad,
      rows,
      rowPitch,
      tilesX,
      splits,
      blocksI,
      blocksO,
      accumulate: direct ? 1 : 0,
    },
    bindings: { x, gradY, partial },
    workgroups: workgroups1d(splits * workgroups),
    flops,
    bytes: byteLength(x) + byteLength(gradY) + byteLength(partial) * (direct ? 2 : 1),
  });
  sums?.add();
}
