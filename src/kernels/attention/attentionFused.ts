import attentionFusedShader from "../../../shaders/attention/attentionFused.wgsl";
import { workgroups1d, type KernelCall, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength } from "../../gpu/tensor.ts";
import { storagePair } from "../storage.ts";
import type { LaneTile } from "./attentionPanel.ts";
import type { AttentionArgs, Sizes } from "./attentionSizes.ts";

/** Keys whose scores an invocation keeps at a time. */
const KEYS = 128;

/** Channels of queries and results that it can keep: longer arrays take long to compile. */
const MOST_CHANNELS = 512;
const LEAST_CHANNELS = 64;

/** Whether one invocation can keep what a query needs. */
export function fusedFits({ channels }: Pick<Sizes, "channels">): boolean {
  return channels <= MOST_CHANNELS;
}

/** All of `attention`, in one dispatch. */
export function dispatchFused(
  ctx: KernelContext,
  { label, qkv, y, logSumExp, scale }: AttentionArgs,
  { samples, tokens, channels }: Sizes,
  tile: LaneTile,
  call: KernelCall,
): void {
  const CHANNELS = Math.max(LEAST_CHANNELS, 2 ** Math.ceil(Math.log2(channels)));
  const [x, rest] = workgroups1d(Math.ceil(tokens / (tile.WORKGROUP * tile.TILE_COLUMNS)));
  ctx.dispatch({
    label,
    call,
    shader: attentionFusedShader,
    constants: { ...tile, KEYS, CHANNELS, WIDE: channels % 4 === 0, ...storagePair(qkv, y) },
    params: { tokens, channels, scale },
    bindings: { qkv, y, logSumExp },
    workgroups: [x, rest, samples],
    // Two products, and of each score a maximum, a difference, its exponential and a sum.
    flops: 4 * samples * tokens * tokens * (channels + 1),
    bytes: byteLength(qkv) + byteLength(y) + byteLength(logSumExp),
  });
}
