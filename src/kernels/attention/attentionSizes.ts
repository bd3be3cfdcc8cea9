import type { KernelContext } from "../../gpu/dispatch.ts";
import { elementCount, type Tensor } from "../../gpu/tensor.ts";
import { badShape, requireShape } from "../shapes.ts";

/** What `attention` takes. */
export interface AttentionArgs {
  label: string;
  /** [N, T, 3 C], queries, keys, values one after the other along channels. */
  qkv: Tensor;
  /** [N, T, C], written. */
  y: Tensor;
  /** [N, T], written: log of the sum over keys of exp(score), which the gradient needs. */
  logSumExp: Tensor;
  /** Factor of the scores, C^-1/2 as a rule. */
  scale: number;
}

/** Keys of a tile of scores, and the floats that such a tile of all samples may hold before it gets fewer keys. */
const MAX_TILE_KEYS = 256;
const MIN_TILE_KEYS = 32;
const MAX_TILE_FLOATS = 2 ** 23;

/** Where tiles of keys are added up: in f32, apart from a result of half precision that several tiles add to. */
export function summed(
  ctx: KernelContext,
  label: string,
  result: Tensor,
  shape: readonly number[],
  several: boolean,
): Tensor {
  return several && result.dtype === "f16" ? ctx.scratch(label, shape) : result;
}

export interface Sizes {
  samples: number;
  tokens: number;
  channels: number;
}

export function checkedSizes(label: string, qkv: Tensor, y: Tensor, logSumExp: Tensor): Sizes {
  const [samples, tokens, width] = qkv.shape as [number, number, number];
  if (qkv.shape.length !== 3 || elementCount(qkv.shape) === 0 || width % 3 !== 0) {
    throw badShape(label, "'qkv' must have shape [N, T, 3 C] and be non-empty", { qkv });
  }
  const channels = width / 3;
  requireShape(label, "y", y, [samples, tokens, channels]);
  requireShape(label, "logSumExp", logSumExp, [samples, tokens]);
  return { samples, tokens, channels };
}

export function keysOfTile({ samples, tokens }: Sizes): number {
  const affordable = Math.floor(MAX_TILE_FLOATS / (samples * tokens) / MIN_TILE_KEYS) * MIN_TILE_KEYS;
  return Math.min(tokens, MAX_TILE_KEYS, Math.max(MIN_TILE_KEYS, affordable));
}
