import { squaredError } from "../../equivariance/losses.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { ForwardPass, ModelMeasurer, ModelMeasurerOptions, TrainedModelOptions } from "../../training/task.ts";
import { lossesOf } from "../lossesOf.ts";
import type { FlowConfig } from "./flowConfig.ts";
import { FlowEvaluator } from "./flowEvaluator.ts";
import { FlowModel } from "./flowModel.ts";
import { FlowPass } from "./flowPass.ts";
import { FlowTally } from "./flowTally.ts";
import type { PackedBackbones } from "./packFlow.ts";
import { requireSquared } from "./requireSquared.ts";

type Options = ModelMeasurerOptions<FlowConfig, PackedBackbones>;

/** Measures a trained flow-matching model: over all times, and by their quarters. */
export async function measureFlowModel(gpu: Gpu, options: Options): Promise<ModelMeasurer> {
  const { data, group, rotations, loss = squaredError, seed, precision } = options;
  requireSquared(loss);
  const model = await FlowModel.load(gpu, options.model, { precision });
  const { config, moments } = model;
  let evaluator: FlowEvaluator;
  try {
    evaluator = await FlowEvaluator.create(gpu, {
      ...{ config, chains: data, group, rotations, seed, precision },
      parameters: (graph) => model.parameters(graph),
    });
  } catch (error) {
    model.destroy();
    throw error;
  }
  const tally = new FlowTally({ group, rotations, seed }, config.crop, moments);
  return {
    shape: undefined,
    noises: 1,
    async add(index) {
      for await (const predicted of evaluator.results(Uint32Array.of(index))) tally.add(predicted);
      return undefined;
    },
    result() {
      const { measured, lossWiener } = tally.whole();
      const terms = { all: { ...lossesOf(measured), lossWiener } };
      const parts = tally.byTime().map((part) => {
        return [`times ${part.times}`, { ...lossesOf(part.measured), lossWiener: part.lossWiener }] as const;
      });
      return { kind: "decomposition", group, ...measured, terms: { ...terms, ...Object.fromEntries(parts) } };
    },
    destroy() {
      evaluator.destroy();
      model.destroy();
    },
  };
}

/** A forward pass on made-up chains as long as the model's crops. */
export async function flowForward(
  gpu: Gpu,
  file: ModelFile<FlowConfig>,
  { batch, ...options }: TrainedModelOptions & { readonly batch: number },
): Promise<ForwardPass> {
  const model = await FlowModel.load(gpu, file, options);
  try {
    const { config, precision } = model;
    const parameters = (graph: Parameters<FlowModel["parameters"]>[0]) => model.parameters(graph);
    const sizes = { places: config.crop, chains: batch, copies: 1 };
    const pass = await FlowPass.create(gpu, { config, precision, parameters, ...sizes });
    // A straight chain.
    const x = Float64Array.from({ length: 3 * config.crop }, (_, at) => (at % 3 === 0 ? 0.38 * Math.floor(at / 3) : 0));
    const sample = { residues: config.crop, time: 0.5, x, breaks: [] };
    pass.prepare([{ sample, previous: x, rotations: [[1, 0, 0, 0, 1, 0, 0, 0, 1]] }]);
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
