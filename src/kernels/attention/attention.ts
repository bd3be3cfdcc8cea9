import attentionMatmulShader from "../../../shaders/attention/attentionMatmul.wgsl";
import attentionRowDotShader from "../../../shaders/attention/attentionRowDot.wgsl";
import attentionSoftmaxShader from "../../../shaders/attention/attentionSoftmax.wgsl";
import attentionSubgroupMatrixShader from "../../../shaders/attention/attentionSubgroupMatrix.wgsl";
import { workgroups1d, type KernelCall, type KernelContext } from "../../gpu/dispatch.ts";
import type { Shader } from "../../gpu/shader.ts";
import { byteLength, elementBytes, elementCount, type Tensor } from "../../gpu/tensor.ts";
import {
  attentionGradVariants,
  attentionVariants,
  attentionSubgroupMatrixTileOf,
  type AttentionShape,
} from "./attentionVariants.ts";
import {
  attentionBlock,
  attentionSubgroupMatrixConstants,
  type AttentionSubgroupMatrixTile,
} from "./attentionSubgroupMatrix.ts";
import { copyChannels } from "../concatChannels.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { storage, storagePair } from "../storage.ts";
import { activation, example, input, output } from "../example.ts";
import { choose, type Kernel, type Variant } from "../kernel.ts";
import { threads1d, WORKGROUP } from "../threads.ts";

/** Keys of a tile of scores, and the floats that such a tile of all samples may hold before it gets fewer keys. */
const MAX_TILE_KEYS = 256;
const MIN_TILE_KEYS = 32;
const MAX_TILE_FLOATS = 2 ** 23;

export interface AttentionArgs {
  label: string;
  /** [N, T, 3 C]: queries, keys, values one after the other along channels. */
  qkv: Tensor;
  /** [N, T, C], written. */
  y: Tensor;
  /** [N, T], written: log of the sum over keys of exp(score), which the gradient needs. */
  logSumExp: Tensor;
  /** Factor of the scores, C^-1/2 as a rule. */
  scale: number;
}

/**
 * Single-head self-attention within each sample: y = softmax(scale * q k^T) v over the sample's T tokens.
 *
 * Scores exist for one tile of keys at a time; running maximum, sum and result are merged from tile to tile (online
 * softmax). No barriers: each tile is three dispatches.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function attention(ctx: KernelContext, { label, qkv, y, logSumExp, scale }: AttentionArgs): void {
  const sizes = checkedSizes(label, qkv, y, logSumExp);
  storage(label, { qkv, y });
  const { samples, tokens, channels } = sizes;
  const { variant: tiles, call } = choose(ctx.caps, attentionVariants, { ...sizes }, qkv.dtype);
  const tileKeys = keysOfTile(sizes);
  const scores = ctx.scratch(`${label} scores`, [samples, tileKeys, tokens]);
  const state = ctx.scratch(`${label} state`, [samples, tokens, 2]);
  const factors = ctx.scratch(`${label} factors`, [samples, tokens, 2]);
  const { q, k, v } = parts(qkv, sizes);
  const result = summed(ctx, `${label} sum`, y, y.shape, tokens > tileKeys);
  for (let key = 0; key < tokens; key += tileKeys) {
    const keys = Math.min(tileKeys, tokens - key);
    const tile: Slice = { tensor: scores, offset: 0, batch: tileKeys * tokens, row: tokens, column: 1 };
    product(ctx, {
      label: `${label} scores`,
      tiles,
      ...(key === 0 && { call }),
      samples,
      rows: keys,
      columns: tokens,
      depth: channels,
      a: from(k, key),
      b: transposed(q),
      out: tile,
      scale,
    });
    ctx.dispatch({
      label: `${label} softmax`,
      shader: attentionSoftmaxShader,
      params: { tokens, keys, keyStride: tileKeys, first: Number(key === 0), last: Number(key + keys === tokens) },
      bindings: { scores, state, factors, logSumExp },
      workgroups: [Math.ceil(tokens / WORKGROUP), 1, samples],
      flops: 4 * samples * keys * tokens,
      // Scores and factors; the state, read too from the second tile on; the logarithm after the last.
      bytes: 4 * samples * tokens * (2 * keys + 4 + 2 * Number(key > 0) + Number(key + keys === tokens)),
    });
    product(ctx, {
      label: `${label} values`,
      tiles,
      samples,
      rows: tokens,
      columns: channels,
      depth: keys,
      a: transposed(tile),
      b: from(v, key),
      out: { tensor: result, offset: 0, batch: tokens * channels, row: channels, column: 1 },
      variant: "RESCALE",
      extra: { factors },
      extraReads: 2 * tokens,
      readsOut: key > 0,
    });
  }
  if (result !== y) copyChannels(ctx, `${label} result`, result, 0, y, 0, channels);
}

export interface AttentionGradArgs {
  label: string;
  /** Input and outputs of the forward pass. */
  qkv: Tensor;
  y: Tensor;
  logSumExp: Tensor;
  gradY: Tensor;
  /** Shape of qkv, written. */
  gradQkv: Tensor;
  scale: number;
}

