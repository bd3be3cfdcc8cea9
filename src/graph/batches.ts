import { byteLength, workgroups1d, type Batch, type BatchCall, type Dispatch, type Tensor } from "../gpu/dispatch.ts";
import type { Graph } from "./graph.ts";
import { alignUp, BINDING_ALIGNMENT } from "./planner.ts";

/** Bytes of a call's own tensor: larger ones take longer than a dispatch does to start, and would live for too long. */
const LARGEST_CALL = 1 << 19;

/** A tensor whose length is known once the graph is complete. */
export interface GrowingTensor {
  readonly tensor: Tensor;
  grow(elements: number): void;
}

/** The batches of a graph: one for each kind and each flat buffer of parameters or gradients. */
export class Batches {
  readonly #graph: Graph;
  #open: OpenBatch[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  join(batch: Batch, call: BatchCall): Tensor | undefined {
    const view = this.#graph.externalView(call.of)!;
    if (view.buffer.size > this.#graph.caps.maxBindingBytes) return undefined;
    const known = this.#open.find((open) => open.batch === batch && open.buffer === view.buffer);
    const open = known ?? new OpenBatch(this.#graph, batch, view.buffer);
    const same = open.same(call);
    if (same) return same;
    if (!open.takes(call)) return undefined;
    if (!known) {
      this.#open.push(open);
      if (batch.when === "start") this.#graph.dispatch(open.dispatch);
    }
    return open.add(call, view.offset / 4);
  }

  /** A dispatch binds `buffer` as `tensor`: what was made of its parameters before is of no use after. */
  changed(buffer: GPUBuffer, tensor: Tensor): void {
    this.#open = this.#open.filter((open) => open.batch.when === "end" || open.buffer !== buffer || open.flat === tensor);
  }

  /** Dispatches what was left for the end. */
  end(): void {
    const ending = this.#open.filter(({ batch }) => batch.when === "end");
    this.#open = this.#open.filter((open) => !ending.includes(open));
    for (const { dispatch } of ending) this.#graph.dispatch(dispatch);
  }
}

/** Calls that one dispatch makes. It grows while the graph is built, and its dispatch, table and memory with it. */
class OpenBatch {
  readonly batch: Batch;
  readonly buffer: GPUBuffer;
  /** All of `buffer`. */
  readonly flat: Tensor;
  readonly dispatch: Dispatch;
  readonly #graph: Graph;
  readonly #own: GrowingTensor;
  readonly #table: GrowingTensor;
  readonly #rows: number[] = [];
  readonly #parts = new Map<string, Tensor>();
  readonly #targets = new Set<number>();
  #bytes = 0;
  #workgroups = 0;
  #calls = 0;

  constructor(graph: Graph, batch: Batch, buffer: GPUBuffer) {
    this.#graph = graph;
    this.batch = batch;
    this.buffer = buffer;
    const { size } = buffer;
    this.flat = graph.external(`${batch.name} of all`, [size / 4], { buffer, offset: 0, size });
    this.#own = graph.growing(`${batch.name} parts`);
    this.#table = graph.growing(`${batch.name} table`, this.#rows);
    this.dispatch = {
      label: batch.name,
      shader: batch.shader,
      constants: { ...batch.constants },
      params: { calls: 0 },
      bindings: { table: this.#table.tensor, [batch.flat]: this.flat, [batch.own]: this.#own.tensor },
      workgroups: [1, 1, 1],
      flops: 0,
      bytes: 0,
    };
  }

  /** What a call like this made before; of no use at the end, where each adds. */
  same(call: BatchCall): Tensor | undefined {
    return this.batch.when === "start" ? this.#parts.get(keyOf(call)) : undefined;
  }

  /** Calls of one dispatch run at the same time, and may not add to the same memory. */
  takes(call: BatchCall): boolean {
    const bytes = byteLength({ shape: call.shape, dtype: "f32" });
    if (bytes > LARGEST_CALL || this.#bytes + bytes > this.#graph.caps.maxBindingBytes) return false;
    return this.batch.when === "start" || !this.#targets.has(call.of.id);
  }

  /** Adds a call whose parameter begins at element `flatFirst`; gives its part of the own tensor. */
  add(call: BatchCall, flatFirst: number): Tensor {
    const { dispatch } = this;
    const part = this.#graph.part(this.#own.tensor, call.label, call.shape, this.#bytes);
    this.#rows.push(this.#workgroups, flatFirst, this.#bytes / 4, ...call.values);
    this.#workgroups += call.workgroups;
    this.#calls++;
    this.#bytes += alignUp(byteLength(part), BINDING_ALIGNMENT);
    this.#own.grow(this.#bytes / 4);
    this.#table.grow(this.#rows.length);
    this.#parts.set(keyOf(call), part);
    this.#targets.add(call.of.id);
    dispatch.params = { calls: this.#calls };
    dispatch.workgroups = workgroups1d(this.#workgroups);
    dispatch.flops += call.flops;
    dispatch.bytes += call.bytes;
    return part;
  }
}

function keyOf({ of, shape, values }: BatchCall): string {
  return [of.id, ...shape, ...values].join(" ");
}
