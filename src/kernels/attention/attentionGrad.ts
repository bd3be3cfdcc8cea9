import matmulShader from "../../../shaders/matmul/matmul.wgsl";
import matmulPanelShader from "../../../shaders/matmul/matmulPanel.wgsl";
import matmulSubgroupMatrixShader from "../../../shaders/matmul/matmulSubgroupMatrix.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { elementBytes, type Tensor } from "../../gpu/tensor.ts";
import { copyChannels } from "../concatChannels.ts";
import { activation, example, input, output } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { ROW_DOTS_SHADER, rowDots } from "./rowDots.ts";
import { narrowed } from "../matmul/held.ts";
import { from, product, transposed } from "../matmul/product.ts";
import { scoreInputs } from "./attentionExample.ts";
import {
  checkedSizes,
  keysOfTile,
  parts,
  results,
  scoreEpilogue,
  scoreTile,
  shapeOf,
  summed,
  type AttentionScores,
  type AttentionShape,
} from "./attentionSizes.ts";
import { attentionGradShapes, attentionGradVariants } from "./attentionVariants.ts";

/** What `attentionGrad` takes. */
export interface AttentionGradArgs extends AttentionScores {
  label: string;
  /** Outputs of the forward pass. */
  y: Tensor;
  logSumExp: Tensor;
  gradY: Tensor;
  /** Shape of qkv, written. */
  gradQkv: Tensor;
  /** Shape of pairBias, written, where there is one. */
  gradPairBias?: Tensor | undefined;
}

/**
 * Gradient of `attention`: probabilities are computed anew, tile by tile of keys (Dao et al. 2022, arXiv 2205.14135).
 * Tiles add to the queries' gradient one after the other, so nothing depends on timing. Of pair biases and masks that
 * samples share there are no gradients.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function attentionGrad(ctx: KernelContext, args: AttentionGradArgs): void {
  requireArgs("attentionGrad", ctx, args, "qkv y logSumExp gradY gradQkv", "scale");
  const { label, qkv, y, logSumExp, gradY, gradQkv, gradPairBias, pairBias, scale } = args;
  const sizes = checkedSizes(label, args, args);
  if (sizes.copies > 1) throw badShape(label, "a gradient needs pair biases and masks of each sample", { qkv });
  requireSameShape(label, { qkv, gradQkv });
  requireSameShape(label, { y, gradY });
  if (gradPairBias) requireShape(label, "gradPairBias", gradPairBias, pairBias?.shape ?? []);
  storage(label, { qkv, y, gradY, gradQkv, ...(pairBias && { pairBias }), ...(gradPairBias && { gradPairBias }) });
  const { samples, heads, tokens, channels } = sizes;
  const { variant: tiles, call } = choose(ctx.caps, attentionGradVariants, shapeOf(sizes, args), qkv.dtype);
  const narrow = narrowed(tiles, channels);
  const tileKeys = keysOfTile(sizes);
  const matrices = samples * heads;
  const dots = rowDots(ctx, { label, y, gradY, heads, columns: channels });
  const probability = ctx.scratch(`${label} probability`, [matrices, tileKeys, tokens]);
  const scoreGrad = ctx.scratch(`${label} scoreGrad`, [matrices, tileKeys, tokens]);
  const { q, k, v } = parts(qkv, sizes);
  const { q: gradQ, k: gradK, v: gradV } = parts(gradQkv, sizes);
  const sumQ = summed(ctx, `${label} gradQueries sum`, gradQkv, y.shape, tokens > tileKeys);
  const resultQ = sumQ === gradQkv ? gradQ : results(sumQ, sizes);
  const outer = results(gradY, sizes);
  const p = scoreTile(probability, sizes, tileKeys);
  const s = scoreTile(scoreGrad, sizes, tileKeys);
  for (let key = 0; key < tokens; key += tileKeys) {
    const keys = Math.min(tileKeys, tokens - key);
    const scoreShape = { tiles, samples, heads, rows: keys, columns: tokens, depth: channels };
    const range = { first: key, all: tokens };
    const scores = scoreEpilogue("PROBABILITY", sizes, args, keys);
    const columnBytes = 4 * matrices * tokens;
    product(ctx, {
      label: `${label} probability`,
      ...(key === 0 && { call }),
      ...scoreShape,
      a: from(k, key),
      b: transposed(q),
      out: p,
      scale,
      keys: range,
      epilogue: {
        ...scores,
        bindings: { columnValues: logSumExp, ...scores.bindings },
        bytes: scores.bytes + columnBytes,
      },
    });
    product(ctx, {
      label: `${label} scoreGrad`,
      ...scoreShape,
      a: from(v, key),
      b: transposed(outer),
      out: s,
      scale,
      keys: range,
      epilogue: {
        constants: { SCORE_GRAD: true, ...(gradPairBias && { PAIR_BIAS: true }) },
        bindings: { columnValues: dots, probability, ...(gradPairBias && { gradPairBias }) },
        bytes: columnBytes * (1 + keys) + (gradPairBias ? elementBytes(gradPairBias) * matrices * keys * tokens : 0),
      },
    });
    const keyShape = { tiles: narrow, samples, heads, rows: keys, columns: channels, depth: tokens };
    product(ctx, { label: `${label} gradValues`, ...keyShape, a: p, b: outer, out: from(gradV, key) });
    product(ctx, { label: `${label} gradKeys`, ...keyShape, a: s, b: q, out: from(gradK, key) });
    product(ctx, {
      label: `${label} gradQueries`,
      tiles: narrow,
      ...{ samples, heads, rows: tokens, columns: channels, depth: keys },
      a: transposed(s),
      b: from(k, key),
      out: resultQ,
      accumulate: key > 0,
      readsOut: key > 0,
    });
  }
  if (sumQ !== gradQkv) copyChannels(ctx, `${label} gradQueries result`, sumQ, 0, gradQkv, 0, heads * channels);
}

/** What there is to know of `attentionGrad`. */
export const attentionGradKernel: Kernel<AttentionShape> = {
  name: "attentionGrad",
  shaders: [matmulPanelShader, matmulShader, matmulSubgroupMatrixShader, ROW_DOTS_SHADER],
  variants: attentionGradVariants,
  shapes: attentionGradShapes,
  example(shape) {
    const { samples: n, heads, tokens: t, channels } = shape;
    const c = heads * channels;
    return example({
      tensors: {
        qkv: activation(input([n, t, 3 * c])),
        ...scoreInputs(shape),
        y: activation(input([n, t, c])),
        logSumExp: input([n, heads, t], "positive"),
        gradY: activation(input([n, t, c])),
        gradQkv: activation(output([n, t, 3 * c])),
        ...(shape.biased && { gradPairBias: activation(output([n, heads, t, t])) }),
      },
      terms: t + channels,
      emit: (ctx, tensors) => {
        attentionGrad(ctx, { label: "attentionGrad", ...tensors, heads, scale: channels ** -0.5 });
      },
    });
  },
};
