import conv3dGradWeightShader from "../../../shaders/conv3d/conv3dGradWeight.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { storagePair } from "../storage.ts";
import { affordableSplits, partialSums } from "../sumRows.ts";
import { convSizes, isPointwise, type GradWeightArgs, type Size3 } from "./conv3dShape.ts";

/** Both passes, without checks (one where a single split is enough). `percent`: splits, of the usual number. */
export function dispatchConv3dGradWeightTeams(ctx: KernelContext, args: GradWeightArgs & { percent: number }): void {
  const { label, gradWeight, stride, flops, call } = args;
  const { x, gradY, pad, transposed, flipped } = roles(args);
  const { kernel, batch, inputSize, outputSize, inputChannels, outputChannels } = convSizes(
    x.shape,
    gradY.shape,
    gradWeight.shape[0]!,
  );
  const area = inputChannels * outputChannels;
  const tile = gradWeightTile(ctx.caps, { kernel, stride, pad, inputChannels, outputChannels, flops });
  const blocksI = Math.ceil(inputChannels / (tile.BLOCKS_I * tile.TEAM));
  const blocksO = Math.ceil(outputChannels / (tile.BLOCKS_O * tile.TEAM));
  // A kernel of one voxel knows no planes.
  const pointwise = isPointwise({ kernel, stride, pad });
  const axes = ([d, h, w]: Size3): Size3 => (pointwise ? [1, batch * d * h, w] : [d, h, w]);
  const [inD, inH, inW] = axes(inputSize);
  const [outD, outH, outW] = axes(outputSize);
  const bandsY = Math.ceil(outH / tile.ROWS);
  const bands = (pointwise ? 1 : batch) * outD * bandsY;
  const teams = (kernel * kernel * blocksI * blocksO) / tile.TAP_ROWS;
  const affordable = affordableSplits(ctx.caps, gradWeight);
  const { splits, bandsPerSplit } = splitsOf(ctx.caps, {
    bands,
    teams,
    flops,
    affordable,
    percent: args.percent,
  });
  const direct = splits === 1;
  const sums = direct ? undefined : partialSums(ctx, label, [gradWeight], splits);
  const partial = sums?.partial ?? gradWeight;
  ctx.dispatch({
    label,
    call,
    shader: conv3dGradWeightShader,
    constants: { KERNEL: kernel, STRIDE: stride, ...tile, ...storagePair(x, gradY) },
    params: {
      inD,
      inH,
      inW,
      inC: inputChannels,
      outD,
      outH,
      outW,
      outC: outputChannels,
      pad,
      bands,
      bandsY,
      bandsPerSplit,
      splits,
      blocksI,
      blocksO,
      weightFirst: flipped ? (kernel ** 3 - 1) * area : 0,
      weightTap: flipped ? -area : area,
      weightIn: transposed ? 1 : outputChannels,
      weightOut: transposed ? inputChannels : 1,
      accumulate: direct ? 1 : 0,
    },
    bindings: { x, gradY, partial },
    workgroups: workgroups1d(teams * Math.ceil(splits / (tile.WORKGROUP / tile.TEAM))),
    flops,
    bytes: byteLength(x) + byteLength(gradY) + byteLength(partial) * (direct ? 2 : 1),
  });
  sums?.add();
}

/**
 * Which tensor the shader slides the window over. Its output channels come in blocks of 16, which cost half as much
 * again as the blocks of 8 that it takes where there are no more; so with stride 1 the input may stand for the output.
 */
function roles(args: {
  x: Tensor;
  gradY: Tensor;
  gradWeight: Tensor;
  stride: number;
  pad: number;
  transposed: boolean;
}) {
  const { x, gradY, gradWeight, stride, pad, transposed } = args;
  const kernel = gradWeight.shape[0]!;
  const [inputChannels, outputChannels] = [x.shape[4]!, gradY.shape[4]!];
  const pays = outputChannels <= 8 && 3 * Math.ceil(inputChannels / 16) < 2 * Math.ceil(inputChannels / 8);
  if (stride !== 1 || kernel === 1 || !pays) return { x, gradY, pad, transposed, flipped: false };
  return { x: gradY, gradY: x, pad: kernel - 1 - pad, transposed: !transposed, flipped: true };
}

