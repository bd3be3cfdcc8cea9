import edgeGeometryShader from "../../../shaders/neighbours/edgeGeometry.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { example, input, output } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";
import { exampleCells, exampleLists } from "./exampleAtoms.ts";
import { bytesOf, listLayout, periodic, requireStored, type NeighbourShape } from "./layout.ts";

/** What `edgeGeometry` takes. */
export interface EdgeGeometryArgs {
  label: string;
  /** f32 [B, n, 4], x, y, z in Angstrom; not of need those that the neighbours were found with. */
  positions: Tensor;
  /** f32 [B, 9]: as in `neighbourList`. */
  cell?: Tensor | undefined;
  /** u32 [B, n, M], as `neighbourList` makes them. */
  neighbours: Tensor;
  /** u32 [B, n], slots that are used. */
  neighbourCounts: Tensor;
  /** Written, f32 [B, n, M, 4]. */
  edges: Tensor;
}

/**
 * Where the neighbours j of each atom i are: ((x_i - x_j) / d, d) with d = |x_i - x_j|; zeros in free slots, and where
 * both are in one place.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function edgeGeometry(ctx: KernelContext, args: EdgeGeometryArgs): void {
  requireArgs("edgeGeometry", ctx, args, "positions neighbours neighbourCounts edges", "", "cell");
  const { label, positions, cell, neighbours, neighbourCounts, edges } = args;
  const { structures, atoms, slots } = listLayout(label, { neighbours, neighbourCounts });
  requireShape(label, "positions", positions, [structures, atoms, 4]);
  requireShape(label, "edges", edges, [structures, atoms, slots, 4]);
  requireStored(label, "f32", { positions, edges });
  const lattice = periodic(label, cell, structures);
  const rows = structures * atoms;
  const bindings = { positions, neighbours, neighbourCounts, edges, ...lattice.bindings };
  ctx.dispatch({
    label,
    shader: edgeGeometryShader,
    constants: lattice.constants,
    params: { rows, slots, atoms },
    bindings,
    workgroups: threads1d(rows * slots),
    flops: 12 * rows * slots,
    bytes: bytesOf(bindings),
  });
}

/** The work of a call. */
export interface EdgeGeometryShape extends NeighbourShape {
  /** 1: structures have cells. */
  readonly periodic: number;
}

/** What there is to know of `edgeGeometry`. */
export const edgeGeometryKernel: Kernel<EdgeGeometryShape> = {
  name: "edgeGeometry",
  shaders: [edgeGeometryShader],
  shapes: [
    { structures: 3, atoms: 30, slots: 7, periodic: 0 },
    { structures: 2, atoms: 20, slots: 9, periodic: 1 },
    { structures: 1, atoms: 1, slots: 1, periodic: 0 },
  ],
  example(shape) {
    const { structures, atoms, slots } = shape;
    const { neighbours, neighbourCounts } = exampleLists(shape);
    return example({
      tensors: {
        positions: input([structures, atoms, 4]),
        neighbours: input([structures, atoms, slots], neighbours),
        neighbourCounts: input([structures, atoms], neighbourCounts),
        ...(shape.periodic > 0 && { cell: input([structures, 9], exampleCells(structures, 1)) }),
        edges: output([structures, atoms, slots, 4]),
      },
      terms: 3,
      emit: (ctx, tensors) => edgeGeometry(ctx, { label: "edgeGeometry", ...tensors }),
    });
  },
};
