import conv3dGradWeightRowsShader from "../../../shaders/conv3d/conv3dGradWeightRows.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength } from "../../gpu/tensor.ts";
import type { ConvSizes, GradWeightArgs } from "./conv3dShape.ts";
import { hasLanes, LANES } from "../lanes.ts";
import { storagePair } from "../storage.ts";
import { affordableSplits, partialSums } from "../sumRows.ts";

/** Tiles of output channels whose gradients are kept at a time; they are worked on in pairs. */
const TILES = 4;

// Groups of four columns that an invocation keeps of x, and of a tile of gradY: rows have 128 columns at most. Arrays
// hold twice SLOTS_X and SLOTS_Y, no multiples of 128: of parts that lie pages apart a processor's cache holds few.
const SLOTS_X = 98;
const SLOTS_TILE = 65;
const SLOTS_Y = TILES * SLOTS_TILE + 2;

/** Enough for a processor's cores; each split more is another to add up. */
const WORKGROUPS = 16;

/** What a workgroup takes at a time: `planes` planes of units (four rows of a sample), in groups of four columns. */
interface Slab {
  units: number;
  planes: number;
  groups: number;
}

/** Rows of a unit. */
const ROWS = 4;

/** The largest slab that can be kept; undefined where a row is too long. Units share no inputs, planes do. */
function slabOf({ batch, outputSize: [depth, height, width] }: ConvSizes): Slab | undefined {
  // Two groups a turn.
  const groups = 2 * Math.ceil(width / 8);
  const allUnits = batch * Math.ceil(height / ROWS);
  const fits = (units: number, planes: number) =>
    units * (planes + 2) * groups <= SLOTS_X && units * planes * groups <= SLOTS_TILE;
  if (!fits(1, 1)) return undefined;
  let [units, planes] = [1, 1];
  while (planes < depth && fits(1, planes + 1)) planes++;
  while (planes === depth && units < allUnits && fits(units + 1, planes)) units++;
  return { units: evenly(allUnits, units), planes: evenly(depth, planes), groups };
}

/** The largest share where `all` is divided into as few as there must be of `most` at most. */
function evenly(all: number, most: number): number {
  return Math.ceil(all / Math.ceil(all / most));
}

/** Whether conv3dGradWeightRows.wgsl can make the gradient, on an adapter of the kind that it is for. */
export function gradWeightRowsFits(caps: GpuCaps, sizes: ConvSizes, stride: number, pad: number): boolean {
  const same = sizes.inputSize.every((n, axis) => n === sizes.outputSize[axis]);
  return hasLanes(caps) && same && sizes.kernel === 3 && stride === 1 && pad === 1 && slabOf(sizes) !== undefined;
}

/** Adds the gradient of the weights [3, 3, 3, Ci, Co] to gradWeight: both passes, or one where one split is enough. */
export function dispatchConv3dGradWeightRows(ctx: KernelContext, args: GradWeightArgs): void {
  const { label, x, gradY, gradWeight, sizes, flops, call } = args;
  const { batch, inputChannels, outputChannels } = sizes;
  const [depth, height, width] = sizes.outputSize;
  const { units, planes, groups } = slabOf(sizes)!;
  const bands = Math.ceil(height / ROWS);
  const stacks = Math.ceil(depth / planes);
  const slabs = Math.ceil((batch * bands) / units) * stacks;
  const slabsPerSplit = Math.ceil(slabs / Math.min(WORKGROUPS, affordableSplits(ctx.caps, gradWeight)));
  const splits = Math.ceil(slabs / slabsPerSplit);
  // Where there are few splits, channels are shared out: as many output channels as are kept at a time first, which
  // costs nothing, then input channels, for each part of which gradY is loaded again, then output channels, the same
  // for x.
  const perPart = (all: number, parts: number) => Math.ceil(all / Math.max(1, Math.min(all, Math.floor(parts))));
  const parts = WORKGROUPS / splits;
  // Output channels by pairs of tiles.
  const allO = Math.ceil(outputChannels / (2 * LANES));
  const allI = Math.ceil(inputChannels / LANES);
  const pairsOfPart = Math.min(allO, (TILES / 2) * perPart(Math.ceil((2 * allO) / TILES), parts));
  const tilesI = perPart(allI, parts / Math.ceil(allO / pairsOfPart));
  const blocksI = Math.ceil(allI / tilesI);
  const pairsO = perPart(pairsOfPart, parts / (Math.ceil(allO / pairsOfPart) * blocksI));
  const blocksO = Math.ceil(allO / pairsO);
  const direct = splits === 1;
  const sums = direct ? undefined : partialSums(ctx, label, [gradWeight], splits);
  const partial = sums?.partial ?? gradWeight;
  ctx.dispatch({
    label,
    call,
    shader: conv3dGradWeightRowsShader,
    constants: { WORKGROUP: LANES, TILES, SLOTS_X, SLOTS_Y, ...storagePair(x, gradY) },
    params: {
      batch,
      depth,
      height,
      width,
      inC: inputChannels,
      outC: outputChannels,
      units,
      planes,
      groups,
      bands,
      stacks,
      slabs,
      slabsPerSplit,
      splits,
      blocksI,
      blocksO,
      tilesI,
      tilesO: 2 * pairsO,
      accumulate: direct ? 1 : 0,
    },
    bindings: { x, gradY, partial },
    workgroups: workgroups1d(blocksO * blocksI * splits),
    flops,
    bytes: byteLength(x) + byteLength(gradY) + byteLength(partial) * (direct ? 2 : 1),
  });
  sums?.add();
}
