import neighbourAttentionShader from "../../../shaders/edges/neighbourAttention.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { dropoutThreshold } from "../dropout.ts";
import { activation, example, input, output, stepExample } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { edgesExample } from "./edgeLists.ts";
import {
  neighbourAttentionShapes,
  neighbourAttentionVariants,
  type NeighbourAttentionShape,
} from "./neighbourAttentionVariants.ts";

/** How probabilities are dropped: a share of them becomes 0, the others are divided by 1 - rate. */
export interface AttentionDropout {
  /** 0 <= rate < 1. */
  rate: number;
  /** u32, unique to this layer and to any other consumer of random words. */
  stream: number;
  /** The uniform of shaders/shared/step.wgsl: its seed, step and first sample choose the mask. */
  step: Tensor;
  /** Structures that the atoms belong to, equally many each: the samples. */
  samples: number;
}

/** What `neighbourAttention` takes; N atoms, M slots, `heads` heads of `width / heads` columns each. */
export interface NeighbourAttentionArgs {
  label: string;
  /** [N, M, 3 width], queries, keys and values of all heads. */
  qkv: Tensor;
  /** f32 [N, M, 4], unit vector and distance of each edge; a list fills its slots from the first, free ones are 0. */
  edges: Tensor;
  /** f32 [1], s in the logits' s d_j . d_k. */
  bias: Tensor;
  heads: number;
  /** Of the probabilities; the gradient takes the same. */
  dropout?: AttentionDropout | undefined;
  /** Written, [N, M, width]; 0 in free slots. */
  y: Tensor;
  /** Written, f32 [N, M, heads], what the gradient needs. */
  logSumExp: Tensor;
}

/**
 * Multi-head attention among the slots of each atom's neighbour list: logits q_j . k_k / sqrt(head size) + s d_j . d_k,
 * softmax over the slots in use (EScAIP: arXiv 2410.24169).
 *
 * @throws VoxtwirlError "bad-shape", "bad-option"
 */
export function neighbourAttention(ctx: KernelContext, args: NeighbourAttentionArgs): void {
  requireArgs("neighbourAttention", ctx, args, "qkv edges bias y logSumExp", "heads");
  const { label, qkv, edges, bias, y, logSumExp } = args;
  const { shape, params, constants, bindings } = neighbourAttentionLayout(label, args);
  const { variant, call } = choose(ctx.caps, neighbourAttentionVariants, shape, qkv.dtype);
  const { BLOCK } = variant.constants as { BLOCK: number };
  const blocks = Math.ceil(shape.slots / BLOCK);
  ctx.dispatch({
    label,
    call,
    shader: neighbourAttentionShader,
    constants: { ...constants, BLOCK, ...storage(label, { qkv, y }) },
    params: { ...params, blocks },
    bindings: { ...bindings, qkv, edges, bias, y, logSumExp },
    workgroups: threads1d(shape.atoms * blocks * shape.heads),
    flops: 4 * shape.atoms * shape.slots ** 2 * shape.heads * shape.head,
    bytes: byteLength(qkv) + byteLength(edges) + byteLength(y) + byteLength(logSumExp),
  });
}

/** Sizes of a call, checked, and what dropout needs; `blocks` of the params is the caller's. */
export function neighbourAttentionLayout(
  label: string,
  args: Pick<NeighbourAttentionArgs, "qkv" | "edges" | "bias" | "heads" | "dropout" | "y" | "logSumExp">,
) {
  const { qkv, edges, bias, heads, dropout, y, logSumExp } = args;
  if (y.shape.length !== 3 || y.shape[2]! % (4 * heads) !== 0) {
    throw badShape(label, `y must be [N, M, width], ${heads} heads of a multiple of 4 columns each`, { y });
  }
  const [atoms, slots, width] = y.shape as [number, number, number];
  requireShape(label, "qkv", qkv, [atoms, slots, 3 * width]);
  requireShape(label, "edges", edges, [atoms, slots, 4]);
  requireShape(label, "bias", bias, [1]);
  requireShape(label, "logSumExp", logSumExp, [atoms, slots, heads]);
  const head = width / heads;
  const shape: NeighbourAttentionShape = { atoms, slots, heads, head, dropout: dropout ? 1 : 0 };
  const bindings: Record<string, Tensor> = dropout ? { step: dropout.step } : {};
  return {
    shape,
    bindings,
    params: { atoms, slots, heads, scale: head ** -0.5, ...(dropout && dropoutParams(label, shape, dropout)) },
    constants: { VECTORS: head / 4, VEC4: true, ...(dropout && { DROPOUT: true }) },
  };
}

function dropoutParams(label: string, { atoms, slots }: NeighbourAttentionShape, dropout: AttentionDropout) {
  const { rate, stream, samples } = dropout;
  if (!(Number.isInteger(samples) && samples >= 1 && atoms % samples === 0)) {
    throw badShape(label, `dropout: ${atoms} atoms are not ${samples} structures of equally many`, {});
  }
  const threshold = dropoutThreshold(label, rate);
  return { structureAtoms: atoms / samples, quads: Math.ceil(slots / 4), stream, threshold, kept: 1 / (1 - rate) };
}

/** Of the examples with dropout: ten atoms of two structures. */
export const exampleDropout = (step: Tensor): AttentionDropout => ({ rate: 0.3, stream: 4, step, samples: 2 });

/** What there is to know of `neighbourAttention`. */
export const neighbourAttentionKernel: Kernel<NeighbourAttentionShape> = {
  name: "neighbourAttention",
  shaders: [neighbourAttentionShader],
  variants: neighbourAttentionVariants,
  shapes: neighbourAttentionShapes,
  example(shape) {
    const { atoms, slots, heads, head, dropout } = shape;
    return example({
      tensors: {
        qkv: activation(input([atoms, slots, 3 * heads * head])),
        edges: edgesExample(shape),
        bias: input([1], "around 1"),
        ...(dropout > 0 && { step: stepExample() }),
        y: activation(output([atoms, slots, heads * head])),
        logSumExp: output([atoms, slots, heads]),
      },
      terms: 4 * slots + head,
      emit: (ctx, { step, ...tensors }) => {
        const dropping = step && { dropout: exampleDropout(step) };
        neighbourAttention(ctx, { label: "neighbourAttention", ...tensors, heads, ...dropping });
      },
    });
  },
};
