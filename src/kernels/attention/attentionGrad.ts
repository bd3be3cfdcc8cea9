import attentionMatmulShader from "../../../shaders/attention/attentionMatmul.wgsl";
import attentionPanelShader from "../../../shaders/attention/attentionPanel.wgsl";
import attentionSubgroupMatrixShader from "../../../shaders/attention/attentionSubgroupMatrix.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { copyChannels } from "../concatChannels.ts";
import { activation, example, input, output } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { requireSameShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { ROW_DOTS_SHADER, rowDots } from "./rowDots.ts";
import { from, parts, product, transposed, type StridedMatrix } from "./attentionProduct.ts";
import { checkedSizes, keysOfTile, summed } from "./attentionSizes.ts";
import { attentionGradVariants, attentionShapes, type AttentionShape } from "./attentionVariants.ts";

/** What `attentionGrad` takes. */
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
  requireArgs("attentionGrad", ctx, args, "qkv y logSumExp gradY gradQkv", "scale");
  const { label, qkv, y, logSumExp, gradY, gradQkv, scale } = args;
  const sizes = checkedSizes(label, qkv, y, logSumExp);
  requireSameShape(label, { qkv, gradQkv });
  requireSameShape(label, { y, gradY });
  storage(label, { qkv, y, gradY, gradQkv });
  const { samples, tokens, channels } = sizes;
  const { variant: tiles, call } = choose(ctx.caps, attentionGradVariants, { ...sizes }, qkv.dtype);
  const tileKeys = keysOfTile(sizes);
  const dots = rowDots(ctx, { label, y, gradY, columns: channels });
  const probability = ctx.scratch(`${label} probability`, [samples, tileKeys, tokens]);
  const scoreGrad = ctx.scratch(`${label} scoreGrad`, [samples, tileKeys, tokens]);
  const { q, k, v } = parts(qkv, sizes);
  const { q: gradQ, k: gradK, v: gradV } = parts(gradQkv, sizes);
  const sumQ = summed(ctx, `${label} gradQueries sum`, gradQkv, y.shape, tokens > tileKeys);
  const apart: StridedMatrix = { tensor: sumQ, offset: 0, sample: tokens * channels, row: channels, column: 1 };
  const resultQ = sumQ === gradQkv ? gradQ : apart;
  const outer: StridedMatrix = { tensor: gradY, offset: 0, sample: tokens * channels, row: channels, column: 1 };
  for (let key = 0; key < tokens; key += tileKeys) {
    const keys = Math.min(tileKeys, tokens - key);
    const p: StridedMatrix = { tensor: probability, offset: 0, sample: tileKeys * tokens, row: tokens, column: 1 };
    const s: StridedMatrix = { ...p, tensor: scoreGrad };
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

/** What there is to know of `attentionGrad`. */
export const attentionGradKernel: Kernel<AttentionShape> = {
  name: "attentionGrad",
  shaders: [attentionPanelShader, attentionMatmulShader, attentionSubgroupMatrixShader, ROW_DOTS_SHADER],
  variants: attentionGradVariants,
  shapes: attentionShapes,
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
