import flowTimesShader from "../../../shaders/flow/flowTimes.wgsl";
import { requireArgs, requirePositive } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { elementCount, type Tensor } from "../../gpu/tensor.ts";
import { example, output, stepExample } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";

/** What `flowTimes` takes. */
export interface FlowTimesArgs {
  label: string;
  /** Written, f32 [b], in [0, 1]. */
  times: Tensor;
  /** The probability with which a time is uniform in (0, 1). */
  uniformShare: number;
  /** Other times are from Beta(alpha, 1). */
  alpha: number;
  /** Separates the uses of one seed. */
  stream: number;
  /** Uniform `Step`. */
  step: Tensor;
}

/**
 * Random times of flow matching, with the distribution function s t + (1 - s) t^alpha, s the uniform share (Proteina,
 * arXiv 2503.00710, has 0.02 and 1.9). That of sample n depends on seed, stream, step.step and step.sample + n only.
 *
 * @throws VoxtwirlError "bad-shape", "bad-option" for an alpha that is not positive
 */
export function flowTimes(ctx: KernelContext, args: FlowTimesArgs): void {
  requireArgs("flowTimes", ctx, args, "times step", "uniformShare alpha stream");
  const { label, times, uniformShare, alpha, stream, step } = args;
  requirePositive(`${label}: alpha`, alpha);
  const chains = elementCount(times.shape);
  requireShape(label, "times", times, [chains]);
  ctx.dispatch({
    label,
    shader: flowTimesShader,
    params: { chains, stream, uniformShare, exponent: 1 / alpha },
    bindings: { step, times },
    workgroups: threads1d(chains),
    flops: 20 * chains,
    bytes: 4 * chains,
  });
}

/** What the work of a call depends on. */
export interface FlowTimesShape extends CallShape {
  readonly chains: number;
}

/** What there is to know of `flowTimes`. */
export const flowTimesKernel: Kernel<FlowTimesShape> = {
  name: "flowTimes",
  shaders: [flowTimesShader],
  shapes: [{ chains: 130 }, { chains: 1 }],
  example({ chains }) {
    return example({
      tensors: { step: stepExample(), times: output([chains]) },
      // A logarithm and an exponential, each of a few units in the last place.
      terms: 16,
      emit: (ctx, tensors) =>
        flowTimes(ctx, { label: "flowTimes", ...tensors, uniformShare: 0.25, alpha: 1.9, stream: 7 }),
    });
  },
};
