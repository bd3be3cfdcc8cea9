import type { Rotation } from "../../equivariance/groups.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import type { AtomicGraph } from "../../models/escaip.ts";
import type { EscaipConfig } from "../../models/escaipLayout.ts";
import { posedStructures, structureTensors, uploadStructures } from "./atomicGraph.ts";
import type { PackedStructures } from "./packStructures.ts";

/** Which structures, for which network, and how many at once. */
export interface PosedCopiesOptions {
  readonly config: EscaipConfig;
  readonly precision: Precision;
  readonly structures: Pick<PackedStructures, "atoms" | "offsets" | "count" | "places">;
  /** Copies of structures, each in a pose of its own, that one replay takes. */
  readonly copies: number;
}

/** A structure and the rotation it is predicted in. */
export interface PosedStructure {
  readonly index: number;
  readonly rotation: Rotation;
}

/** The beginning of every graph that takes structures in poses, replayed with others. */
export class PosedCopies {
  readonly graph: Graph;
  readonly atomic: AtomicGraph;
  readonly #gpu: Gpu;
  readonly #options: PosedCopiesOptions;
  readonly #chosen: BufferView;
  readonly #poses: BufferView;

  /** @param owned buffers that are made are added, for the caller to destroy */
  constructor(gpu: Gpu, options: PosedCopiesOptions, owned: BufferView[]) {
    const { config, precision, structures, copies } = options;
    const upload = (label: string, values: Float32Array | Uint32Array) => {
      const view = gpu.upload(label, values);
      owned.push(view);
      return view;
    };
    this.#gpu = gpu;
    this.#options = options;
    this.graph = new Graph(gpu.caps, { precision });
    const tensors = structureTensors(this.graph, uploadStructures(upload, "structures", structures));
    this.#chosen = upload("chosen structures", new Uint32Array(copies));
    this.#poses = upload("poses", new Float32Array(12 * copies));
    this.atomic = posedStructures(this.graph, {
      structures: tensors,
      chosen: this.graph.external("chosen structures", [copies], this.#chosen, "u32"),
      poses: this.graph.external("poses", [copies, 12], this.#poses),
      rule: config,
    });
  }

  /** Writes what the next replay takes; left-over places get the first structure again. */
  prepare(posed: readonly PosedStructure[]): void {
    const { copies } = this.#options;
    const chosen = new Uint32Array(copies);
    const poses = new Float32Array(12 * copies);
    for (let at = 0; at < copies; at++) {
      const { index, rotation } = posed[at] ?? posed[0]!;
      chosen[at] = index;
      poses.set(rotation, 12 * at);
    }
    this.#gpu.write(this.#chosen, chosen);
    this.#gpu.write(this.#poses, poses);
  }

  /** Atoms of a structure. */
  atomsOf(index: number): number {
    const { offsets } = this.#options.structures;
    return offsets[index + 1]! - offsets[index]!;
  }
}