/**
 * Gradient of `attention`: probabilities are computed anew, tile by tile of keys (Dao et al. 2022, arXiv 2205.14135).
 * Tiles add to the queries' gradient one after the other, so nothing depends on timing.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function attentionGrad(ctx: KernelContext, args: AttentionGradArgs): void {
  const { label, qkv, y, logSumExp, gradY, gradQkv, scale } = args;
  const sizes = checkedSizes(label, qkv, y, logSumExp);
  requireSameShape(label, { qkv, gradQkv });
  requireSameShape(label, { y, gradY });
  storage(label, { qkv, y, gradY, gradQkv });
  const { samples, tokens, channels } = sizes;
  const { variant: tiles, call } = choose(ctx.caps, attentionGradVariants, { ...sizes }, qkv.dtype);
  const tileKeys = keysOfTile(sizes);
  const dots = ctx.scratch(`${label} dots`, [samples, tokens]);
  const probability = ctx.scratch(`${label} probability`, [samples, tileKeys, tokens]);
  const scoreGrad = ctx.scratch(`${label} scoreGrad`, [samples, tileKeys, tokens]);
  const vec4 = channels % 4 === 0;
  ctx.dispatch({
    label: `${label} dots`,
    shader: attentionRowDotShader,
    constants: { VEC4: vec4, ...storage(label, { y, gradY }) },
    params: { tokens: samples * tokens, columns: vec4 ? channels / 4 : channels },
    bindings: { y, gradY, dots },
    workgroups: threads1d(samples * tokens),
    flops: 2 * elementCount(y.shape),
    bytes: 2 * byteLength(y) + byteLength(dots),
  });
  const { q, k, v } = parts(qkv, sizes);
  const { q: gradQ, k: gradK, v: gradV } = parts(gradQkv, sizes);
  const sumQ = summed(ctx, `${label} gradQueries sum`, gradQkv, y.shape, tokens > tileKeys);
  const apart: Slice = { tensor: sumQ, offset: 0, batch: tokens * channels, row: channels, column: 1 };
  const resultQ = sumQ === gradQkv ? gradQ : apart;
  const outer: Slice = { tensor: gradY, offset: 0, batch: tokens * channels, row: channels, column: 1 };
  for (let key = 0; key < tokens; key += tileKeys) {
    const keys = Math.min(tileKeys, tokens - key);
    const p: Slice = { tensor: probability, offset: 0, batch: tileKeys * tokens, row: tokens, column: 1 };
    const s: Slice = { ...p, tensor: scoreGrad };
    const scoreShape = { tiles, samples, rows: keys, columns: tokens, depth: channels };
    product(ctx, {
      label: `${label} probability`,
      ...(key === 0 && { call }),
      ...scoreShape,
      a: from(k, key),
      b: transposed(q),
      out: p,
      scale,
      variant: "PROBABILITY",
      extra: { columnValues: logSumExp },
      extraReads: tokens,
    });
    product(ctx, {
      label: `${label} scoreGrad`,
      ...scoreShape,
      a: from(v, key),
      b: transposed(outer),
      out: s,
      scale,
      variant: "SCORE_GRAD",
      extra: { columnValues: dots, probability },
      extraReads: tokens + keys * tokens,
    });
    const keyShape = { tiles, samples, rows: keys, columns: channels, depth: tokens };
    product(ctx, { label: `${label} gradValues`, ...keyShape, a: p, b: outer, out: from(gradV, key) });
    product(ctx, { label: `${label} gradKeys`, ...keyShape, a: s, b: q, out: from(gradK, key) });
    product(ctx, {
      label: `${label} gradQueries`,
      tiles,
      samples,
      rows: tokens,
      columns: channels,
      depth: keys,
      a: transposed(s),
      b: from(k, key),
      out: resultQ,
      accumulate: key > 0,
      readsOut: key > 0,
    });
  }
  if (sumQ !== gradQkv) copyChannels(ctx, `${label} gradQueries result`, sumQ, 0, gradQkv, 0, channels);
}

/** Where tiles of keys are added up: in f32, apart from a result of half precision that several tiles add to. */
function summed(ctx: KernelContext, label: string, result: Tensor, shape: readonly number[], several: boolean): Tensor {
  return several && result.dtype === "f16" ? ctx.scratch(label, shape) : result;
}

