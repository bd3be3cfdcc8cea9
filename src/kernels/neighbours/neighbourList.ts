import cellGridShader from "../../../shaders/neighbours/cellGrid.wgsl";
import cellKeysShader from "../../../shaders/neighbours/cellKeys.wgsl";
import cellStartsShader from "../../../shaders/neighbours/cellStarts.wgsl";
import neighbourCellsShader from "../../../shaders/neighbours/neighbourCells.wgsl";
import neighbourListShader from "../../../shaders/neighbours/neighbourList.wgsl";
import { requireArgs, requirePositive } from "../../check.ts";
import { workgroups1d, type Dispatch, type KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { example, input, wholeOutput } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { requireShape } from "../shapes.ts";
import { threads1d, WORKGROUP } from "../threads.ts";
import { exampleCells, exampleCounts, exampleEdge, examplePositions } from "./exampleAtoms.ts";
import { bytesOf, listLayout, periodic, requireStored, type NeighbourShape } from "./layout.ts";
import { neighbourListVariants, type NeighbourListShape } from "./neighbourListVariants.ts";
import { sortByKey, sortShaders } from "./sortByKey.ts";

/** What `neighbourList` takes. */
export interface NeighbourListArgs {
  label: string;
  /** f32 [B, n, 4], x, y, z in Angstrom of up to n atoms of each of B structures; the fourth is not read. */
  positions: Tensor;
  /** u32 [B], atoms that a structure has; the others are padding. */
  counts: Tensor;
  /**
   * f32 [B, 9]: the rows a, b, c of each structure's cell, in Angstrom; zeros where nothing repeats. Of each pair the
   * nearest image counts alone, so that perpendicular widths of at least twice the cutoff are of need:
   * `requireMinimumImage` asks whether they are.
   */
  cell?: Tensor | undefined;
  /** In Angstrom; above 0.01. */
  cutoff: number;
  /** Written, u32 [B, n, M] with M of 1 to 64: b n + j of the neighbours, j growing, then 0xffffffff. */
  neighbours: Tensor;
  /** Written, u32 [B, n], slots that are used. */
  neighbourCounts: Tensor;
  /** Written, u32 [B, n], atoms within the cutoff for which there was no slot. Not counted without it. */
  dropped?: Tensor | undefined;
}

/** So many cells as hold one atom for each slot: two shells of cells around an atom's own hold the nearest mostly. */
const CELLS_OF_SLOTS = 20;

/**
 * The neighbours of each atom: the other atoms of its structure with 1e-4 < d^2 <= cutoff^2, of which the M nearest
 * where there are more, the first of those equally far. Squares are compared in f32. Positions must be finite.
 *
 * @throws VoxtwirlError "bad-shape", or "bad-option" for a cutoff of 0.01 Angstrom or less
 */
export function neighbourList(ctx: KernelContext, args: NeighbourListArgs): void {
  requireArgs("neighbourList", ctx, args, "positions counts neighbours neighbourCounts", "cutoff", "dropped cell");
  const { label, positions, counts, cell, neighbours, neighbourCounts, dropped } = args;
  const layout = listLayout(label, { neighbours, neighbourCounts });
  const { structures, atoms } = layout;
  requireShape(label, "positions", positions, [structures, atoms, 4]);
  requireShape(label, "counts", counts, [structures]);
  if (dropped) requireShape(label, "dropped", dropped, [structures, atoms]);
  requireStored(label, "f32", { positions });
  requireStored(label, "u32", { counts, ...(dropped && { dropped }) });
  const { cutoff, cutoffSquared } = checkedCutoff(label, args.cutoff);
  const padded = Math.ceil(atoms / WORKGROUP) * WORKGROUP;
  const lattice = periodic(label, cell, structures);
  const shape = { ...layout, counted: dropped ? 1 : 0, periodic: cell ? 1 : 0 };
  const { variant, call } = choose(ctx.caps, neighbourListVariants, shape, positions.dtype);
  const common = { label, call, workgroups: threads1d(structures * padded) };
  const written = { neighbours, neighbourCounts, ...(dropped && { dropped }) };
  const params = { ...layout, padded, cutoffSquared };
  const HAS_DROPPED = dropped !== undefined;
  if (variant.shader === undefined) {
    const bindings = { positions, counts, ...written, ...lattice.bindings };
    ctx.dispatch({
      ...common,
      shader: neighbourListShader,
      constants: {
        WORKGROUP,
        ...(variant.constants.keep && { BLOCKS: Math.ceil(atoms / 8) }),
        CHOOSE: atoms - 1 > layout.slots,
        HAS_DROPPED,
        ...lattice.constants,
      },
      params,
      bindings,
      flops: 8 * structures * atoms ** 2,
      bytes: bytesOf(bindings),
    });
    return;
  }
  const { cells, ...found } = sortIntoCells(ctx, label, { positions, counts }, layout, lattice);
  const bindings = { ...found, ...written, ...lattice.bindings };
  ctx.dispatch({
    ...common,
    shader: neighbourCellsShader,
    constants: { WORKGROUP, MOST: listLength(layout.slots), HAS_DROPPED, ...lattice.constants },
    params: { ...params, cells, cutoff },
    bindings,
    flops: 8 * structures * atoms * layout.slots,
    bytes: bytesOf(bindings),
  });
}

/** A shell of cells has some half more atoms than slots. */
const listLength = (slots: number) => 16 * Math.ceil((2.5 * slots + 8) / 16);

/** Grids of cells over the structures, and their atoms in the order of cells. */
function sortIntoCells(
  ctx: KernelContext,
  label: string,
  { positions, counts }: Readonly<Record<"positions" | "counts", Tensor>>,
  { structures, atoms, slots }: NeighbourShape,
  lattice: ReturnType<typeof periodic>,
): Readonly<Record<"placed" | "sorted" | "starts" | "grids", Tensor>> & { readonly cells: number } {
  const perCell = Math.max(0.5, slots / CELLS_OF_SLOTS);
  // Boxes are not full.
  const cells = Math.ceil((2 * atoms) / perCell);
  const grids = ctx.scratch(`${label} grids`, [structures, 8]);
  const ofAtoms = (name: string) => ctx.scratch(`${label} ${name}`, [structures, atoms], "u32");
  const [keys, sorted] = [ofAtoms("keys"), ofAtoms("sorted")];
  const starts = ctx.scratch(`${label} starts`, [structures, cells + 1], "u32");
  const placed = ctx.scratch(`${label} placed`, [structures, atoms, 4]);
  const constants = { WORKGROUP, ...lattice.constants };
  const dispatch = (d: Omit<Dispatch, "label" | "bytes">) => {
    ctx.dispatch({ ...d, label: `${label} cells`, bytes: bytesOf(d.bindings) });
  };
  dispatch({
    shader: cellGridShader,
    constants,
    params: { structures, atoms, cells, perCell },
    bindings: { positions, counts, grids, ...lattice.bindings },
    workgroups: workgroups1d(structures),
    flops: 6 * structures * atoms,
  });
  dispatch({
    shader: cellKeysShader,
    constants,
    params: { structures, atoms, cells },
    bindings: { positions, counts, grids, keys, ...lattice.bindings },
    workgroups: threads1d(structures * atoms),
    flops: 6 * structures * atoms,
  });
  sortByKey(ctx, { label: `${label} cells`, keys, structures, items: atoms, base: 0, most: cells, sorted });
  dispatch({
    shader: cellStartsShader,
    constants: { WORKGROUP },
    params: { structures, atoms, cells },
    bindings: { keys, sorted, positions, starts, placed },
    workgroups: threads1d(structures * (cells + 1 + atoms)),
    flops: 0,
  });
  return { placed, sorted, starts, grids, cells };
}

/** The cutoff and its square as f32: distances are compared in that. */
function checkedCutoff(label: string, cutoff: number): { readonly cutoff: number; readonly cutoffSquared: number } {
  // Nearer ones count as the same atom.
  requirePositive(`${label}: cutoff - 0.01`, cutoff - 0.01);
  return { cutoff: Math.fround(cutoff), cutoffSquared: Math.fround(Math.fround(cutoff) ** 2) };
}

/** Some have more neighbours up to here than slots, and some have fewer. */
const EXAMPLE_CUTOFF = 4.5;

/** What there is to know of `neighbourList`. */
export const neighbourListKernel: Kernel<NeighbourListShape> = {
  name: "neighbourList",
  shaders: [
    neighbourListShader,
    cellGridShader,
    cellKeysShader,
    ...sortShaders,
    cellStartsShader,
    neighbourCellsShader,
  ],
  variants: neighbourListVariants,
  shapes: [
    { structures: 3, atoms: 70, slots: 5, counted: 1, periodic: 0 },
    { structures: 2, atoms: 130, slots: 64, counted: 1, periodic: 0 },
    { structures: 1, atoms: 600, slots: 7, counted: 0, periodic: 0 },
    { structures: 2, atoms: 300, slots: 6, counted: 1, periodic: 1 },
    { structures: 1, atoms: 9, slots: 8, counted: 1, periodic: 0 },
    { structures: 2, atoms: 1, slots: 1, counted: 0, periodic: 0 },
  ],
  example(shape) {
    const { structures, atoms, slots, counted } = shape;
    return example({
      tensors: {
        positions: input([structures, atoms, 4], examplePositions(shape)),
        counts: input([structures], exampleCounts(shape)),
        ...(shape.periodic > 0 && { cell: input([structures, 9], exampleCells(structures, exampleEdge(shape))) }),
        neighbours: wholeOutput([structures, atoms, slots]),
        neighbourCounts: wholeOutput([structures, atoms]),
        ...(counted > 0 && { dropped: wholeOutput([structures, atoms]) }),
      },
      terms: 0,
      emit: (ctx, tensors) => neighbourList(ctx, { label: "neighbourList", ...tensors, cutoff: EXAMPLE_CUTOFF }),
    });
  },
};
