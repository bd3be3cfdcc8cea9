import { requireGraph, requireObject } from "../check.ts";
import { byteLength } from "../gpu/tensor.ts";
import type { Graph } from "./graph.ts";
import { alignUp, BINDING_ALIGNMENT } from "../gpu/alignment.ts";
import { lifetimes, type MemoryPlan } from "./planner.ts";

/** A transient tensor's place in space and time. */
export interface MemoryTensor {
  readonly label: string;
  readonly shape: readonly number[];
  readonly arena: number;
  readonly offset: number;
  /** Rounded up to the alignment of bindings. */
  readonly bytes: number;
  /** Its first and last command, both inclusive. */
  readonly first: number;
  readonly last: number;
  /** Kept to the end for the caller, whenever it is used last. */
  readonly kept: boolean;
}

/** The planner's memory over the commands of a replay. */
export interface MemoryMap {
  /** Labels of all commands, clears among them: the axis of time. */
  readonly commands: readonly string[];
  readonly tensors: readonly MemoryTensor[];
  /** Bytes of each arena buffer. */
  readonly arenas: readonly number[];
  /** Bytes of the tensors alive during each command. */
  readonly liveBytes: readonly number[];
  /** The command with most, and what is alive there: indices of tensors, largest first. */
  readonly peak: { readonly command: number; readonly bytes: number; readonly tensors: readonly number[] };
  /** No plan can need less than the peak. */
  readonly lowerBound: number;
  /** Bytes of the caller's buffers that the commands use: parameters, states, inputs. */
  readonly externalBytes: number;
}

/** Where the planner put each tensor of a graph, and when it is alive. */
export function memoryMap(graph: Graph, memory: MemoryPlan): MemoryMap {
  requireGraph("graph", graph);
  requireObject("memory", memory, "Give plan.memory.");
  const { commands } = graph;
  const tensors = lifetimes(graph).map(({ tensor, first, last }): MemoryTensor => {
    const { arena, offset } = memory.placements.get(tensor.id)!;
    const { label, shape } = tensor;
    const bytes = alignUp(byteLength(tensor), BINDING_ALIGNMENT);
    return {
      label,
      shape,
      arena,
      offset,
      bytes,
      first,
      last: Math.min(last, commands.length - 1),
      kept: graph.isKept(tensor),
    };
  });
  const liveBytes = new Array<number>(commands.length).fill(0);
  for (const { first, last, bytes } of tensors) for (let at = first; at <= last; at++) liveBytes[at]! += bytes;
  const most = liveBytes.reduce((a, b) => Math.max(a, b), 0);
  const command = Math.max(liveBytes.indexOf(most), 0);
  const alive = [...tensors.keys()].filter((i) => tensors[i]!.first <= command && tensors[i]!.last >= command);
  const external = new Set<GPUBuffer>();
  for (const given of commands) {
    const used = given.kind === "clear" ? [given.tensor] : Object.values(given.dispatch.bindings);
    for (const tensor of used) {
      const view = graph.externalView(tensor);
      if (view) external.add(view.buffer);
    }
  }
  return {
    commands: commands.map((given) => (given.kind === "clear" ? `clear ${given.tensor.label}` : given.dispatch.label)),
    tensors,
    arenas: memory.arenas,
    liveBytes,
    peak: { command, bytes: most, tensors: alive.sort((a, b) => tensors[b]!.bytes - tensors[a]!.bytes) },
    lowerBound: memory.lowerBound,
    externalBytes: [...external].reduce((sum, { size }) => sum + size, 0),
  };
}
