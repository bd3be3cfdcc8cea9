import flowLossShader from "../../../shaders/flow/flowLoss.wgsl";
import { requireArgs } from "../../check.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { example, input, output, sum } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { requireSameShape, requireShape } from "../shapes.ts";
import { addSum, SUM_SCALAR_SHADER } from "../sumScalar.ts";
import { WORKGROUP } from "../threads.ts";
import { chainSizes, exampleChains, flowShapes, type FlowChains, type FlowShape } from "./endpoint.ts";

/** What keeps the weight finite at time 1. */
const EPS = 1e-5;

/** What `flowLoss` takes; b chains of S tokens. */
export interface FlowLossArgs extends FlowChains {
  label: string;
  /** f32 [b, S, 3], endpoints as predicted. */
  x: Tensor;
  /** f32 [b, S, 3], where the paths do end. */
  targets: Tensor;
  /** Written, f32 [b, S, 3]; 0 for what is no residue. */
  gradX: Tensor;
  /** Written, f32 [b]. */
  losses: Tensor;
  /** f32 [1], added to: the chains' losses times the scale. */
  loss: Tensor;
  /** Of the sum and its gradient: 1 / b for the mean over chains. */
  scale: number;
  /** f32 [6] of `gradNorm`: gradX is multiplied by its scale as well. */
  scaling?: Tensor | undefined;
}

/**
 * The loss of each chain, the mean over its residues' coordinates of (x - targets)^2 divided by (1 - t)^2 + 1e-5: the
 * squared error of the velocity, but for the 1e-5. With their sum times a scale, and its gradient. A chain has a
 * residue at least.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function flowLoss(ctx: KernelContext, args: FlowLossArgs): void {
  requireArgs("flowLoss", ctx, args, "x targets residues times gradX losses loss", "scale");
  const { label, x, targets, residues, times, gradX, losses, loss, scale, scaling } = args;
  requireSameShape(label, { x, targets, gradX });
  const { chains, side } = chainSizes(label, x, args);
  requireShape(label, "losses", losses, [chains]);
  requireShape(label, "loss", loss, [1]);
  if (scaling) requireShape(label, "scaling", scaling, [6]);
  const bindings = { x, targets, residues, times, gradX, losses };
  ctx.dispatch({
    label,
    shader: flowLossShader,
    constants: { WORKGROUP, ...(scaling && { SCALED: true }) },
    params: { chains, side, eps: EPS, scale },
    bindings: { ...bindings, ...(scaling && { scaling }) },
    workgroups: workgroups1d(chains),
    flops: 5 * elementCount(x.shape),
    bytes: Object.values(bindings).reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
  addSum(ctx, label, losses, loss, scale);
}

/** What there is to know of `flowLoss`. */
export const flowLossKernel: Kernel<FlowShape> = {
  name: "flowLoss",
  shaders: [flowLossShader, SUM_SCALAR_SHADER],
  shapes: flowShapes,
  example(shape) {
    const places = [shape.chains, shape.side, 3];
    return example({
      tensors: {
        ...{ x: input(places), targets: input(places), ...exampleChains(shape) },
        ...{ gradX: output(places), losses: output([shape.chains]), loss: sum([1]) },
      },
      terms: 3 * shape.side,
      emit: (ctx, tensors) => flowLoss(ctx, { label: "flowLoss", ...tensors, scale: 0.5 }),
    });
  },
};
