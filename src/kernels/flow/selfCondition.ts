import selfConditionShader from "../../../shaders/flow/selfCondition.wgsl";
import { requireArgs, requireFinite, requireObject } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { example, input, output, stepExample } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { streamUniform, type StreamSample } from "../philox.ts";
import { requireSameShape, requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";

/** What `selfCondition` takes. */
export interface SelfConditionArgs {
  label: string;
  /** f32 [b, S, 3], endpoints of a pass before; not read where the step has none. */
  endpoints: Tensor;
  /** Written, f32 [b, S, 3]: the endpoints, or 0. */
  previous: Tensor;
  /** Written, f32 [1]: 1 where they are the endpoints, else 0. */
  present: Tensor;
  /** Of a step to have a self-condition. */
  probability: number;
  /** Separates the uses of one seed. */
  stream: number;
  /** Uniform `Step`. */
  step: Tensor;
}

/**
 * The self-condition of a step: the endpoints where its coin says so, else exactly 0. The coin depends on seed, stream
 * and step.step only, so all parts of a batch have the same, and `selfConditions` has it on the host.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function selfCondition(ctx: KernelContext, args: SelfConditionArgs): void {
  requireArgs("selfCondition", ctx, args, "endpoints previous present step", "probability stream");
  const { label, endpoints, previous, present, probability, stream, step } = args;
  requireSameShape(label, { endpoints, previous });
  requireShape(label, "present", present, [1]);
  const count = elementCount(endpoints.shape);
  ctx.dispatch({
    label,
    shader: selfConditionShader,
    params: { count, stream, probability },
    bindings: { step, endpoints, previous, present },
    workgroups: threads1d(count),
    flops: 0,
    bytes: 2 * byteLength(endpoints) + 4,
  });
}

/**
 * Whether a step has a self-condition: the coin of `selfCondition`, for a host that leaves out the pass before.
 *
 * @throws VoxtwirlError "bad-option"
 */
export function selfConditions(of: Omit<StreamSample, "sample"> & { readonly probability: number }): boolean {
  requireObject("the step", of, "Give { seed, stream, step, probability }.");
  const { seed, stream, step, probability } = of;
  requireFinite("probability", probability);
  // What the shader's uniform holds of it.
  return streamUniform({ seed, stream, step, sample: 0 }) < Math.fround(probability);
}

/** What the work of a call depends on. */
export interface SelfConditionShape extends CallShape {
  readonly count: number;
  /** 1: the step has a self-condition. */
  readonly present: number;
}

/** What there is to know of `selfCondition`. */
export const selfConditionKernel: Kernel<SelfConditionShape> = {
  name: "selfCondition",
  shaders: [selfConditionShader],
  shapes: [
    { count: 210, present: 1 },
    { count: 210, present: 0 },
    { count: 1, present: 1 },
  ],
  example({ count, present }) {
    return example({
      tensors: {
        step: stepExample(),
        endpoints: input([count]),
        previous: output([count]),
        present: output([1]),
      },
      terms: 0,
      emit: (ctx, tensors) =>
        selfCondition(ctx, { label: "selfCondition", ...tensors, probability: present, stream: 9 }),
    });
  },
};
