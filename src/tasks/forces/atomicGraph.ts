/** What a force field begins with: chosen structures, in poses, with their neighbours. */
import type { Tensor } from "../../gpu/tensor.ts";
import type { BufferView } from "../../gpu/gpu.ts";
import type { Graph } from "../../graph/graph.ts";
import { bondOrder } from "../../kernels/neighbours/bondOrder.ts";
import { edgeGeometry } from "../../kernels/neighbours/edgeGeometry.ts";
import { neighbourList } from "../../kernels/neighbours/neighbourList.ts";
import { reverseNeighbours } from "../../kernels/neighbours/reverseNeighbours.ts";
import { placeStructures } from "../../kernels/structures/placeStructures.ts";
import type { AtomicGraph } from "../../models/escaip.ts";
import { BOND_ORDERS } from "../../models/escaipLayout.ts";
import type { PackedStructures } from "./packStructures.ts";

/** Packed structures in GPU buffers. */
export interface StructureBuffers {
  readonly atoms: BufferView;
  readonly offsets: BufferView;
  /** Numbers of atoms and of structures. */
  readonly atomCount: number;
  readonly count: number;
  /** Most atoms of a structure. */
  readonly places: number;
}

/** @param upload makes a buffer, which stays the caller's to destroy */
export function uploadStructures(
  upload: (label: string, values: Float32Array | Uint32Array) => BufferView,
  label: string,
  { atoms, offsets, count, places }: Pick<PackedStructures, "atoms" | "offsets" | "count" | "places">,
): StructureBuffers {
  return {
    atoms: upload(`${label} atoms`, atoms),
    offsets: upload(`${label} offsets`, offsets),
    atomCount: atoms.length / 4,
    count,
    places,
  };
}

/** The same as tensors of one graph. */
export interface StructureTensors {
  readonly atoms: Tensor;
  readonly offsets: Tensor;
  readonly places: number;
}

export function structureTensors(
  graph: Graph,
  { atoms, offsets, atomCount, count, places }: StructureBuffers,
): StructureTensors {
  return {
    atoms: graph.external("atoms", [atomCount, 4], atoms),
    offsets: graph.external("offsets", [count + 1], offsets, "u32"),
    places,
  };
}

/** How neighbours are found. */
export interface NeighbourRule {
  /** In Angstrom. */
  readonly cutoff: number;
  readonly neighbours: number;
}

/** Slots for neighbours that structures of so many atoms need. */
export function slotsFor(places: number, { neighbours }: NeighbourRule): number {
  return Math.max(1, Math.min(neighbours, places - 1));
}

/**
 * Appends chosen structures in poses [B, 12]. Neighbours are those of the structure as it lies, so that a rotation's
 * rounding changes no list; what the network gets is of the posed one.
 */
export function posedStructures(
  graph: Graph,
  args: { structures: StructureTensors; chosen: Tensor; poses: Tensor; rule: NeighbourRule },
): AtomicGraph {
  const { structures, chosen, poses, rule } = args;
  const { atoms, offsets, places: n } = structures;
  const b = chosen.shape[0]!;
  const m = slotsFor(n, rule);
  const words = (label: string, shape: readonly number[]) => graph.scratch(label, shape, "u32");
  return graph.inPhase("data", () => {
    const positions = graph.scratch("positions", [b, n, 4]);
    const posed = graph.scratch("posed", [b, n, 4]);
    const numbers = words("numbers", [b, n]);
    const counts = words("counts", [b]);
    const placed = { positions, posed, numbers, counts };
    placeStructures(graph, { label: "structures", atoms, offsets, chosen, poses, ...placed });
    const neighbours = words("neighbours", [b, n, m]);
    const neighbourCounts = words("neighbour counts", [b, n]);
    const list = { neighbours, neighbourCounts };
    neighbourList(graph, { label: "neighbours", positions, counts, cutoff: rule.cutoff, ...list });
    const edges = graph.scratch("edges", [b, n, m, 4]);
    edgeGeometry(graph, { label: "edges", positions: posed, ...list, edges });
    const bondOrders = graph.scratch("bond orders", [b, n, BOND_ORDERS]);
    bondOrder(graph, { label: "bond orders", edges, neighbourCounts, y: bondOrders });
    const reverse = {
      starts: words("reverse starts", [b, n]),
      inDegrees: words("in-degrees", [b, n]),
      edges: words("reverse edges", [b * n * m]),
    };
    return { numbers, counts, ...list, reverse, edges, bondOrders };
  });
}

/** Appends the edges by their neighbour, which gradients are summed along. */
export function reverseEdges(graph: Graph, { neighbours, reverse }: AtomicGraph): void {
  graph.inPhase("data", () => reverseNeighbours(graph, { label: "reverse", neighbours, ...reverse }));
}
