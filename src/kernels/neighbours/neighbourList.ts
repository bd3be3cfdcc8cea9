import neighbourListShader from "../../../shaders/neighbours/neighbourList.wgsl";
import { requireArgs, requirePositive } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { example, input, wholeOutput } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { requireShape } from "../shapes.ts";
import { threads1d, WORKGROUP } from "../threads.ts";
import { exampleCounts, examplePositions } from "./exampleAtoms.ts";
import { listLayout, requireStored, type NeighbourShape } from "./layout.ts";

/** What `neighbourList` takes. */
export interface NeighbourListArgs {
  label: string;
  /** f32 [B, n, 4]: x, y, z in Angstrom of up to n atoms of each of B structures; the fourth is not read. */
  positions: Tensor;
  /** u32 [B]: atoms that a structure has; the others are padding. */
  counts: Tensor;
  /** In Angstrom; above 0.01. */
  cutoff: number;
  /** Written, u32 [B, n, M] with M of 1 to 64: b n + j of the neighbours, j growing, then 0xffffffff. */
  neighbours: Tensor;
  /** Written, u32 [B, n]: slots that are used. */
  neighbourCounts: Tensor;
  /** Written, u32 [B, n]: atoms within the cutoff for which there was no slot. */
  dropped: Tensor;
}

/**
 * The neighbours of each atom: the other atoms of its structure with 1e-4 < d^2 <= cutoff^2, of which the M nearest
 * where there are more, the first of those equally far. Squares are compared in f32.
 *
 * @throws VoxtwirlError "bad-shape", or "bad-option" for a cutoff of 0.01 Angstrom or less
 */
export function neighbourList(ctx: KernelContext, args: NeighbourListArgs): void {
  requireArgs("neighbourList", ctx, args, "positions counts neighbours neighbourCounts dropped", "cutoff");
  const { label, positions, counts, cutoff, neighbours, neighbourCounts, dropped } = args;
  const { structures, atoms, slots } = listLayout(label, { neighbours, neighbourCounts });
  requireShape(label, "positions", positions, [structures, atoms, 4]);
  requireShape(label, "counts", counts, [structures]);
  requireShape(label, "dropped", dropped, [structures, atoms]);
  requireStored(label, "f32", { positions });
  requireStored(label, "u32", { counts, dropped });
  const cutoffSquared = squaredCutoff(label, cutoff);
  const padded = Math.ceil(atoms / WORKGROUP) * WORKGROUP;
  ctx.dispatch({
    label,
    shader: neighbourListShader,
    constants: { WORKGROUP, CHOOSE: atoms - 1 > slots },
    params: { structures, atoms, padded, slots, cutoffSquared },
    bindings: { positions, counts, neighbours, neighbourCounts, dropped },
    workgroups: threads1d(structures * padded),
    flops: 8 * structures * atoms ** 2,
    bytes: [positions, counts, neighbours, neighbourCounts, dropped].reduce((sum, t) => sum + byteLength(t), 0),
  });
}

/** The square that f32 distances are compared with. */
function squaredCutoff(label: string, cutoff: number): number {
  // Nearer ones count as the same atom.
  requirePositive(`${label}: cutoff - 0.01`, cutoff - 0.01);
  return Math.fround(cutoff) ** 2;
}

/** What there is to know of `neighbourList`. */
export const neighbourListKernel: Kernel<NeighbourShape> = {
  name: "neighbourList",
  shaders: [neighbourListShader],
  shapes: [
    { structures: 3, atoms: 70, slots: 5 },
    { structures: 2, atoms: 130, slots: 64 },
    { structures: 1, atoms: 9, slots: 8 },
    { structures: 2, atoms: 1, slots: 1 },
  ],
  example(shape) {
    const { structures, atoms, slots } = shape;
    return example({
      tensors: {
        positions: input([structures, atoms, 4], examplePositions(shape)),
        counts: input([structures], exampleCounts(shape)),
        neighbours: wholeOutput([structures, atoms, slots]),
        neighbourCounts: wholeOutput([structures, atoms]),
        dropped: wholeOutput([structures, atoms]),
      },
      terms: 0,
      emit: (ctx, tensors) => neighbourList(ctx, { label: "neighbourList", ...tensors, cutoff: EXAMPLE_CUTOFF }),
    });
  },
};

/** Some have more neighbours up to here than slots, and some have fewer. */
export const EXAMPLE_CUTOFF = 4.5;
