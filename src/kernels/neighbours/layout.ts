import { byteLength, type DType, type Tensor } from "../../gpu/tensor.ts";
import type { CallShape } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";

/** What the work of a call depends on: structures, the atoms that each has room for, and slots of an atom. */
export interface NeighbourShape extends CallShape {
  readonly structures: number;
  readonly atoms: number;
  readonly slots: number;
}

/** Slots that an atom can have. */
export const MAX_SLOTS = 64;

/** What stands in a slot of `neighbours` without a neighbour. */
export const FREE_SLOT = 0xffffffff;

/** @throws VoxtwirlError "bad-shape" unless all tensors are stored as `dtype`. */
export function requireStored(label: string, dtype: DType, tensors: Readonly<Record<string, Tensor>>): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.dtype !== dtype) throw badShape(label, `'${name}' must be ${dtype}`, { [name]: tensor });
  }
}

/** Sizes of lists of neighbours, checked: `neighbours` u32 [B, n, M], `neighbourCounts` u32 [B, n]. */
export function listLayout(
  label: string,
  { neighbours, neighbourCounts }: { readonly neighbours: Tensor; readonly neighbourCounts?: Tensor },
): NeighbourShape {
  const [structures = 0, atoms = 0, slots = 0] = neighbours.shape;
  requireShape(label, "neighbours", neighbours, [structures, atoms, slots]);
  requireSlots(label, "neighbours", neighbours, slots);
  if (neighbourCounts) requireShape(label, "neighbourCounts", neighbourCounts, [structures, atoms]);
  requireStored(label, "u32", { neighbours, ...(neighbourCounts && { neighbourCounts }) });
  return { structures, atoms, slots };
}

/** @throws VoxtwirlError "bad-shape" unless an atom has 1 to MAX_SLOTS slots. */
export function requireSlots(label: string, name: string, tensor: Tensor, slots: number): void {
  if (slots >= 1 && slots <= MAX_SLOTS) return;
  throw badShape(label, `'${name}' must have 1 to ${MAX_SLOTS} slots for each atom`, { [name]: tensor });
}

/** As `describe` of shapes: `64x100, 20 slots`. */
export const describeShape = ({ structures, atoms, slots }: NeighbourShape): string => {
  return `${structures}x${atoms}, ${slots} slots`;
};

export function bytesOf(tensors: Readonly<Record<string, Tensor>>): number {
  return Object.values(tensors).reduce((sum, tensor) => sum + byteLength(tensor), 0);
}

/** Constants and bindings of shaders/shared/separation.wgsl: `cell` f32 [B, 9], where structures have any. */
export function periodic(
  label: string,
  cell: Tensor | undefined,
  structures: number,
): { readonly constants: { PERIODIC?: true }; readonly bindings: { lattices?: Tensor } } {
  if (!cell) return { constants: {}, bindings: {} };
  requireShape(label, "cell", cell, [structures, 9]);
  requireStored(label, "f32", { cell });
  return { constants: { PERIODIC: true }, bindings: { lattices: cell } };
}
