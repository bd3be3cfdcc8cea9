import type { Tensor } from "../../gpu/tensor.ts";
import { input, type ExampleTensor } from "../example.ts";
import { FREE_SLOT } from "../neighbours/layout.ts";
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

/** The lists of an example: atom i has the next i % (M + 1) atoms, and so an asymmetric list with free slots. */
export function exampleLists({
  atoms,
  slots,
}: EdgeSizes): Record<"neighbours" | "neighbourCounts" | "starts" | "inDegrees" | "edges", ExampleTensor> {
  const neighbours = new Uint32Array(atoms * slots).fill(FREE_SLOT);
  const counts = Uint32Array.from({ length: atoms }, (_, i) => Math.min(i % (slots + 1), atoms - 1));
  const incoming: number[][] = Array.from({ length: atoms }, () => []);
  for (let i = 0; i < atoms; i++) {
    const own = Array.from({ length: counts[i]! }, (_, s) => (i + s + 1) % atoms).sort((a, b) => a - b);
    own.forEach((j, s) => {
      neighbours[i * slots + s] = j;
      incoming[j]!.push(i * slots + s);
    });
  }
  const starts = new Uint32Array(atoms);
  for (let i = 1; i < atoms; i++) starts[i] = starts[i - 1]! + incoming[i - 1]!.length;
  const edges = new Uint32Array(atoms * slots);
  edges.set(incoming.flat());
  return {
    neighbours: input([atoms, slots], neighbours),
    neighbourCounts: input([atoms], counts),
    starts: input([atoms], starts),
    inDegrees: input(
      [atoms],
      Uint32Array.from(incoming, ({ length }) => length),
    ),
    edges: input([atoms * slots], edges),
  };
}
