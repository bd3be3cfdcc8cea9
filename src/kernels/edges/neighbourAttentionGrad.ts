import gradKeyShader from "../../../shaders/edges/neighbourAttentionGradKey.wgsl";
import gradQueryShader from "../../../shaders/edges/neighbourAttentionGradQuery.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { ROW_DOTS_SHADER, rowDots } from "../attention/rowDots.ts";
import { activation, example, input, output, stepExample, sum } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { requireSameShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { addSum, SUM_SCALAR_SHADER } from "../sumScalar.ts";
import { threads1d, WORKGROUP } from "../threads.ts";
import { exampleDropout, neighbourAttentionLayout, type NeighbourAttentionArgs } from "./neighbourAttention.ts";
import { edgesExample } from "./edgeLists.ts";
import {
  neighbourAttentionGradVariants,
  neighbourAttentionShapes,
  type NeighbourAttentionShape,
} from "./neighbourAttentionVariants.ts";

/** What `neighbourAttentionGrad` takes: inputs and outputs of the forward pass, and */
export interface NeighbourAttentionGradArgs extends NeighbourAttentionArgs {
  gradY: Tensor;
  /** Written, shape of qkv; 0 in free slots. */
  gradQkv: Tensor;
  /** Added to, f32 [1]. */
  gradBias?: Tensor | undefined;
}

/**
 * The gradients of `neighbourAttention`: softmax recomputed from its logarithms (Dao et al. 2022, arXiv 2205.14135). To
 * the edges' vectors there is none.
 *
 * @throws VoxtwirlError "bad-shape", "bad-option"
 */
export function neighbourAttentionGrad(ctx: KernelContext, args: NeighbourAttentionGradArgs): void {
  requireArgs("neighbourAttentionGrad", ctx, args, "qkv edges bias y logSumExp gradY gradQkv", "heads");
  const { label, qkv, edges, bias, y, logSumExp, gradY, gradQkv, gradBias } = args;
  const { shape, params, constants, bindings } = neighbourAttentionLayout(label, args);
  requireSameShape(label, { y, gradY });
  requireSameShape(label, { qkv, gradQkv });
  if (gradBias) requireShape(label, "gradBias", gradBias, [1]);
  const { variant, call } = choose(ctx.caps, neighbourAttentionGradVariants, shape, qkv.dtype);
  const { BLOCK } = variant.constants as { BLOCK: number };
  const blocks = Math.ceil(shape.slots / BLOCK);
  const { atoms, slots, heads, head } = shape;
  const threads = atoms * blocks * heads;
  const dots = rowDots(ctx, { label, y, gradY, heads: 1, columns: head });
  const partials = ctx.scratch(`${label} partials`, [threads]);
  const common = {
    constants: { ...constants, BLOCK, ...storage(label, { qkv, gradY, gradQkv }) },
    params: { ...params, blocks },
    workgroups: threads1d(threads, WORKGROUP),
  };
  const states = byteLength(logSumExp) + byteLength(dots);
  const read = { ...bindings, qkv, edges, bias, gradY, logSumExp, rowDots: dots };
  ctx.dispatch({
    label: `${label} queries`,
    call,
    shader: gradQueryShader,
    ...common,
    bindings: { ...read, gradQkv, partials },
    flops: 6 * atoms * slots ** 2 * heads * head,
    bytes: byteLength(qkv) + byteLength(edges) + 2 * byteLength(gradY) + states + byteLength(partials),
  });
  ctx.dispatch({
    label: `${label} keys`,
    shader: gradKeyShader,
    ...common,
    bindings: { ...read, gradQkv },
    flops: 8 * atoms * slots ** 2 * heads * head,
    bytes: byteLength(qkv) + byteLength(edges) + 3 * byteLength(gradY) + states,
  });
  if (gradBias) addSum(ctx, `${label} bias`, partials, gradBias, 1);
}

/** What there is to know of `neighbourAttentionGrad`. */
export const neighbourAttentionGradKernel: Kernel<NeighbourAttentionShape> = {
  name: "neighbourAttentionGrad",
  shaders: [gradQueryShader, gradKeyShader, ROW_DOTS_SHADER, SUM_SCALAR_SHADER],
  variants: neighbourAttentionGradVariants,
  shapes: neighbourAttentionShapes,
  example(shape) {
    const { atoms, slots, heads, head, dropout } = shape;
    const width = heads * head;
    return example({
      tensors: {
        qkv: activation(input([atoms, slots, 3 * width])),
        edges: edgesExample(shape),
        bias: input([1], "around 1"),
        ...(dropout > 0 && { step: stepExample() }),
        y: activation(input([atoms, slots, width])),
        logSumExp: input([atoms, slots, heads], "positive"),
        gradY: activation(input([atoms, slots, width])),
        gradQkv: activation(output([atoms, slots, 3 * width])),
        gradBias: sum([1]),
      },
      terms: atoms * slots * slots + head,
      emit: (ctx, { step, ...tensors }) => {
        const dropping = step && { dropout: exampleDropout(step) };
        neighbourAttentionGrad(ctx, { label: "neighbourAttentionGrad", ...tensors, heads, ...dropping });
      },
    });
  },
};