interface GradWeightTile extends Record<string, number | boolean> {
  TEAM: number;
  WORKGROUP: number;
  BLOCKS_I: number;
  BLOCKS_O: number;
  TAP_ROWS: number;
  ROWS: number;
  STEP: number;
  WINDOW_ROWS: number;
  WINDOW: number;
  KEPT: number;
  EDGE: number;
  SUBGROUPS: boolean;
}

function gradWeightTile(
  caps: GpuCaps,
  conv: { kernel: number; stride: number; pad: number; inputChannels: number; outputChannels: number; flops: number },
): GradWeightTile {
  const { kernel, stride, pad, inputChannels, outputChannels, flops } = conv;
  // The shader's teams are whole subgroups of a known size; elsewhere it does without.
  const subgroup = caps.subgroups && caps.subgroupMinSize === caps.subgroupMaxSize ? caps.subgroupMinSize : 1;
  const subgroups = subgroup === 4 || subgroup === 8;
  const team = subgroups ? subgroup : 8;
  const blocks = 8 / team;
  // By measurement on lavapipe: rows that share inputs, while the loop fits the instruction cache. Elsewhere steps of
  // two, which compile sooner.
  const banded = team === 8 && subgroups;
  // Without neighbours more channels share a load, and the loop has room for fewer rows; not for little work, as it
  // is another pipeline.
  const many = banded && kernel === 1 && Math.min(inputChannels, outputChannels) > 16 && flops > 2e7;
  const [rows, step] = banded ? [many ? 2 : stride === 1 ? 4 : kernel === 3 ? 3 : 2, 1] : [1, 2];
  const tapRows = kernel === 4 && !(banded && outputChannels > 8) ? 2 : kernel;
  const kept = Math.max(0, kernel - stride);
  return {
    TEAM: team,
    WORKGROUP: subgroups || caps.adapterClass === "software" ? team : 64,
    SUBGROUPS: subgroups,
    // 64 to 144 accumulators; without neighbours, more channels instead of taps. Two blocks of input channels with a
    // kernel of 3 and a team of 4 do not finish compiling on SwiftShader.
    BLOCKS_I: many ? 4 : kernel === 1 ? 2 * blocks : 1,
    BLOCKS_O: many ? 4 : outputChannels > 8 ? 2 * blocks : blocks,
    TAP_ROWS: tapRows,
    ROWS: rows,
    STEP: step,
    WINDOW_ROWS: (rows - 1) * stride + tapRows,
    WINDOW: (step - 1) * stride + kernel,
    KEPT: kept,
    EDGE: Math.max(0, Math.min(pad, kept)),
  };
}

/** Splits enough to occupy the adapter, but with room for all their partial sums in one binding. */
function splitsOf(
  caps: GpuCaps,
  work: { bands: number; teams: number; flops: number; affordable: number; percent: number },
): { splits: number; bandsPerSplit: number } {
  const { bands, teams, flops, affordable, percent } = work;
  const usual = caps.adapterClass === "software" ? softwareSplits(teams, flops) : Math.ceil(4096 / teams);
  const wanted = Math.round((usual * percent) / 100);
  const bandsPerSplit = Math.ceil(bands / Math.max(1, Math.min(bands, affordable, wanted)));
  return { splits: Math.ceil(bands / bandsPerSplit), bandsPerSplit };
}

/**
 * Few, for their sum is a dispatch more; an even number, for lavapipe gives each core one run of the workgroups, and
 * the taps at the grid's faces have less to do.
 */
function softwareSplits(teams: number, flops: number): number {
  const wantedTeams = Math.min(64, Math.max(16, flops / 8e6));
  return 2 * Math.floor(wantedTeams / (2 * teams));
}
