import { inverseRotation, rotatePoints, type Rotation } from "../../equivariance/groups.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import { Plan } from "../../graph/plan.ts";
import { escaip, type AtomicGraph, type EscaipOutput, type ParameterOf } from "../../models/escaip.ts";
import type { EscaipConfig } from "../../models/escaipLayout.ts";
import { posedStructures, structureTensors, uploadStructures } from "./atomicGraph.ts";
import { closedForm, type ClosedForm } from "./closedForm.ts";
import type { PackedStructures } from "./packStructures.ts";

/** What is predicted, and by what. */
export interface ForcePassOptions {
  readonly config: EscaipConfig;
  readonly precision: Precision;
  readonly structures: Pick<PackedStructures, "atoms" | "offsets" | "count" | "places">;
  /** Copies of structures, each in a pose of its own, that one replay predicts. */
  readonly copies: number;
  /** Binds the weights to a graph. */
  readonly parameters: (graph: Graph) => ParameterOf;
  /** Called with hidden features, as in `EscaipOptions`. */
  readonly feature?: ((graph: Graph, name: string, tensor: Parameters<Graph["keep"]>[0]) => void) | undefined;
}

/** A structure and the rotation it is predicted in. */
export interface PosedStructure {
  readonly index: number;
  readonly rotation: Rotation;
}

/** What was predicted of one of them, normalised as the model's labels. */
export interface PosedPrediction {
  readonly energy: number;
  /** f(T x), as the network gives them: not rotated back. */
  readonly forces: Float32Array;
}

/** A forward pass on structures in poses, replayed with others. */
export class ForcePass {
  readonly plan: Plan;
  readonly #gpu: Gpu;
  readonly #options: ForcePassOptions;
  readonly #chosen: BufferView;
  readonly #poses: BufferView;
  readonly #atomic: AtomicGraph;
  readonly #output: EscaipOutput;
  readonly #owned: readonly BufferView[];

  private constructor(gpu: Gpu, options: ForcePassOptions, built: Built, plan: Plan) {
    this.plan = plan;
    this.#gpu = gpu;
    this.#options = options;
    this.#chosen = built.chosen;
    this.#poses = built.poses;
    this.#atomic = built.atomic;
    this.#output = built.output;
    this.#owned = built.owned;
  }

  /** @throws VoxtwirlError "out-of-memory" or "too-large" where it does not fit; nothing stays allocated */
  static async create(gpu: Gpu, options: ForcePassOptions): Promise<ForcePass> {
    const owned: BufferView[] = [];
    try {
      const built = build(gpu, options, owned);
      const plan = await Plan.create(gpu, built.graph, { label: "forces" });
      return new ForcePass(gpu, options, built, plan);
    } catch (error) {
      for (const { buffer } of owned) gpu.destroyBuffer(buffer);
      throw error;
    }
  }

  /** Structures of one replay at most. */
  get copies(): number {
    return this.#options.copies;
  }

  /** Writes what the next replay predicts; left-over places get the first structure again. */
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

  /** Predicts up to `copies` structures. */
  async predict(posed: readonly PosedStructure[]): Promise<PosedPrediction[]> {
    this.prepare(posed);
    this.plan.run();
    const { energies, forces } = this.#output;
    const [e, f] = await this.plan.read(energies, forces);
    const { places } = this.#options.structures;
    return posed.map(({ index }, at) => {
      const from = 3 * places * at;
      return { energy: e![at]!, forces: (f as Float32Array).slice(from, from + 3 * this.#atoms(index)) };
    });
  }

  /** After a replay: the closed forms of the copies at these places of it. */
  async closedForms(posed: readonly PosedStructure[], at: readonly number[]): Promise<ClosedForm[]> {
    const { coefficients, magnitudes } = this.#output;
    const { edges } = this.#atomic;
    const [n, m] = this.#atomic.neighbours.shape.slice(1) as [number, number];
    const part = (tensor: typeof edges, each: number, place: number, atoms: number): BufferView => {
      const view = this.plan.view(tensor);
      return { ...view, offset: view.offset + 4 * each * n * place, size: 4 * each * atoms };
    };
    const atoms = at.map((place) => this.#atoms(posed[place]!.index));
    const views = at.flatMap((place, i) => [
      part(coefficients, 3 * m, place, atoms[i]!),
      part(magnitudes, 1, place, atoms[i]!),
      part(edges, 4 * m, place, atoms[i]!),
    ]);
    const read = (await this.#gpu.read(...views)).map((bytes) => new Float32Array(bytes));
    return at.map((_, i) => {
      const [c, magnitude, direction] = [read[3 * i]!, read[3 * i + 1]!, read[3 * i + 2]!];
      return closedForm(atoms[i]!, { coefficients: c, magnitudes: magnitude, edges: direction });
    });
  }

  #atoms(index: number): number {
    const { offsets } = this.#options.structures;
    return offsets[index + 1]! - offsets[index]!;
  }

  /** Frees all that was made. */
  destroy(): void {
    this.plan.destroy();
    for (const { buffer } of this.#owned) this.#gpu.destroyBuffer(buffer);
  }
}

/** T^-1 f: forces as they are in the structure's own pose. */
export function rotatedBack(rotation: Rotation, forces: Float32Array): Float32Array {
  return rotatePoints(inverseRotation(rotation), forces);
}

interface Built {
  readonly graph: Graph;
  readonly chosen: BufferView;
  readonly poses: BufferView;
  readonly atomic: AtomicGraph;
  readonly output: EscaipOutput;
  readonly owned: readonly BufferView[];
}

function build(gpu: Gpu, options: ForcePassOptions, owned: BufferView[]): Built {
  const { config, precision, structures, copies, parameters, feature } = options;
  const upload = (label: string, values: Float32Array | Uint32Array) => {
    const view = gpu.upload(label, values);
    owned.push(view);
    return view;
  };
  const graph = new Graph(gpu.caps, { precision });
  const tensors = structureTensors(graph, uploadStructures(upload, "structures", structures));
  const chosen = upload("chosen structures", new Uint32Array(copies));
  const poses = upload("poses", new Float32Array(12 * copies));
  const atomic = posedStructures(graph, {
    structures: tensors,
    chosen: graph.external("chosen structures", [copies], chosen, "u32"),
    poses: graph.external("poses", [copies, 12], poses),
    rule: config,
  });
  const output = escaip(graph, config, atomic, {
    parameter: parameters(graph),
    ...(feature && { feature: (name, tensor) => feature(graph, name, tensor) }),
  });
  const { energies, forces, coefficients, magnitudes } = output;
  for (const tensor of [energies, forces, coefficients, magnitudes, atomic.edges]) graph.keep(tensor);
  return { graph, chosen, poses, atomic, output, owned };
}
