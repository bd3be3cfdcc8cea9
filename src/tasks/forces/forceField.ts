import { kindOf, requireArray, requireGpu } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Graph, Precision } from "../../graph/graph.ts";
import type { ParameterStore } from "../../graph/parameters.ts";
import type { ParameterOf } from "../../models/escaip.ts";
import { ELEMENT_ROWS, escaipParameters } from "../../models/escaipLayout.ts";
import { centred, type Molecule } from "../../molecules/molecule.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { TrainedModel, TrainedModelOptions } from "../../training/task.ts";
import { loadedStore } from "../loadedStore.ts";
import { Turns } from "../turns.ts";
import type { ForceConfig } from "./forceConfig.ts";
import { forceModelFile } from "./forceModelFile.ts";
import { ForcePass } from "./forcePass.ts";
import { energyOf, hasLoneAtom, type LabelScales } from "./labels.ts";

/** What a force field says of a molecule. */
export interface EnergyAndForces {
  /** In eV: what the network says and what the composition tells. */
  readonly energy: number;
  /** [n, 3], in eV/Angstrom. */
  readonly forces: Float64Array;
}

/**
 * A trained force field, ready to run: takes molecules, gives energies and forces. A file says how its network is built
 * and in which units it was trained.
 *
 * ```ts
 * const model = await ForceField.load(gpu, bytes); // in Node: await openForceField(gpu, "runs/forces-tiny-1")
 * const [water] = await model.predict([molecule]); // { energy, forces }
 * model.destroy();
 * ```
 *
 * Forces are those of the network's head, not the energy's gradient. Molecules of a call may be of different sizes.
 * Calls take their turn.
 */
export class ForceField implements TrainedModel {
  /** What the model was trained with. */
  readonly config: ForceConfig;
  /** What was found of the labels that it was trained on. */
  readonly scales: LabelScales;
  /** Updates that the weights have seen; NaN where the file does not say. */
  readonly step: number;
  /** How activations are stored. */
  readonly precision: Precision;
  readonly #gpu: Gpu;
  readonly #store: ParameterStore;
  readonly #turns = new Turns();
  #destroyed = false;

  private constructor(gpu: Gpu, file: ModelFile<ForceConfig>, precision: Precision, store: ParameterStore) {
    this.config = file.config.training;
    this.scales = file.config.fitted as unknown as LabelScales;
    this.step = file.step;
    this.precision = precision;
    this.#gpu = gpu;
    this.#store = store;
  }

  /**
   * @param model the bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them
   * @throws VoxtwirlError "bad-file" when it is no model, "bad-config" when its configuration cannot be used,
   *   "unsupported" for f16 on an adapter without it, "out-of-memory" when the weights do not fit
   */
  static async load(
    this: void,
    gpu: Gpu,
    model: Uint8Array | ModelFile,
    options: TrainedModelOptions = {},
  ): Promise<ForceField> {
    requireGpu(gpu);
    const file = forceModelFile(model);
    const parameters = escaipParameters(file.config.training);
    const { store, precision } = await loadedStore(gpu, file, parameters, options);
    return new ForceField(gpu, file, precision, store);
  }

  /** The weights in a graph of the caller's, as `escaip` takes them. */
  parameters(graph: Graph): ParameterOf {
    this.#check();
    return this.#store.bind(graph, { constants: "weights" });
  }

  /**
   * Energies and forces of molecules, in their order.
   *
   * @throws VoxtwirlError "bad-molecule" for one that the network does not take, "not-finite" where it gives what is no
   *   number, "too-large" or "out-of-memory" where they do not fit, "destroyed"
   */
  async predict(molecules: readonly Molecule[]): Promise<EnergyAndForces[]> {
    this.#check();
    requireArray("molecules", molecules, "Give molecules: those of parseXyz, or { elements, positions }.");
    molecules.forEach((molecule, i) => requireMolecule(molecule, i, this.config.cutoff));
    if (molecules.length === 0) return [];
    const structures = packed(molecules);
    let result: EnergyAndForces[] = [];
    await this.#turns.take(async () => {
      this.#check();
      const copies = Math.min(molecules.length, Math.max(1, Math.floor(MOST_ATOMS / structures.places)));
      const { config, precision } = this;
      const parameters = (graph: Graph) => this.parameters(graph);
      const pass = await ForcePass.create(this.#gpu, { config, precision, structures, copies, parameters });
      try {
        result = await this.#predictAll(pass, molecules);
      } finally {
        pass.destroy();
      }
    });
    return result;
  }

  async #predictAll(pass: ForcePass, molecules: readonly Molecule[]): Promise<EnergyAndForces[]> {
    const { elementEnergies, energyScale, forceScale } = this.scales;
    const all: EnergyAndForces[] = [];
    for (let from = 0; from < molecules.length; from += pass.copies) {
      const some = molecules.slice(from, from + pass.copies);
      const posed = some.map((_, i) => ({ index: from + i, rotation: IDENTITY }));
      for (const [i, { energy, forces }] of (await pass.predict(posed)).entries()) {
        if (!Number.isFinite(energy) || !forces.every(Number.isFinite)) {
          const message = `the force field gives what is no number for molecule ${from + i + 1}`;
          throw new VoxtwirlError("not-finite", message, "Use an earlier checkpoint.");
        }
        all.push({
          energy: energy * energyScale + energyOf(elementEnergies, some[i]!.elements),
          forces: Float64Array.from(forces, (force) => force * forceScale),
        });
      }
    }
    return all;
  }

  /** Frees the weights. Predictions under way still arrive; twice is harmless. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#store.destroy();
  }

  #check(): void {
    if (this.#destroyed) throw new VoxtwirlError("destroyed", "this model was destroyed", "Load it again.");
  }
}

const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1] as const;

/** Places of one replay. */
const MOST_ATOMS = 2048;

function requireMolecule(molecule: unknown, i: number, cutoff: number): void {
  const { elements, positions } = (molecule ?? {}) as Partial<Molecule>;
  const fail = (what: string, fix: string) => {
    throw new VoxtwirlError("bad-molecule", `molecule ${i + 1}${what}`, fix);
  };
  if (elements === undefined || positions === undefined) {
    return fail(` is ${kindOf(molecule)}`, "Give { elements, positions }.");
  }
  if (elements.length < 2 || positions.length !== 3 * elements.length) {
    const what = ` has ${elements.length} elements and ${positions.length} coordinates`;
    fail(what, "Give at least two atoms, and three coordinates for each.");
  }
  if (elements.some((z) => z < 1 || z >= ELEMENT_ROWS) || !positions.every(Number.isFinite)) {
    const what = " has an element that is not known, or a position that is no number";
    fail(what, `Give atomic numbers from 1 to ${ELEMENT_ROWS - 1}.`);
  }
  if (hasLoneAtom(positions, cutoff)) {
    fail(` has an atom without another within ${cutoff} A`, "Give whole molecules, one by one.");
  }
}

function packed(molecules: readonly Molecule[]) {
  const offsets = new Uint32Array(molecules.length + 1);
  molecules.forEach(({ elements }, s) => (offsets[s + 1] = offsets[s]! + elements.length));
  const atoms = new Float32Array(4 * offsets[molecules.length]!);
  molecules.forEach(({ elements, positions }, s) => {
    const own = centred(positions);
    elements.forEach((z, i) => {
      atoms.set([own[3 * i]!, own[3 * i + 1]!, own[3 * i + 2]!, z], 4 * (offsets[s]! + i));
    });
  });
  const places = molecules.reduce((most, { elements }) => Math.max(most, elements.length), 0);
  return { atoms, offsets, count: molecules.length, places };
}
