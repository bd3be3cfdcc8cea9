import { byteLength, type Tensor } from "../gpu/tensor.ts";
import { alignUp, BINDING_ALIGNMENT } from "../gpu/alignment.ts";
import type { Graph } from "./graph.ts";

/** When a transient tensor is alive: indices of the first and last command that use it, both inclusive. */
export interface Lifetime {
  readonly tensor: Tensor;
  readonly first: number;
  last: number;
}

export interface Placement {
  readonly arena: number;
  readonly offset: number;
}

export interface MemoryPlan {
  readonly placements: ReadonlyMap<number, Placement>;
  /** Bytes of each arena buffer. */
  readonly arenas: readonly number[];
  /** The largest sum of simultaneously living tensors: no plan can need less. */
  readonly lowerBound: number;
}

/**
 * Lifetimes of a graph's transient tensors, aliases counted as the tensor they stand for; kept ones live to the end.
 */
export function lifetimes(graph: Graph): Lifetime[] {
  const { commands } = graph;
  const found = new Map<number, Lifetime>();
  commands.forEach((command, index) => {
    const tensors = command.kind === "clear" ? [command.tensor] : Object.values(command.dispatch.bindings);
    for (const used of tensors) {
      const tensor = graph.storageOf(used);
      if (graph.externalView(tensor) || graph.constantOf(tensor)) continue;
      const known = found.get(tensor.id);
      if (known) known.last = index;
      else found.set(tensor.id, { tensor, first: index, last: index });
    }
  });
  for (const lifetime of found.values()) if (graph.isKept(lifetime.tensor)) lifetime.last = commands.length;
  return [...found.values()];
}

/**
 * Places tensors so that those alive at the same time never overlap: largest first, each at the lowest free offset
 * (greedy by size, arXiv 2001.03288). `guard` bytes are left free after each tensor, for tests.
 */
export function planMemory(tensors: readonly Lifetime[], maxArenaBytes: number, guard = 0): MemoryPlan {
  interface Placed {
    first: number;
    last: number;
    from: number;
    to: number;
  }
  const sizeOf = (lifetime: Lifetime) => alignUp(byteLength(lifetime.tensor) + guard, BINDING_ALIGNMENT);
  const order = [...tensors].sort((a, b) => sizeOf(b) - sizeOf(a) || a.first - b.first);
  const arenas: Placed[][] = [];
  const placements = new Map<number, Placement>();
  for (const lifetime of order) {
    const size = sizeOf(lifetime);
    for (let arena = 0; ; arena++) {
      const placed = (arenas[arena] ??= []);
      let offset = 0;
      for (const other of placed) {
        if (other.last < lifetime.first || other.first > lifetime.last) continue;
        if (other.from >= offset + size) break;
        offset = Math.max(offset, other.to);
      }
      if (offset > 0 && offset + size > maxArenaBytes) continue;
      const at = placed.findIndex((other) => other.from > offset);
      placed.splice(at < 0 ? placed.length : at, 0, {
        first: lifetime.first,
        last: lifetime.last,
        from: offset,
        to: offset + size,
      });
      placements.set(lifetime.tensor.id, { arena, offset });
      break;
    }
  }
  return {
    placements,
    arenas: arenas.map((placed) => placed.reduce((end, { to }) => Math.max(end, to), 0)),
    lowerBound: largestLiveSet(tensors),
  };
}

function largestLiveSet(tensors: readonly Lifetime[]): number {
  const changes = new Map<number, number>();
  for (const { tensor, first, last } of tensors) {
    const size = alignUp(byteLength(tensor), BINDING_ALIGNMENT);
    changes.set(first, (changes.get(first) ?? 0) + size);
    changes.set(last + 1, (changes.get(last + 1) ?? 0) - size);
  }
  let live = 0;
  let largest = 0;
  for (const index of [...changes.keys()].sort((a, b) => a - b)) {
    live += changes.get(index)!;
    largest = Math.max(largest, live);
  }
  return largest;
}
