import bondOrderShader from "../../../shaders/neighbours/bondOrder.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { example, input, output } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";
import { exampleEdges, exampleLists } from "./exampleAtoms.ts";
import { requireSlots, requireStored, type NeighbourShape } from "./layout.ts";

/** What `bondOrder` takes. */
export interface BondOrderArgs {
  label: string;
  /** f32 [B, n, M, 4], as `edgeGeometry` makes them. */
  edges: Tensor;
  /** u32 [B, n], slots that are used. */
  neighbourCounts: Tensor;
  /** Written, f32 [B, n, L + 1] of the degrees 0 to L, of which there is one at least and 12 at most: usually 9. */
  y: Tensor;
}

const MAX_DEGREE = 12;

/**
 * Bond-orientational order (Steinhardt, Nelson and Ronchetti 1983, doi 10.1103/PhysRevB.28.784): of each degree l the
 * length of the mean over an atom's edges of the real spherical harmonics Y_lm, whose squares add up to 2l + 1 over m.
 * Rotations do not change it; its share of degree 0 is 1. Zeros where an atom has no edge.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function bondOrder(ctx: KernelContext, args: BondOrderArgs): void {
  requireArgs("bondOrder", ctx, args, "edges neighbourCounts y");
  const { label, edges, neighbourCounts, y } = args;
  const [structures = 0, atoms = 0, slots = 0] = edges.shape;
  requireShape(label, "edges", edges, [structures, atoms, slots, 4]);
  requireSlots(label, "edges", edges, slots);
  requireShape(label, "neighbourCounts", neighbourCounts, [structures, atoms]);
  const degree = (y.shape[2] ?? 0) - 1;
  requireShape(label, "y", y, [structures, atoms, degree + 1]);
  if (degree < 1 || degree > MAX_DEGREE) throw badShape(label, `'y' must have 2 to ${MAX_DEGREE + 1} degrees`, { y });
  requireStored(label, "f32", { edges, y });
  requireStored(label, "u32", { neighbourCounts });
  const rows = structures * atoms;
  const terms = ((degree + 1) * (degree + 2)) / 2;
  ctx.dispatch({
    label,
    shader: bondOrderShader,
    constants: { DEGREE: degree },
    params: { rows, slots },
    bindings: { edges, neighbourCounts, y },
    workgroups: threads1d(rows),
    // Of each degree and order a step of the recurrence and two sums, and a complex product for each order.
    flops: rows * slots * (8 * terms + 6 * degree),
    bytes: byteLength(edges) + byteLength(neighbourCounts) + byteLength(y),
  });
}

/** The work of a call. */
export interface BondOrderShape extends NeighbourShape {
  readonly degree: number;
}

/** What there is to know of `bondOrder`. */
export const bondOrderKernel: Kernel<BondOrderShape> = {
  name: "bondOrder",
  shaders: [bondOrderShader],
  shapes: [
    { structures: 2, atoms: 70, slots: 20, degree: 9 },
    { structures: 1, atoms: 9, slots: 3, degree: 4 },
    { structures: 1, atoms: 1, slots: 1, degree: 1 },
  ],
  example(shape) {
    const { structures, atoms, slots, degree } = shape;
    const { neighbourCounts } = exampleLists(shape);
    return example({
      tensors: {
        edges: input([structures, atoms, slots, 4], exampleEdges(neighbourCounts, slots)),
        neighbourCounts: input([structures, atoms], neighbourCounts),
        y: output([structures, atoms, degree + 1]),
      },
      terms: 1,
      emit: (ctx, tensors) => bondOrder(ctx, { label: "bondOrder", ...tensors }),
    });
  },
};
