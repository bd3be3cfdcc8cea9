import { requireWhole } from "../../check.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { ModelSamples, ModelSamplesOptions } from "../../training/task.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { chainSide } from "./chainSide.ts";
import type { FlowConfig } from "./flowConfig.ts";
import { FlowModel } from "./flowModel.ts";
import { FlowPass } from "./flowPass.ts";
import { lateSample } from "./flowSamples.ts";
import type { PackedBackbones } from "./packFlow.ts";
import { IDENTITY, REPLAY_TOKENS } from "./twirledChains.ts";

/**
 * A flow-matching model with crops of chains, [n, 3] in nm: x_t as input, the chain itself x_1 as target, the endpoint
 * x1_hat as prediction, vectors all three, so that reflections act on them too. Of each chain it is the sample of the
 * last quarter of the time, where most of training's times are, without a self-condition. What is measured of them is
 * the squared error of endpoints in nm^2 per coordinate: it has none of the loss's weights by time.
 */
export async function flowModelSamples(
  gpu: Gpu,
  { model: file, data, seed, precision }: ModelSamplesOptions<FlowConfig, PackedBackbones>,
): Promise<ModelSamples> {
  const model = await FlowModel.load(gpu, file, { precision });
  const { config } = model;
  let pass: FlowPass;
  try {
    pass = await asManyAsFit(gpu, Math.ceil(REPLAY_TOKENS / chainSide(config, config.crop)), (chains) =>
      FlowPass.create(gpu, {
        ...{ config, precision, chains, copies: 1, places: config.crop },
        parameters: (graph) => model.parameters(graph),
      }),
    );
  } catch (error) {
    model.destroy();
    throw error;
  }
  const sampleAt = (index: number) => {
    requireWhole("index", index, 0, data.count - 1);
    return lateSample(data, config, seed, index);
  };
  const how = { kind: "vectors" } as const;
  return {
    input: how,
    output: how,
    sample: (index) =>
      Promise.resolve(index).then((given) => {
        const { x, target } = sampleAt(given);
        return { input: Float32Array.from(x), target: Float32Array.from(target) };
      }),
    async predict(inputs, { count, sample: index }) {
      const sample = sampleAt(index);
      const size = inputs.length / count;
      const copies = Array.from({ length: count }, (_, k) => {
        const x = Float64Array.from(inputs.subarray(k * size, (k + 1) * size));
        return { sample: { ...sample, x }, rotations: [IDENTITY] };
      });
      const endpoints = new Float32Array(inputs.length);
      for (let at = 0; at < count; at += pass.chains) {
        const predicted = await pass.predict(copies.slice(at, at + pass.chains));
        predicted.forEach(([one], i) => endpoints.set(one!, (at + i) * size));
      }
      return endpoints;
    },
    destroy() {
      pass.destroy();
      model.destroy();
    },
  };
}
