import type { Tensor } from "../../gpu/tensor.ts";
import { input, type ExampleTensor } from "../example.ts";
import { exampleEdges, exampleLists, exampleReverse, exampleUse } from "../neighbours/exampleAtoms.ts";
import { badShape, requireShape } from "../shapes.ts";

/** Sizes of padded neighbour lists: those of all structures of a batch, one after another. */
export interface EdgeSizes {
  readonly atoms: number;
  readonly slots: number;
}

/** @throws VoxtwirlError "bad-shape" unless the list is u32 [..., M] of at least one slot */
export function edgeSizes(label: string, neighbours: Tensor): EdgeSizes {
  const slots = neighbours.shape[neighbours.shape.length - 1] ?? 0;
  if (neighbours.dtype !== "u32" || neighbours.shape.length < 2) {
    throw badShape(label, "'neighbours' must be u32 [..., slots]", { neighbours });
  }
  return { atoms: neighbours.shape.slice(0, -1).reduce((product, size) => product * size, 1), slots };
}

/** @throws VoxtwirlError "bad-shape" unless the tensor is u32 and as large as said */
export function requireWords(label: string, name: string, tensor: Tensor, count: number): void {
  requireShape(label, name, { ...tensor, shape: [tensor.shape.reduce((product, size) => product * size, 1)] }, [count]);
  if (tensor.dtype !== "u32") throw badShape(label, `'${name}' must be u32`, { [name]: tensor });
}

/** Edges by their neighbour: what gradients of gathered numbers are summed along, in a fixed order. */
export interface ReverseList {
  /** u32 [atoms], where in `edges` those whose neighbour an atom is begin. */
  readonly starts: Tensor;
  /** u32 [atoms], how many they are. */
  readonly inDegrees: Tensor;
  /** u32 [atoms slots], edges, atom times slots + slot. */
  readonly edges: Tensor;
}

/** The lists of an example, and their edges by neighbour. */
export function listsExample({
  atoms,
  slots,
}: EdgeSizes): Record<"neighbours" | "starts" | "inDegrees" | "edges", ExampleTensor> {
  const { neighbours } = exampleLists({ structures: 1, atoms, slots });
  const { starts, inDegrees, edges } = exampleReverse(neighbours, atoms);
  return {
    neighbours: input([atoms, slots], neighbours),
    starts: input([atoms], starts),
    inDegrees: input([atoms], inDegrees),
    edges: input([atoms * slots], edges),
  };
}

/** Edges of lists from full to empty. */
export function edgesExample({ atoms, slots }: EdgeSizes): ExampleTensor {
  return input([atoms, slots, 4], exampleEdges(exampleUse({ atoms, slots }), slots));
}
