import { Tally } from "../../equivariance/decomposition.ts";
import { OCTAHEDRAL_ORDER } from "../../equivariance/octahedral.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { ForwardPass, ModelMeasurer, ModelMeasurerOptions, TrainedModelOptions } from "../../training/task.ts";
import { lossesOf } from "../lossesOf.ts";
import type { ForceConfig } from "./forceConfig.ts";
import { ForceEvaluator } from "./forceEvaluator.ts";
import { ForceField } from "./forceField.ts";
import { ForcePass } from "./forcePass.ts";
import type { PackedStructures } from "./packStructures.ts";

type Options = ModelMeasurerOptions<ForceConfig, PackedStructures>;

/** Measures a trained force field: forces first, and energies beside them. */
export async function measureForceField(gpu: Gpu, options: Options): Promise<ModelMeasurer> {
  const { data, group, rotations, loss, seed, precision } = options;
  const model = await ForceField.load(gpu, options.model, { precision });
  let evaluator: ForceEvaluator;
  try {
    evaluator = await ForceEvaluator.create(gpu, {
      ...{ config: model.config, structures: data, group, rotations, seed, precision },
      parameters: (graph) => model.parameters(graph),
    });
  } catch (error) {
    model.destroy();
    throw error;
  }
  const groupOrder = group === "octahedral" ? OCTAHEDRAL_ORDER : Infinity;
  const forces = new Tally({ rotations, groupOrder, loss, seed });
  const energy = new Tally({ rotations, groupOrder, seed });
  return {
    shape: undefined,
    noises: 1,
    async add(index) {
      for await (const found of evaluator.results(Uint32Array.of(index))) {
        forces.add(found.predictions, found.target);
        energy.add(found.energies, [found.energyTarget]);
      }
      return undefined;
    },
    result() {
      const main = forces.result();
      return {
        kind: "decomposition",
        group,
        ...main,
        terms: { forces: lossesOf(main), energy: lossesOf(energy.result()) },
      };
    },
    destroy() {
      evaluator.destroy();
      model.destroy();
    },
  };
}

/** A forward pass on made-up molecules, as large as the model's lists of neighbours. */
export async function forceForward(
  gpu: Gpu,
  file: ModelFile<ForceConfig>,
  { batch, ...options }: TrainedModelOptions & { readonly batch: number },
): Promise<ForwardPass> {
  const model = await ForceField.load(gpu, file, options);
  try {
    const { config, precision } = model;
    const structures = madeUp(batch, config.neighbours + 1);
    const parameters = (graph: Parameters<ForceField["parameters"]>[0]) => model.parameters(graph);
    const pass = await ForcePass.create(gpu, { config, precision, structures, copies: batch, parameters });
    pass.prepare(Array.from({ length: batch }, (_, index) => ({ index, rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1] })));
    return {
      plan: pass.plan,
      destroy() {
        pass.destroy();
        model.destroy();
      },
    };
  } catch (error) {
    model.destroy();
    throw error;
  }
}

/** Carbon atoms on a cubic lattice, so that each has all the others for neighbours. */
function madeUp(count: number, places: number) {
  const side = Math.ceil(Math.cbrt(places));
  const atoms = new Float32Array(4 * count * places);
  for (let at = 0; at < count * places; at++) {
    const i = at % places;
    const [x, y, z] = [i % side, Math.floor(i / side) % side, Math.floor(i / side ** 2)];
    atoms.set([1.5 * x, 1.5 * y, 1.5 * z, 6], 4 * at);
  }
  return { atoms, offsets: Uint32Array.from({ length: count + 1 }, (_, s) => s * places), count, places };
}
