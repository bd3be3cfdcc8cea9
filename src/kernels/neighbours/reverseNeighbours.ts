import reverseStartsShader from "../../../shaders/neighbours/reverseStarts.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { example, input, wholeOutput } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";
import { exampleLists } from "./exampleAtoms.ts";
import { listLayout, requireStored, type NeighbourShape } from "./layout.ts";
import { sortByKey, sortShaders } from "./sortByKey.ts";

/** What `reverseNeighbours` takes. */
export interface ReverseNeighboursArgs {
  label: string;
  /** u32 [B, n, M], as `neighbourList` makes them: 0xffffffff in free slots. */
  neighbours: Tensor;
  /** Written, u32 [B, n], where the edges that end at an atom begin in `edges`. */
  starts: Tensor;
  /** Written, u32 [B, n], how many they are. */
  inDegrees: Tensor;
  /**
   * Written, u32 [B n M]: entries of `neighbours`, (b n + i) M + slot, in the order of the atom that they lead to, then
   * of their own. Those of structure b begin at b n M; behind its last one stands 0xffffffff.
   */
  edges: Tensor;
}

/**
 * Which edges end at each atom: what gathers the gradients of neighbours in a fixed order. A stable sort by counting,
 * without atomics; its time grows with the edges alone.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function reverseNeighbours(ctx: KernelContext, args: ReverseNeighboursArgs): void {
  requireArgs("reverseNeighbours", ctx, args, "neighbours starts inDegrees edges");
  const { label, neighbours, starts, inDegrees, edges } = args;
  const { structures, atoms, slots } = listLayout(label, { neighbours });
  const items = atoms * slots;
  requireShape(label, "starts", starts, [structures, atoms]);
  requireShape(label, "inDegrees", inDegrees, [structures, atoms]);
  requireShape(label, "edges", edges, [structures * items]);
  requireStored(label, "u32", { starts, inDegrees, edges });
  sortByKey(ctx, { label, keys: neighbours, structures, items, base: atoms, most: atoms, sorted: edges });
  ctx.dispatch({
    label,
    shader: reverseStartsShader,
    params: { structures, atoms, items },
    bindings: { neighbours, sorted: edges, starts, inDegrees },
    workgroups: threads1d(structures * atoms),
    flops: 0,
    bytes: [neighbours, edges, starts, inDegrees].reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
}

/** What there is to know of `reverseNeighbours`. */
export const reverseNeighboursKernel: Kernel<NeighbourShape> = {
  name: "reverseNeighbours",
  shaders: [...sortShaders, reverseStartsShader],
  shapes: [
    { structures: 3, atoms: 70, slots: 9 },
    { structures: 1, atoms: 300, slots: 20 },
    { structures: 2, atoms: 1, slots: 1 },
  ],
  example(shape) {
    const { structures, atoms, slots } = shape;
    return example({
      tensors: {
        neighbours: input([structures, atoms, slots], exampleLists(shape).neighbours),
        starts: wholeOutput([structures, atoms]),
        inDegrees: wholeOutput([structures, atoms]),
        edges: wholeOutput([structures * atoms * slots]),
      },
      terms: 0,
      emit: (ctx, tensors) => reverseNeighbours(ctx, { label: "reverseNeighbours", ...tensors }),
    });
  },
};
