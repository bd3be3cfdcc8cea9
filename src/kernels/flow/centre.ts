import centreShader from "../../../shaders/flow/centre.wgsl";
import { requireArgs } from "../../check.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { example, input, output } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { exampleResidues } from "../pairs/pairBins.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { WORKGROUP } from "../threads.ts";
import { flowShapes, type FlowShape } from "./endpoint.ts";

/** What `centre` takes; b chains of S tokens. */
export interface CentreArgs {
  label: string;
  /** f32 [b, S, 3] */
  x: Tensor;
  /** f32 [b, S]: 1 for a residue, else 0. */
  residues: Tensor;
  /** Written, f32 [b, S, 3]. */
  y: Tensor;
}

/**
 * y = x less the mean of the chain's residues; 0 for what is no residue. The map is its own adjoint: applied to a
 * gradient it gives that of x.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function centre(ctx: KernelContext, args: CentreArgs): void {
  requireArgs("centre", ctx, args, "x residues y");
  const { label, x, residues, y } = args;
  requireSameShape(label, { x, y });
  if (x.shape.length !== 3 || x.shape[2] !== 3) throw badShape(label, "x must be [b, S, 3]", { x });
  const [chains, side] = x.shape as [number, number, number];
  requireShape(label, "residues", residues, [chains, side]);
  ctx.dispatch({
    label,
    shader: centreShader,
    constants: { WORKGROUP },
    params: { chains, side },
    bindings: { x, residues, y },
    workgroups: workgroups1d(chains),
    flops: 2 * elementCount(x.shape),
    bytes: 2 * byteLength(x) + byteLength(residues),
  });
}

/** What there is to know of `centre`. */
export const centreKernel: Kernel<FlowShape> = {
  name: "centre",
  shaders: [centreShader],
  shapes: flowShapes,
  example({ chains, side }) {
    const places = [chains, side, 3];
    return example({
      tensors: {
        x: input(places),
        residues: input([chains, side], exampleResidues(chains, side)),
        y: output(places),
      },
      terms: side,
      emit: (ctx, tensors) => centre(ctx, { label: "centre", ...tensors }),
    });
  },
};
