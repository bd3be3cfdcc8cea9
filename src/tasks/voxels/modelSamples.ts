import { requireWhole } from "../../check.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { Plan } from "../../graph/plan.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import type { ModelSamples, ModelSamplesOptions } from "../../training/task.ts";
import { streams } from "./streams.ts";
import { TwirledSamples } from "./twirledSamples.ts";
import type { VoxelConfig } from "./voxelConfig.ts";
import { VoxelDenoiser } from "./voxelDenoiser.ts";

/** A trained denoiser with noisy and clean grids of molecules, posed and noised as in its evaluations. */
export async function voxelSamples(
  gpu: Gpu,
  { model: file, data, seed, precision }: ModelSamplesOptions<VoxelConfig, PackedMolecules>,
): Promise<ModelSamples> {
  const model = await VoxelDenoiser.load(gpu, file, { precision });
  const owned: BufferView[] = [];
  const destroy = () => {
    for (const { buffer } of owned) gpu.destroyBuffer(buffer);
    model.destroy();
  };
  try {
    const { grid, resolution, sigma, shift, elements } = model.config;
    const channels = elements.length;
    const given = {
      ...{ molecules: data, grid, channels, resolution, sigma, shift, twirl: 1, seed },
      streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    };
    const samples = new TwirledSamples(gpu, given, 1, owned);
    const plan = await Plan.create(gpu, samples.graph, { label: "samples" });
    const how = { kind: "grid", size: grid, channels } as const;
    return {
      input: how,
      output: how,
      async sample(index) {
        requireWhole("index", index, 0, data.count - 1);
        samples.prepare(index);
        plan.run();
        const [input, target] = (await plan.read(samples.noisy, samples.clean)) as [Float32Array, Float32Array];
        return { input, target };
      },
      predict: (grids) => model.predict(grids),
      destroy() {
        plan.destroy();
        destroy();
      },
    };
  } catch (error) {
    destroy();
    throw error;
  }
}
