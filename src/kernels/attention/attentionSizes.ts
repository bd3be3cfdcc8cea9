import type { KernelContext } from "../../gpu/dispatch.ts";
import { elementBytes, elementCount, type Tensor } from "../../gpu/tensor.ts";
import type { Epilogue, StridedMatrix } from "../matmul/product.ts";
import { badShape, copiesOf, requireShape } from "../shapes.ts";

/** What the scores are made of, forward and backward. */
export interface AttentionScores {
  /** [N, T, 3 C], queries, keys, values one after the other along channels, of each the heads one after the other. */
  qkv: Tensor;
  /** Divides C; 1 when left out. */
  heads?: number | undefined;
  /** Factor of the products, (C / heads)^-1/2 as a rule. */
  scale: number;
  /**
   * [N, heads, T, T], stored as qkv: added to the scores; by query, then key. Forward it and the mask may be of b chains
   * with N / b copies each, one after the other, which share them.
   */
  pairBias?: Tensor | undefined;
  /** f32 [N, T]: where it is 0 nobody attends to that key. A query without any key gets 0. */
  mask?: Tensor | undefined;
}

/** What `attention` takes. */
export interface AttentionArgs extends AttentionScores {
  label: string;
  /** [N, T, C], written: heads one after the other. */
  y: Tensor;
  /** [N, heads, T], written: log of the sum over keys of exp(score), which the gradient needs. */
  logSumExp: Tensor;
}

/** What the work of a call depends on: sizes and switches. */
export interface AttentionShape extends Record<string, number> {
  samples: number;
  /** Samples that share a pair bias and a mask. */
  copies: number;
  heads: number;
  tokens: number;
  /** Of a head. */
  channels: number;
  /** 1 with a pair bias, and with a mask. */
  biased: number;
  masked: number;
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

/** Sizes of a call; C is `heads` times `channels`. */
export interface Sizes {
  samples: number;
  copies: number;
  heads: number;
  tokens: number;
  /** Of a head. */
  channels: number;
}

/** @throws VoxtwirlError "bad-shape" */
export function checkedSizes(
  label: string,
  { qkv, heads = 1, pairBias, mask }: AttentionScores,
  { y, logSumExp }: { readonly y: Tensor; readonly logSumExp: Tensor },
): Sizes {
  const [samples, tokens, width] = qkv.shape as [number, number, number];
  if (qkv.shape.length !== 3 || elementCount(qkv.shape) === 0 || width % 3 !== 0) {
    throw badShape(label, "'qkv' must have shape [N, T, 3 C] and be non-empty", { qkv });
  }
  if (!Number.isInteger(heads) || heads < 1 || (width / 3) % heads !== 0) {
    throw badShape(label, `'heads' is ${heads} and must divide C, which is ${width / 3}`, { qkv });
  }
  requireShape(label, "y", y, [samples, tokens, width / 3]);
  requireShape(label, "logSumExp", logSumExp, [samples, heads, tokens]);
  const copies = copiesOf(label, qkv, { pairBias, mask });
  const chains = samples / copies;
  if (pairBias) requireShape(label, "pairBias", pairBias, [chains, heads, tokens, tokens]);
  if (mask) requireShape(label, "mask", mask, [chains, tokens]);
  return { samples, copies, heads, tokens, channels: width / 3 / heads };
}

/** The shape that variants are chosen by. */
export function shapeOf(sizes: Sizes, { pairBias, mask }: AttentionScores): AttentionShape {
  return { ...sizes, biased: Number(pairBias !== undefined), masked: Number(mask !== undefined) };
}

export function keysOfTile({ samples, heads, tokens }: Sizes): number {
  const affordable = Math.floor(MAX_TILE_FLOATS / (samples * heads * tokens) / MIN_TILE_KEYS) * MIN_TILE_KEYS;
  return Math.min(tokens, MAX_TILE_KEYS, Math.max(MIN_TILE_KEYS, affordable));
}

/** The queries, keys and values of each head, [T, C / heads], of a tensor [N, T, 3 C]. */
export function parts(
  qkv: Tensor,
  { heads, tokens, channels }: Sizes,
): { q: StridedMatrix; k: StridedMatrix; v: StridedMatrix } {
  const row = 3 * heads * channels;
  const part = (i: number): StridedMatrix => {
    const offset = i * heads * channels;
    return { tensor: qkv, offset, sample: tokens * row, head: channels, row, column: 1 };
  };
  return { q: part(0), k: part(1), v: part(2) };
}

/** What each head makes, [T, C / heads], in a tensor [N, T, C]. */
export function results(tensor: Tensor, { heads, tokens, channels }: Sizes): StridedMatrix {
  const row = heads * channels;
  return { tensor, offset: 0, sample: tokens * row, head: channels, row, column: 1 };
}

/** A tile of scores, [keys, queries] of each sample and head, in a tensor [N heads, keys, T]. */
export function scoreTile(tensor: Tensor, { heads, tokens }: Sizes, tileKeys: number): StridedMatrix {
  return { tensor, offset: 0, sample: heads * tileKeys * tokens, head: tileKeys * tokens, row: tokens, column: 1 };
}

/** What scores of `keys` keys read besides q and k: a pair bias and a mask, which copies of a chain share. */
export function scoreEpilogue(
  name: "SCORES" | "PROBABILITY",
  { samples, copies, heads, tokens }: Sizes,
  { pairBias, mask }: AttentionScores,
  keys: number,
): Epilogue {
  const chains = samples / copies;
  return {
    constants: {
      [name]: true,
      ...(pairBias && { PAIR_BIAS: true }),
      ...(mask && { MASK: true }),
      ...(copies > 1 && { COPIES: true }),
    },
    bindings: { ...(pairBias && { pairBias }), ...(mask && { mask }) },
    bytes: (pairBias ? elementBytes(pairBias) * chains * heads * keys * tokens : 0) + (mask ? 4 * chains * keys : 0),
  };
}
