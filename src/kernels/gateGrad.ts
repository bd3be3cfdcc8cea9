import gateGradShader from "../../shaders/gateGrad.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { ACTIVATIONS, activationConstant, activationOf, type Activation } from "./activationKinds.ts";
import { elementwiseLayout, elementwiseShapes, type ElementwiseShape } from "./elementwise.ts";
import { activation, example, input, output } from "./example.ts";
import type { Kernel } from "./kernel.ts";
import { requireSameShape } from "./shapes.ts";
import { storage } from "./storage.ts";

/** Elements of a thread. */
const EACH = 8;

/** What `gateGrad` takes. */
export interface GateGradArgs {
  label: string;
  /** What the activation was taken of. */
  x: Tensor;
  gate: Tensor;
  gradY: Tensor;
  /** Written, as is the next. */
  gradX: Tensor;
  gradGate: Tensor;
  /** None: y = x * gate. */
  activation?: Activation | undefined;
}

/**
 * Gradients of y = f(x) * gate: gradX = gradY * gate * f'(x), gradGate = gradY * f(x).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function gateGrad(ctx: KernelContext, args: GateGradArgs): void {
  requireArgs("gateGrad", ctx, args, "x gate gradY gradX gradGate");
  const { label, x, gate, gradY, gradX, gradGate } = args;
  const bindings = { x, gate, gradY, gradX, gradGate };
  requireSameShape(label, bindings);
  const { constants, count, workgroups } = elementwiseLayout(x, EACH);
  const kind = args.activation && ACTIVATIONS[args.activation];
  ctx.dispatch({
    label,
    shader: gateGradShader,
    constants: { ...constants, ...storage(label, bindings), ...activationConstant(args.activation) },
    params: { count },
    bindings,
    workgroups,
    flops: (2 + (kind ? kind.flops + kind.gradFlops : 0)) * elementCount(x.shape),
    bytes: 5 * byteLength(x),
  });
}

/** What the work of a call depends on; the activation by its number, 0 for none. */
export interface GateShape extends ElementwiseShape {
  readonly activation: number;
}

/** What there is to know of `gateGrad`. */
export const gateGradKernel: Kernel<GateShape> = {
  name: "gateGrad",
  shaders: [gateGradShader],
  shapes: elementwiseShapes.flatMap((shape, i) => [0, 1 + i].map((activation) => ({ ...shape, activation }))),
  example({ samples, perSample, activation: number }) {
    const numbers = activation(input([samples, perSample]));
    const results = activation(output([samples, perSample]));
    return example({
      tensors: { x: numbers, gate: numbers, gradY: numbers, gradX: results, gradGate: results },
      // Of units in the last place: three for an exponential, two and a half for a division.
      terms: 8,
      emit: (ctx, tensors) => {
        gateGrad(ctx, { label: "gateGrad", ...tensors, activation: activationOf(number) });
      },
    });
  },
};