interface Sizes {
  samples: number;
  tokens: number;
  channels: number;
}

function checkedSizes(label: string, qkv: Tensor, y: Tensor, logSumExp: Tensor): Sizes {
  const [samples, tokens, width] = qkv.shape as [number, number, number];
  if (qkv.shape.length !== 3 || elementCount(qkv.shape) === 0 || width % 3 !== 0) {
    throw badShape(label, "'qkv' must have shape [N, T, 3 C] and be non-empty", { qkv });
  }
  const channels = width / 3;
  requireShape(label, "y", y, [samples, tokens, channels]);
  requireShape(label, "logSumExp", logSumExp, [samples, tokens]);
  return { samples, tokens, channels };
}

function keysOfTile({ samples, tokens }: Sizes): number {
  const affordable = Math.floor(MAX_TILE_FLOATS / (samples * tokens) / MIN_TILE_KEYS) * MIN_TILE_KEYS;
  return Math.min(tokens, MAX_TILE_KEYS, Math.max(MIN_TILE_KEYS, affordable));
}

/** A batch of matrices in a tensor, by strides in floats. */
interface Slice {
  tensor: Tensor;
  offset: number;
  batch: number;
  row: number;
  column: number;
}

/** The queries, keys and values, [T, C] each, of a tensor [N, T, 3 C]. */
function parts(qkv: Tensor, { tokens, channels }: Sizes): { q: Slice; k: Slice; v: Slice } {
  const part = (i: number): Slice => {
    return { tensor: qkv, offset: i * channels, batch: 3 * tokens * channels, row: 3 * channels, column: 1 };
  };
  return { q: part(0), k: part(1), v: part(2) };
}

function from(slice: Slice, row: number): Slice {
  return { ...slice, offset: slice.offset + row * slice.row };
}

function transposed(slice: Slice): Slice {
  return { ...slice, row: slice.column, column: slice.row };
}

interface Product {
  label: string;
  /** Of attentionMatmul.wgsl which register tiles, and whether broadcasts spread the left factors; or matrices. */
  tiles: Variant;
  call?: KernelCall;
  samples: number;
  rows: number;
  columns: number;
  depth: number;
  a: Slice;
  b: Slice;
  /** Its columns lie next to one another. */
  out: Slice;
  /** 1 when left out. */
  scale?: number;
  accumulate?: boolean;
  /** It is added to what `out` holds, by `accumulate` or the variant. */
  readsOut?: boolean;
  /** Epilogue of shaders/shared/attentionProduct.wgsl, and the tensors it reads. */
  variant?: "PROBABILITY" | "SCORE_GRAD" | "RESCALE";
  extra?: Record<string, Tensor>;
  /** Floats of a sample that the epilogue reads besides. */
  extraReads?: number;
}

/** How a product is dispatched: the shader with its constants, what shares the columns, and workgroups of a sample. */
interface Way {
  shader: Shader;
  constants: Record<string, number | boolean>;
  columnParts: number;
  workgroups: number;
}

/** Specialisation constants of attentionMatmul.wgsl that are a choice. */
interface MatmulTile extends Record<string, number> {
  TILE_ROWS: number;
  TILE_COLUMNS: number;
}

function matmulWay({ tiles, rows, columns }: Product): Way {
  const { TILE_ROWS, TILE_COLUMNS, LANES: unit = 1 } = tiles.constants as MatmulTile;
  const columnParts = Math.ceil(columns / TILE_COLUMNS / unit) * unit;
  return {
    shader: attentionMatmulShader,
    constants: tiles.constants,
    columnParts,
    workgroups: Math.ceil((columnParts * Math.ceil(rows / TILE_ROWS)) / WORKGROUP),
  };
}

