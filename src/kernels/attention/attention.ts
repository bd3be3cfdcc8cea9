import attentionMatmulShader from "../../../shaders/attention/attentionMatmul.wgsl";
import attentionSoftmaxShader from "../../../shaders/attention/attentionSoftmax.wgsl";
import attentionFusedShader from "../../../shaders/attention/attentionFused.wgsl";
import attentionPanelShader from "../../../shaders/attention/attentionPanel.wgsl";
import attentionSubgroupMatrixShader from "../../../shaders/attention/attentionSubgroupMatrix.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { copyChannels } from "../concatChannels.ts";
import { activation, example, input, output } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { dispatchFused } from "./attentionFused.ts";
import { from, parts, product, transposed, type StridedMatrix } from "./attentionProduct.ts";
import { checkedSizes, keysOfTile, summed, type AttentionArgs } from "./attentionSizes.ts";
import { attentionShapes, attentionVariants, fusedTileOf, type AttentionShape } from "./attentionVariants.ts";

/**
 * Single-head self-attention within each sample: y = softmax(scale * q k^T) v over the sample's T tokens.
 *
 * Scores exist for one tile of keys at a time; running maximum, sum and result are merged from tile to tile (online
 * softmax). No barriers: it is one dispatch, or each tile is three.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function attention(ctx: KernelContext, args: AttentionArgs): void {
  requireArgs("attention", ctx, args, "qkv y logSumExp", "scale");
  const { label, qkv, y, logSumExp, scale } = args;
  const sizes = checkedSizes(label, qkv, y, logSumExp);
  storage(label, { qkv, y });
  const { samples, tokens, channels } = sizes;
  const { variant: tiles, call } = choose(ctx.caps, attentionVariants, { ...sizes }, qkv.dtype);
  const fused = fusedTileOf(tiles);
  if (fused) {
    dispatchFused(ctx, args, sizes, fused, call);
    return;
  }
  const tileKeys = keysOfTile(sizes);
  const scores = ctx.scratch(`${label} scores`, [samples, tileKeys, tokens]);
  const state = ctx.scratch(`${label} state`, [samples, tokens, 2]);
  const factors = ctx.scratch(`${label} factors`, [samples, tokens, 2]);
  const { q, k, v } = parts(qkv, sizes);
  const result = summed(ctx, `${label} sum`, y, y.shape, tokens > tileKeys);
  const [queriesX, queriesY] = threads1d(tokens);
  for (let key = 0; key < tokens; key += tileKeys) {
    const keys = Math.min(tileKeys, tokens - key);
    const tile: StridedMatrix = { tensor: scores, offset: 0, sample: tileKeys * tokens, row: tokens, column: 1 };
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
      workgroups: [queriesX, queriesY, samples],
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
      out: { tensor: result, offset: 0, sample: tokens * channels, row: channels, column: 1 },
      variant: "RESCALE",
      extra: { factors },
      extraReads: 2 * tokens,
      readsOut: key > 0,
    });
  }
  if (result !== y) copyChannels(ctx, `${label} result`, result, 0, y, 0, channels);
}

/** What there is to know of `attention`. */
export const attentionKernel: Kernel<AttentionShape> = {
  name: "attention",
  shaders: [
    attentionFusedShader,
    attentionPanelShader,
    attentionMatmulShader,
    attentionSubgroupMatrixShader,
    attentionSoftmaxShader,
  ],
  variants: attentionVariants,
  shapes: attentionShapes,
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
