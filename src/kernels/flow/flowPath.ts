import flowPathShader from "../../../shaders/flow/flowPath.wgsl";
import { requireArgs, requireWhole } from "../../check.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { example, input, output, stepExample } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { requireSameShape } from "../shapes.ts";
import { WORKGROUP } from "../threads.ts";
import { chainSizes, exampleChains, flowShapes, type FlowChains, type FlowShape } from "./endpoint.ts";

/** What `flowPath` takes; b chains of S tokens. */
export interface FlowPathArgs extends FlowChains {
  label: string;
  /** f32 [b, S, 3], where paths end: those of `placeChains`. */
  targets: Tensor;
  /** Written, f32 [b, S, 3]; 0 for what is no residue. */
  x: Tensor;
  /** Tokens before the residues. */
  registers: number;
  /** Separates the uses of one seed. */
  stream: number;
  /** Uniform `Step`. */
  step: Tensor;
}

/**
 * x = (1 - t) noise + t targets, with noise that is standard normal in each coordinate, less its mean over the chain's
 * residues. That of residue i of sample n depends on seed, stream, step.step, step.sample + n and i only, but for the
 * mean.
 *
 * @throws VoxtwirlError "bad-shape", "bad-option" where registers leave no place
 */
export function flowPath(ctx: KernelContext, args: FlowPathArgs): void {
  requireArgs("flowPath", ctx, args, "targets residues times x step", "registers stream");
  const { label, targets, residues, times, x, registers, stream, step } = args;
  requireSameShape(label, { targets, x });
  const { chains, side } = chainSizes(label, x, args);
  requireWhole(`${label}: registers`, registers, 0, side - 1);
  ctx.dispatch({
    label,
    shader: flowPathShader,
    constants: { WORKGROUP },
    params: { chains, side, registers, stream },
    bindings: { step, targets, residues, times, x },
    workgroups: workgroups1d(chains),
    flops: 25 * elementCount(x.shape),
    bytes: 2 * byteLength(x) + byteLength(residues) + byteLength(times),
  });
}

/** What there is to know of `flowPath`. */
export const flowPathKernel: Kernel<FlowShape> = {
  name: "flowPath",
  shaders: [flowPathShader],
  shapes: flowShapes,
  example(shape) {
    const places = [shape.chains, shape.side, 3];
    return example({
      tensors: { step: stepExample(), targets: input(places), ...exampleChains(shape), x: output(places) },
      // Normal numbers come from a logarithm, a root and a sine or cosine, each of a few units in the last place.
      terms: 2 ** 10,
      emit: (ctx, tensors) => flowPath(ctx, { label: "flowPath", ...tensors, registers: 0, stream: 8 }),
    });
  },
};
