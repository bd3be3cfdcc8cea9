import attentionFusedShader from "../../../shaders/attention/attentionFused.wgsl";
import { workgroups1d, type KernelCall, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength } from "../../gpu/tensor.ts";
import { storagePair } from "../storage.ts";
import type { LaneTile } from "../matmul/panel.ts";
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
  { label, qkv, y, logSumExp, scale, pairBias, mask }: AttentionArgs,
  { samples, copies, heads, tokens, channels }: Sizes,
  tile: LaneTile,
  call: KernelCall,
): void {
  const CHANNELS = Math.max(LEAST_CHANNELS, 2 ** Math.ceil(Math.log2(channels)));
  const [x, rest] = workgroups1d(Math.ceil(tokens / (tile.WORKGROUP * tile.TILE_COLUMNS)));
  ctx.dispatch({
    label,
    call,
    shader: attentionFusedShader,
    constants: {
      ...{ ...tile, KEYS, CHANNELS, WIDE: channels % 4 === 0, ...storagePair(qkv, y) },
      ...(pairBias && { PAIR_BIAS: true, WIDE_BIAS: tokens % 4 === 0 }),
      ...(mask && { MASK: true }),
    },
    params: { tokens, heads, copies, channels, scale },
    bindings: { qkv, y, logSumExp, ...(pairBias && { pairBias }), ...(mask && { mask }) },
    workgroups: [x, rest, samples * heads],
    // Two products, and of each score a maximum, a difference, its exponential and a sum.
    flops: samples * heads * tokens * tokens * (4 * channels + 4 + (pairBias ? 1 : 0)),
    bytes: [qkv, y, logSumExp, pairBias, mask].reduce((sum, tensor) => sum + (tensor ? byteLength(tensor) : 0), 0),
  });
}
