// What the tests of costs share. They compare the FLOPs and bytes that kernels claim with counts by hand: loops over
// what the mathematics does, or one addition, multiplication, division, root, exponential or comparison at a time.
// Bytes: each input read once, each output written once, what is added to both; lists of a few words (rotations, step
// numbers) are left out.
import type { GpuCaps } from "../../../src/gpu/caps.ts";
import type { Dispatch } from "../../../src/gpu/dispatch.ts";
import { elementCount, type DType, type Tensor } from "../../../src/gpu/tensor.ts";
import { Graph } from "../../../src/graph/graph.ts";

/** A processor with subgroups of 8. */
export const software: GpuCaps = {
  ...{ adapterClass: "software", subgroups: true, subgroupMinSize: 8, subgroupMaxSize: 8 },
  ...{ maxWorkgroupInvocations: 1024, maxBindingBytes: 2 ** 27, f16: false, subgroupMatrices: [] },
};
/** A graphics card with subgroups of 32. */
export const hardware: GpuCaps = { ...software, adapterClass: "discrete", subgroupMinSize: 32, subgroupMaxSize: 32 };

/** The dispatches of a kernel, by label, in order. */
export function costs(
  emit: (graph: Graph, tensor: (shape: number[], dtype?: DType) => Tensor) => void,
  caps = software,
): Dispatch[] {
  const graph = new Graph(caps);
  emit(graph, (shape, dtype) => graph.scratch("t", shape, dtype));
  return graph.commands.flatMap((c) => (c.kind === "dispatch" ? [c.dispatch] : []));
}
/** What a dispatch claims. */
export const cost = (dispatch: Dispatch | undefined) => dispatch && { flops: dispatch.flops, bytes: dispatch.bytes };
/** Bytes of f32 tensors of these shapes. */
export const f32 = (...shapes: number[][]) => 4 * shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
