import matmulShader from "../../../shaders/matmul/matmul.wgsl";
import attentionSoftmaxShader from "../../../shaders/attention/attentionSoftmax.wgsl";
import attentionFusedShader from "../../../shaders/attention/attentionFused.wgsl";
import matmulPanelShader from "../../../shaders/matmul/matmulPanel.wgsl";
import matmulSubgroupMatrixShader from "../../../shaders/matmul/matmulSubgroupMatrix.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { copyChannels } from "../concatChannels.ts";
import { activation, example, input, output } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { dispatchFused } from "./attentionFused.ts";
import { from, product, transposed } from "../matmul/product.ts";
import {
  checkedSizes,
  keysOfTile,
  parts,
  results,
  scoreEpilogue,
  scoreTile,
  shapeOf,
  summed,
  type AttentionArgs,
  type AttentionShape,
} from "./attentionSizes.ts";
import { scoreInputs } from "./attentionExample.ts";
import { attentionShapes, attentionVariants, fusedTileOf } from "./attentionVariants.ts";

/**
 * Self-attention within each sample, head by head: y = softmax(scale * q k^T + pairBias) v over the sample's T tokens.
 * Pair biases and masks may be of chains, which several samples are copies of.
 *
 * Scores exist for one tile of keys at a time; running maximum, sum and result are merged from tile to tile (online
 * softmax). No barriers: it is one dispatch, or each tile is three.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function attention(ctx: KernelContext, args: AttentionArgs): void {
  requireArgs("attention", ctx, args, "qkv y logSumExp", "scale");
  const { label, qkv, y, logSumExp, scale, pairBias } = args;
  const sizes = checkedSizes(label, args, args);
  storage(label, { qkv, y, ...(pairBias && { pairBias }) });
  const { samples, copies, heads, tokens, channels } = sizes;
  const { variant: tiles, call } = choose(ctx.caps, attentionVariants, shapeOf(sizes, args), qkv.dtype);
  const fused = fusedTileOf(tiles);
  if (fused) {
    dispatchFused(ctx, args, sizes, fused, call);
    return;
  }
  const matrices = samples * heads;
  const tileKeys = keysOfTile(sizes);
  const scores = ctx.scratch(`${label} scores`, [matrices, tileKeys, tokens]);
  const state = ctx.scratch(`${label} state`, [matrices, tokens, 2]);
  const factors = ctx.scratch(`${label} factors`, [matrices, tokens, 2]);
  const { q, k, v } = parts(qkv, sizes);
  const result = summed(ctx, `${label} sum`, y, y.shape, tokens > tileKeys);
  const [queriesX, queriesY] = threads1d(tokens);
  const tile = scoreTile(scores, sizes, tileKeys);
  for (let key = 0; key < tokens; key += tileKeys) {
    const keys = Math.min(tileKeys, tokens - key);
    product(ctx, {
      label: `${label} scores`,
      tiles,
      ...(key === 0 && { call }),
      ...{ samples, heads, rows: keys, columns: tokens, depth: channels },
      a: from(k, key),
      b: transposed(q),
      out: tile,
      scale,
      epilogue: scoreEpilogue("SCORES", sizes, args, keys),
      keys: { first: key, all: tokens, copies },
    });
    ctx.dispatch({
      label: `${label} softmax`,
      shader: attentionSoftmaxShader,
      params: { tokens, keys, keyStride: tileKeys, first: Number(key === 0), last: Number(key + keys === tokens) },
      bindings: { scores, state, factors, logSumExp },
      workgroups: [queriesX, queriesY, matrices],
      flops: 4 * matrices * keys * tokens,
      // Scores and factors; the state, read too from the second tile on; the logarithm after the last.
      bytes: 4 * matrices * tokens * (2 * keys + 4 + 2 * Number(key > 0) + Number(key + keys === tokens)),
    });
    product(ctx, {
      label: `${label} values`,
      tiles,
      ...{ samples, heads, rows: tokens, columns: channels, depth: keys },
      a: transposed(tile),
      b: from(v, key),
      out: results(result, sizes),
      epilogue: { constants: { RESCALE: true }, bindings: { factors }, bytes: 4 * matrices * 2 * tokens },
      readsOut: key > 0,
    });
  }
  if (result !== y) copyChannels(ctx, `${label} result`, result, 0, y, 0, heads * channels);
}

/** What there is to know of `attention`. */
export const attentionKernel: Kernel<AttentionShape> = {
  name: "attention",
  shaders: [attentionFusedShader, matmulPanelShader, matmulShader, matmulSubgroupMatrixShader, attentionSoftmaxShader],
  variants: attentionVariants,
  shapes: attentionShapes,
  example(shape) {
    const { samples: n, heads, tokens: t, channels } = shape;
    const c = heads * channels;
    return example({
      tensors: {
        qkv: activation(input([n, t, 3 * c])),
        ...scoreInputs(shape),
        y: activation(output([n, t, c])),
        logSumExp: output([n, heads, t]),
      },
      terms: t + channels,
      emit: (ctx, tensors) => attention(ctx, { label: "attention", ...tensors, heads, scale: channels ** -0.5 }),
    });
  },
};