function matrixWay({ rows, columns, depth, a, b }: Product, tile: AttentionSubgroupMatrixTile): Way {
  const [blockRows, blockColumns] = attentionBlock(tile);
  const [A_ALONG, B_ALONG] = [a.column !== 1, b.row === 1];
  const columnParts = Math.ceil(columns / blockColumns);
  const sizes = [
    ...[A_ALONG ? rows : depth, a.offset, a.batch, A_ALONG ? a.column : a.row],
    ...[B_ALONG ? depth : columns, b.offset, b.batch, B_ALONG ? b.column : b.row],
  ];
  return {
    shader: attentionSubgroupMatrixShader,
    constants: {
      ...attentionSubgroupMatrixConstants(tile, { A_ALONG, B_ALONG, SPLIT: a.tensor.dtype === "f32" }),
      WIDE: sizes.every((size) => size % 4 === 0),
    },
    columnParts,
    workgroups: columnParts * Math.ceil(rows / blockRows),
  };
}

function product(ctx: KernelContext, p: Product): void {
  const { samples, rows, columns, depth, a, b, out } = p;
  const oneSource = a.tensor === b.tensor;
  const tile = attentionSubgroupMatrixTileOf(p.tiles);
  const { shader, constants, columnParts, workgroups } = tile ? matrixWay(p, tile) : matmulWay(p);
  const [x, y] = workgroups1d(workgroups);
  ctx.dispatch({
    label: p.label,
    ...(p.call && { call: p.call }),
    shader,
    constants: {
      ...constants,
      ONE_SOURCE: oneSource,
      ...(p.variant && { [p.variant]: true }),
      ...storage(p.label, { out: out.tensor }),
      ...storagePair(a.tensor, b.tensor),
    },
    params: {
      rows,
      columns,
      depth,
      aOffset: a.offset,
      aBatch: a.batch,
      aRow: a.row,
      aDepth: a.column,
      bOffset: b.offset,
      bBatch: b.batch,
      bDepth: b.row,
      bColumn: b.column,
      outOffset: out.offset,
      outBatch: out.batch,
      outRow: out.row,
      columnParts,
      scale: p.scale ?? 1,
      accumulate: Number(p.accumulate ?? false),
    },
    bindings: { a: a.tensor, out: out.tensor, ...(oneSource ? {} : { b: b.tensor }), ...p.extra },
    workgroups: [x, y, samples],
    flops: 2 * samples * rows * columns * depth,
    bytes:
      samples *
      (elementBytes(a.tensor) * rows * depth +
        elementBytes(b.tensor) * depth * columns +
        elementBytes(out.tensor) * (p.readsOut ? 2 : 1) * rows * columns +
        4 * (p.extraReads ?? 0)),
  });
}

const shaders = [attentionMatmulShader, attentionSubgroupMatrixShader, attentionRowDotShader, attentionSoftmaxShader];
const shapes: readonly AttentionShape[] = [
  { samples: 2, tokens: 300, channels: 20 },
  { samples: 1, tokens: 1, channels: 3 },
];

export const attentionKernel: Kernel<AttentionShape> = {
  name: "attention",
  shaders,
  variants: attentionVariants,
  shapes,
  example({ samples: n, tokens: t, channels: c }) {
    return example({
      tensors: {
        qkv: activation(input([n, t, 3 * c])),
        y: activation(output([n, t, c])),
        logSumExp: output([n, t]),
      },
      terms: t + c,
      emit: (ctx, tensors) => attention(ctx, { label: "attention", ...tensors, scale: c ** -0.5 }),
    });
  },
};

export const attentionGradKernel: Kernel<AttentionShape> = {
  name: "attentionGrad",
  shaders,
  variants: attentionGradVariants,
  shapes,
  example({ samples: n, tokens: t, channels: c }) {
    return example({
      tensors: {
        qkv: activation(input([n, t, 3 * c])),
        y: activation(input([n, t, c])),
        logSumExp: input([n, t], "positive"),
        gradY: activation(input([n, t, c])),
        gradQkv: activation(output([n, t, 3 * c])),
      },
      terms: t + c,
      emit: (ctx, tensors) => attentionGrad(ctx, { label: "attentionGrad", ...tensors, scale: c ** -0.5 }),
    });
  },
};
