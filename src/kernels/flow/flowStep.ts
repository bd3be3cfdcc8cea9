import flowStepShader from "../../../shaders/flow/flowStep.wgsl";
import { requireArgs } from "../../check.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { example, input, output, stepExample } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { exampleResidues } from "../pairs/pairBins.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { WORKGROUP } from "../threads.ts";
import { flowShapes, type FlowShape } from "./endpoint.ts";

/** What `flowStart` takes; b chains of S tokens. */
export interface FlowStartArgs {
  label: string;
  /** f32 [b, S]: 1 for a residue, else 0. */
  residues: Tensor;
  /** u32 [b], whose noise each chain gets, whatever batch it is in. */
  numbers: Tensor;
  /** Separates the uses of one seed; two uses of one stream get the same numbers. */
  stream: number;
  /** Uniform `Step`. */
  step: Tensor;
  /** Written, f32 [b, S, 3]. */
  y: Tensor;
}

/** What `flowStep` takes. */
export interface FlowStepArgs extends FlowStartArgs {
  /** f32 [b, S, 3] */
  x: Tensor;
  /** f32 [b, S, 3], where the paths through x are taken to end. */
  endpoints: Tensor;
  /** f32 [3], of x, of the endpoints and of the noise. */
  coefficients: Tensor;
}

/**
 * y = n less its mean over the chain's residues, n ~ N(0, 1): where a flow's paths start; 0 for what is no residue.
 *
 * The numbers of token i come from Philox4x32-10 with counter (i, stream, step.step, step.sample + numbers[chain]) and
 * key (seedLo, seedHi).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function flowStart(ctx: KernelContext, args: FlowStartArgs): void {
  requireArgs("flowStart", ctx, args, "residues numbers step y", "stream");
  dispatch(ctx, args, {}, { START: true });
}

/**
 * y = p x + q endpoints + r n less its mean over the chain's residues, with noise as in `flowStart` and p, q, r the
 * coefficients: a step along a flow's paths, with noise or without; 0 for what is no residue.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function flowStep(ctx: KernelContext, args: FlowStepArgs): void {
  requireArgs("flowStep", ctx, args, "residues numbers step x endpoints coefficients y", "stream");
  const { label, x, endpoints, coefficients, y } = args;
  requireSameShape(label, { x, endpoints, y });
  requireShape(label, "coefficients", coefficients, [3]);
  dispatch(ctx, args, { x, endpoints, coefficients }, {});
}

function dispatch(
  ctx: KernelContext,
  { label, residues, numbers, step, stream, y }: FlowStartArgs,
  more: Readonly<Record<string, Tensor>>,
  constants: Readonly<Record<string, boolean>>,
): void {
  if (y.shape.length !== 3 || y.shape[2] !== 3) throw badShape(label, "y must be [b, S, 3]", { y });
  const [chains, side] = y.shape as [number, number, number];
  requireShape(label, "residues", residues, [chains, side]);
  requireWords(label, "numbers", numbers, chains);
  const bindings = { residues, numbers, y, ...more };
  ctx.dispatch({
    label,
    shader: flowStepShader,
    constants: { ...constants, WORKGROUP },
    params: { chains, side, stream },
    bindings: { ...bindings, step },
    workgroups: workgroups1d(chains),
    // About forty operations for a pair of normals, the mean, and the sum.
    flops: (22 + ("x" in more ? 5 : 0)) * elementCount(y.shape),
    bytes: Object.values(bindings).reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
}

/** A normal number comes from a logarithm, a root and a sine or cosine, each of a few units in the last place. */
const NOISE_TERMS = 2 ** 10;

/** Chains of an example, whose numbers are not those of their places. */
const exampleChains = ({ chains, side }: FlowShape) => ({
  step: stepExample(),
  residues: input([chains, side], exampleResidues(chains, side)),
  numbers: input(
    [chains],
    Uint32Array.from({ length: chains }, (_, b) => 5 * (chains - b)),
  ),
});

/** What there is to know of `flowStart`. */
export const flowStartKernel: Kernel<FlowShape> = {
  name: "flowStart",
  shaders: [flowStepShader],
  shapes: flowShapes,
  example(shape) {
    return example({
      tensors: { ...exampleChains(shape), y: output([shape.chains, shape.side, 3]) },
      terms: NOISE_TERMS,
      emit: (ctx, tensors) => flowStart(ctx, { label: "flowStart", ...tensors, stream: 1 }),
    });
  },
};

/** What there is to know of `flowStep`. */
export const flowStepKernel: Kernel<FlowShape> = {
  name: "flowStep",
  shaders: [flowStepShader],
  shapes: flowShapes,
  example(shape) {
    const places = [shape.chains, shape.side, 3];
    return example({
      tensors: {
        ...exampleChains(shape),
        ...{ x: input(places), endpoints: input(places), coefficients: input([3]), y: output(places) },
      },
      terms: NOISE_TERMS,
      emit: (ctx, tensors) => flowStep(ctx, { label: "flowStep", ...tensors, stream: 2 }),
    });
  },
};
