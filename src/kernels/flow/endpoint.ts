import endpointShader from "../../../shaders/flow/endpoint.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { example, input, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { exampleResidues } from "../pairs/pairBins.ts";
import { badShape, copiesOf, requireSameShape, requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";

/** The chains that an endpoint is of: b of them, of S tokens each. */
export interface FlowChains {
  /** f32 [b, S]: 1 for a residue, else 0. */
  residues: Tensor;
  /** f32 [b], in [0, 1]. */
  times: Tensor;
}

/** What `endpoint` takes; coordinates may be those of copies of each chain, one after the other. */
export interface EndpointArgs extends FlowChains {
  label: string;
  /** f32 [b copies, S, 3], as are the next. */
  x: Tensor;
  velocity: Tensor;
  /** Written. */
  y: Tensor;
}

/** What `endpointGrad` takes. */
export interface EndpointGradArgs extends FlowChains {
  label: string;
  gradY: Tensor;
  /** Written. */
  gradVelocity: Tensor;
}

/**
 * y = x + (1 - t) velocity, where straight paths from noise to data end; 0 for what is no residue.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function endpoint(ctx: KernelContext, args: EndpointArgs): void {
  requireArgs("endpoint", ctx, args, "x velocity residues times y");
  const { label, x, velocity, residues, times, y } = args;
  requireSameShape(label, { x, velocity, y });
  dispatch(ctx, label, y, { x, velocity, residues, times, y }, {});
}

/**
 * The gradient of `endpoint` with respect to the velocity.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function endpointGrad(ctx: KernelContext, args: EndpointGradArgs): void {
  requireArgs("endpointGrad", ctx, args, "residues times gradY gradVelocity");
  const { label, residues, times, gradY, gradVelocity } = args;
  requireSameShape(label, { gradY, gradVelocity });
  dispatch(ctx, label, gradY, { residues, times, gradY, gradVelocity }, { GRAD: true });
}

function dispatch(
  ctx: KernelContext,
  label: string,
  of: Tensor,
  bindings: FlowChains & Readonly<Record<string, Tensor>>,
  constants: Readonly<Record<string, boolean>>,
): void {
  const copies = copiesOf(label, of, { times: bindings.times });
  const { chains, side } = chainSizes(label, of, bindings, copies);
  const [x, y] = threads1d(3 * chains * side);
  const flops = 3 * elementCount(of.shape);
  ctx.dispatch({
    label,
    shader: endpointShader,
    constants,
    params: { chains, copies, perChain: 3 * side },
    bindings,
    workgroups: [x, y, copies],
    flops,
    bytes: Object.values(bindings).reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
}

/** @throws VoxtwirlError "bad-shape" unless x is [b copies, S, 3], and residues and times are of its chains */
export function chainSizes(label: string, x: Tensor, { residues, times }: FlowChains, copies = 1) {
  if (x.shape.length !== 3 || x.shape[2] !== 3) throw badShape(label, "coordinates must be [b, S, 3]", { x });
  const [samples, side] = x.shape as [number, number, number];
  const chains = samples / copies;
  requireShape(label, "residues", residues, [chains, side]);
  requireShape(label, "times", times, [chains]);
  return { chains, side };
}

/** What the work of a call depends on. */
export interface FlowShape extends CallShape {
  readonly chains: number;
  readonly side: number;
}

export const flowShapes: readonly FlowShape[] = [
  { chains: 3, side: 70 },
  { chains: 1, side: 1 },
];

/** Chains of an example, with times from 0 on. */
export const exampleChains = ({ chains, side }: FlowShape) => ({
  residues: input([chains, side], exampleResidues(chains, side)),
  times: input(
    [chains],
    Float32Array.from({ length: chains }, (_, b) => 0.375 * b),
  ),
});

/** Coordinates of several copies of a chain. */
export interface EndpointShape extends FlowShape {
  readonly copies: number;
}

const endpointShapes: readonly EndpointShape[] = [
  ...flowShapes.map((shape) => ({ ...shape, copies: 1 })),
  { chains: 3, side: 7, copies: 2 },
];

/** What there is to know of `endpoint`. */
export const endpointKernel: Kernel<EndpointShape> = {
  name: "endpoint",
  shaders: [endpointShader],
  shapes: endpointShapes,
  example(shape) {
    const places = [shape.chains * shape.copies, shape.side, 3];
    return example({
      tensors: { x: input(places), velocity: input(places), ...exampleChains(shape), y: output(places) },
      terms: 2,
      emit: (ctx, tensors) => endpoint(ctx, { label: "endpoint", ...tensors }),
    });
  },
};

/** What there is to know of `endpointGrad`. */
export const endpointGradKernel: Kernel<EndpointShape> = {
  name: "endpointGrad",
  shaders: [endpointShader],
  shapes: endpointShapes,
  example(shape) {
    const places = [shape.chains * shape.copies, shape.side, 3];
    return example({
      tensors: { gradY: input(places), ...exampleChains(shape), gradVelocity: output(places) },
      terms: 2,
      emit: (ctx, tensors) => endpointGrad(ctx, { label: "endpointGrad", ...tensors }),
    });
  },
};
