import pairBiasGradShader from "../../../shaders/pairs/pairBiasGrad.wgsl";
import sumPartialsShader from "../../../shaders/sumPartials.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output, sum } from "../example.ts";
import { choose, onLavapipe, type Kernel, type VariantChoice } from "../kernel.ts";
import { hasLanes, LANES } from "../lanes.ts";
import { requireSameShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { partialSums } from "../sumRows.ts";
import { threads1d, WORKGROUP } from "../threads.ts";
import { describePairBias, headChunks, pairBiasLayout, pairBiasShapes, type PairBiasShape } from "./pairBias.ts";

/** What `pairBiasGrad` takes. */
export interface PairBiasGradArgs {
  label: string;
  /** The input of the forward pass, [b, pairs, P]. */
  x: Tensor;
  /** f32 [P, heads] */
  matrix: Tensor;
  /** [b, heads, pairs] */
  gradY: Tensor;
  /** Written, [b, pairs, P]. */
  gradX?: Tensor | undefined;
  /** Added to gradX: another gradient of the same tensor. */
  addend?: Tensor | undefined;
  /** Added to, f32 [P, heads]. */
  gradMatrix?: Tensor | undefined;
}

/** Pairs of a block at least where they are summed, of which blocks there are no more than some; and where not. */
const MIN_PAIRS = 64;
const MAX_BLOCKS = 512;
const PAIRS_APART = 8;

/**
 * The gradients of `pairBias`: gradX = addend + the sum over heads of gradY matrix, gradMatrix += the sum over samples
 * and pairs of x gradY, in a fixed order.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function pairBiasGrad(ctx: KernelContext, args: PairBiasGradArgs): void {
  requireArgs("pairBiasGrad", ctx, args, "x matrix gradY");
  const { label, x, matrix, gradY, gradX, addend, gradMatrix } = args;
  const { shape } = pairBiasLayout(label, x, matrix);
  requireShape(label, "gradY", gradY, [shape.samples, shape.heads, shape.pairs]);
  if (gradX) requireSameShape(label, { x, gradX, ...(addend && { addend }) });
  if (gradMatrix) requireSameShape(label, { matrix, gradMatrix });
  const { variant } = choose(ctx.caps, variants, shape, x.dtype);
  const together = variant.constants.together === 1 && gradX !== undefined && gradMatrix !== undefined;
  if (gradX && !together) gradients(ctx, { ...args, gradMatrix: undefined }, PAIRS_APART);
  if (!gradMatrix) return;
  const wanted = Math.min(Math.ceil(shape.pairs / MIN_PAIRS), Math.max(1, Math.floor(MAX_BLOCKS / shape.samples)));
  const pairsPerBlock = Math.ceil(shape.pairs / wanted);
  const blocks = Math.ceil(shape.pairs / pairsPerBlock);
  const sums = partialSums(ctx, label, [gradMatrix], shape.samples * blocks);
  gradients(ctx, { ...args, ...(!together && { gradX: undefined }) }, pairsPerBlock, sums.partial);
  sums.add();
}

/** Those that are given, the matrix's block by block. */
function gradients(ctx: KernelContext, args: PairBiasGradArgs, pairsPerBlock: number, partial?: Tensor): void {
  const { label, x, matrix, gradY, gradX } = args;
  const { shape, vec4, params } = pairBiasLayout(label, x, matrix);
  const { call } = choose(ctx.caps, variants, shape, x.dtype);
  const blocks = Math.ceil(shape.pairs / pairsPerBlock);
  // Lanes of a subgroup have one block in common.
  const lanes = hasLanes(ctx.caps) && params.columns % LANES === 0;
  let { addend } = args;
  for (const { firstHead, heads, share } of headChunks(shape.heads)) {
    const isLast = firstHead + heads === shape.heads;
    // A tensor is written once: what the first heads give waits apart.
    const target = gradX && (isLast ? gradX : ctx.scratch(`${label} to head ${firstHead + heads}`, x.shape, x.dtype));
    const rows = { ...(target && { gradX: target, ...(addend && { addend }) }), ...(partial && { x }) };
    ctx.dispatch({
      label: target ? label : `${label} matrix`,
      call,
      shader: pairBiasGradShader,
      constants: {
        ...{ HEADS: heads, WORKGROUP, VEC4: vec4, ...(lanes && { LANES }) },
        ...{ GRAD_X: target !== undefined, GRAD_MATRIX: partial !== undefined },
        ADDEND: target !== undefined && addend !== undefined,
        ...storage(label, { gradY, ...rows }),
      },
      params: { ...params, firstHead, blocks, pairsPerBlock },
      bindings: { gradY, ...rows, ...(target && { matrix }), ...(partial && { partial }) },
      workgroups: threads1d(shape.samples * blocks * params.columns),
      flops: ((target ? 2 : 0) + (partial ? 2 : 0)) * heads * elementCount(x.shape),
      bytes:
        Object.keys(rows).length * byteLength(x) +
        share * (byteLength(gradY) + (target ? byteLength(matrix) : 0) + (partial ? byteLength(partial) : 0)),
    });
    addend = target;
  }
}

const variants: VariantChoice<PairBiasShape> = {
  kernel: "pairBiasGrad",
  of: () => [
    { name: "together", constants: { together: 1 } },
    { name: "apart", constants: { together: 0 } },
  ],
  table: [
    onLavapipe("together", "8x5476x32, 4 heads 2.7 ms of a core, apart 4.0: a load of its gradients serves both"),
    { adapter: "any", variant: "apart", why: "many threads for the pairs' gradient, fewer sums for the matrix's" },
  ],
  describe: describePairBias,
};

/** What there is to know of `pairBiasGrad`. */
export const pairBiasGradKernel: Kernel<PairBiasShape> = {
  name: "pairBiasGrad",
  shaders: [pairBiasGradShader, sumPartialsShader],
  variants,
  shapes: pairBiasShapes,
  example({ samples, pairs, columns, heads }) {
    const rows = activation(input([samples, pairs, columns]));
    return example({
      tensors: {
        ...{ x: rows, matrix: input([columns, heads]), gradY: activation(input([samples, heads, pairs])) },
        ...{ gradX: activation(output(rows.shape)), addend: rows, gradMatrix: sum([columns, heads]) },
      },
      terms: Math.max(heads, samples * pairs),
      emit: (ctx, tensors) => pairBiasGrad(ctx, { label: "pairBiasGrad", ...tensors }),
    });
  },
};
