import { inverseRotation, rotatePoints, type Rotation } from "../../equivariance/groups.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Graph } from "../../graph/graph.ts";
import { Plan } from "../../graph/plan.ts";
import { escaip, type EscaipOutput, type ParameterOf } from "../../models/escaip.ts";
import { closedForm, type ClosedForm } from "./closedForm.ts";
import { PosedCopies, type PosedCopiesOptions, type PosedStructure } from "./posedCopies.ts";

/** What is predicted, and by what. */
export interface ForcePassOptions extends PosedCopiesOptions {
  /** Binds the weights to a graph. */
  readonly parameters: (graph: Graph) => ParameterOf;
  /** Called with hidden features, as in `EscaipOptions`. */
  readonly feature?: ((graph: Graph, name: string, tensor: Tensor) => void) | undefined;
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
  readonly #inputs: PosedCopies;
  readonly #output: EscaipOutput;
  readonly #owned: readonly BufferView[];

  private constructor(
    gpu: Gpu,
    options: ForcePassOptions,
    made: { readonly inputs: PosedCopies; readonly output: EscaipOutput; readonly owned: readonly BufferView[] },
    plan: Plan,
  ) {
    this.plan = plan;
    this.#gpu = gpu;
    this.#options = options;
    this.#inputs = made.inputs;
    this.#output = made.output;
    this.#owned = made.owned;
  }

  /** @throws VoxtwirlError "out-of-memory" or "too-large" where it does not fit; nothing stays allocated */
  static async create(gpu: Gpu, options: ForcePassOptions): Promise<ForcePass> {
    const owned: BufferView[] = [];
    try {
      const inputs = new PosedCopies(gpu, options, owned);
      const output = append(inputs, options);
      const plan = await Plan.create(gpu, inputs.graph, { label: "forces" });
      return new ForcePass(gpu, options, { inputs, output, owned }, plan);
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
    this.#inputs.prepare(posed);
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
      return { energy: e![at]!, forces: (f as Float32Array).slice(from, from + 3 * this.#inputs.atomsOf(index)) };
    });
  }

  /** After a replay: the closed forms of the copies at these places of it. */
  async closedForms(posed: readonly PosedStructure[], at: readonly number[]): Promise<ClosedForm[]> {
    const { coefficients, magnitudes } = this.#output;
    const { edges, neighbours } = this.#inputs.atomic;
    const [n, m] = neighbours.shape.slice(1) as [number, number];
    const part = (tensor: typeof edges, each: number, place: number, atoms: number): BufferView => {
      const view = this.plan.view(tensor);
      return { ...view, offset: view.offset + 4 * each * n * place, size: 4 * each * atoms };
    };
    const atoms = at.map((place) => this.#inputs.atomsOf(posed[place]!.index));
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

  /** After a replay: how many slots for neighbours are in use, [copies, places]. */
  async slotsInUse(): Promise<Uint32Array> {
    const [counts] = await this.plan.read(this.#inputs.atomic.neighbourCounts);
    return counts as Uint32Array;
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

function append({ graph, atomic }: PosedCopies, { config, parameters, feature }: ForcePassOptions): EscaipOutput {
  const output = escaip(graph, config, atomic, {
    parameter: parameters(graph),
    ...(feature && { feature: (name, tensor) => feature(graph, name, tensor) }),
  });
  const { energies, forces, coefficients, magnitudes } = output;
  const kept = [energies, forces, coefficients, magnitudes, atomic.edges, atomic.neighbourCounts];
  for (const tensor of kept) graph.keep(tensor);
  return output;
}
