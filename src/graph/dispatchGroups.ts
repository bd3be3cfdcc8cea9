import { workgroups1d, type Dispatch, type KernelContext } from "../gpu/dispatch.ts";
import type { DispatchGroup, GroupedCall } from "../gpu/dispatchGroup.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import type { BufferView } from "../gpu/gpu.ts";
import { alignUp, BINDING_ALIGNMENT } from "../gpu/alignment.ts";
import type { GPUBuffer } from "../hostTypes.ts";

/** Bytes of a call's own tensor: larger ones take longer than a dispatch does to start, and would live for too long. */
const LARGEST_CALL = 1 << 19;

/** A tensor whose length is known once the graph is complete. */
export interface GrowingTensor {
  readonly tensor: Tensor;
  grow(elements: number): void;
}

/** What groups need of their graph. */
export interface DispatchGroupHost extends KernelContext {
  external(label: string, shape: readonly number[], view: BufferView): Tensor;
  externalView(tensor: Tensor): BufferView | undefined;
  growing(label: string, numbers?: readonly number[]): GrowingTensor;
  part(whole: Tensor, label: string, shape: readonly number[], offset: number): Tensor;
  storageOf(tensor: Tensor): Tensor;
  offsetOf(tensor: Tensor): number;
}

/** The groups of a graph: one for each kind and each flat buffer of parameters or gradients. */
export class DispatchGroups {
  readonly #graph: DispatchGroupHost;
  #open: OpenGroup[] = [];

  constructor(graph: DispatchGroupHost) {
    this.#graph = graph;
  }

  join(group: DispatchGroup, call: GroupedCall): Tensor | undefined {
    const view = this.#graph.externalView(call.of)!;
    if (view.buffer.size > this.#graph.caps.maxBindingBytes) return undefined;
    const known = this.#open.find((open) => open.group === group && open.buffer === view.buffer);
    const open = known ?? new OpenGroup(this.#graph, group, view.buffer);
    const first = view.offset / 4;
    const same = open.same(call, first);
    if (same) return same;
    if (!open.takes(call, first)) return undefined;
    if (!known) {
      this.#open.push(open);
      if (group.when === "start") this.#graph.dispatch(open.dispatch);
    }
    return open.add(call, first);
  }

  /** A dispatch binds `buffer` as `tensor`: what was made of its parameters before is of no use after. */
  changed(buffer: GPUBuffer, tensor: Tensor): void {
    this.#open = this.#open.filter(({ group, buffer: other, flat }) => {
      return group.when === "end" || other !== buffer || flat === tensor;
    });
  }

  /** Dispatches what was left for the end. */
  end(): void {
    const ending = this.#open.filter(({ group }) => group.when === "end");
    this.#open = this.#open.filter((open) => !ending.includes(open));
    for (const { dispatch } of ending) this.#graph.dispatch(dispatch);
  }
}

/** Calls that one dispatch makes. It grows while the graph is built, and its dispatch, table and memory with it. */
class OpenGroup {
  readonly group: DispatchGroup;
  readonly buffer: GPUBuffer;
  /** All of `buffer`. */
  readonly flat: Tensor;
  readonly dispatch: Dispatch;
  readonly #graph: DispatchGroupHost;
  readonly #own: GrowingTensor;
  readonly #table: GrowingTensor;
  readonly #rows: number[] = [];
  readonly #parts = new Map<string, Tensor>();
  /** Elements of the flat buffer, the last not included, that calls at the end add to. */
  readonly #targets: { readonly first: number; readonly end: number }[] = [];
  #bytes = 0;
  #workgroups = 0;
  #calls = 0;

  constructor(graph: DispatchGroupHost, group: DispatchGroup, buffer: GPUBuffer) {
    this.#graph = graph;
    this.group = group;
    this.buffer = buffer;
    // A caller's buffer may end within a word.
    const words = Math.floor(buffer.size / 4);
    this.flat = graph.external(`${group.name} of all`, [words], { buffer, offset: 0, size: 4 * words });
    this.#own = graph.growing(`${group.name} parts`);
    this.#table = graph.growing(`${group.name} table`, this.#rows);
    this.dispatch = {
      label: group.name,
      shader: group.shader,
      constants: { ...group.constants },
      params: { calls: 0 },
      bindings: { table: this.#table.tensor, [group.flat]: this.flat, [group.own]: this.#own.tensor },
      workgroups: [1, 1, 1],
      flops: 0,
      bytes: 0,
    };
  }

  /** What a call like this made before; of no use at the end, where each adds. */
  same(call: GroupedCall, first: number): Tensor | undefined {
    return this.group.when === "start" ? this.#parts.get(keyOf(call, first)) : undefined;
  }

  /**
   * Whether the call can be one of this dispatch: those of the end run at the same time, and may not add to the same
   * memory. What a call before was given may be another group's.
   */
  takes({ of, own }: GroupedCall, first: number): boolean {
    if ("part" in own && this.#graph.storageOf(own.part) !== this.#own.tensor) return false;
    const bytes = "shape" in own ? byteLength({ shape: own.shape, dtype: "f32" }) : 0;
    if (bytes > LARGEST_CALL || this.#bytes + bytes > this.#graph.caps.maxBindingBytes) return false;
    const end = first + elementCount(of.shape);
    return this.group.when === "start" || !this.#targets.some((other) => first < other.end && other.first < end);
  }

  /** Adds a call whose parameter begins at element `first`; gives its part of the own tensor. */
  add(call: GroupedCall, first: number): Tensor {
    const { own } = call;
    const { dispatch } = this;
    const part = "part" in own ? own.part : this.#newPart(call.label, own.shape);
    const ownFirst = this.#graph.offsetOf(part) / 4 + ("part" in own ? own.first : 0);
    this.#rows.push(this.#workgroups, first, ownFirst, ...call.values);
    this.#workgroups += call.workgroups;
    this.#calls++;
    this.#table.grow(this.#rows.length);
    this.#parts.set(keyOf(call, first), part);
    this.#targets.push({ first, end: first + elementCount(call.of.shape) });
    dispatch.params = { calls: this.#calls };
    dispatch.workgroups = workgroups1d(this.#workgroups);
    dispatch.flops += call.flops;
    dispatch.bytes += call.bytes;
    return part;
  }

  #newPart(label: string, shape: readonly number[]): Tensor {
    const part = this.#graph.part(this.#own.tensor, label, shape, this.#bytes);
    this.#bytes += alignUp(byteLength(part), BINDING_ALIGNMENT);
    this.#own.grow(this.#bytes / 4);
    return part;
  }
}

function keyOf({ own, values }: GroupedCall, first: number): string {
  return [first, ...("shape" in own ? own.shape : []), ...values].join(" ");
}
