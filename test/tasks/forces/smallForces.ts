/** A force field as small as can be, on a few of the built-in frames. */
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { builtinForceFrames } from "../../../src/molecules/builtinForces.ts";
import type { ForceConfig } from "../../../src/tasks/forces/forceConfig.ts";
import { forceModelFile } from "../../../src/tasks/forces/forceModelFile.ts";
import { forces } from "../../../src/tasks/forces/forces.ts";
import { presets } from "../../../src/tasks/forces/presets.ts";
import { train } from "../../../src/training/loop.ts";
import { Training } from "../../../src/training/training.ts";

export const smallConfig: ForceConfig = forces.check({
  ...presets["forces-tiny"]!,
  ...{ hidden: 16, heads: 2, atomEmbedding: 8, gaussians: 16, distanceEmbedding: 16, directionEmbedding: 8 },
  ...{ batch: 4, microBatch: 4, steps: 4, every: 2, heldout: 4, warmup: 1 },
});

/** Of unequal sizes. */
export const smallFrames = builtinForceFrames().filter((_, i) => i % 40 === 0);

/** The model after a few steps, and its held-out structures. */
export async function smallForceField(gpu: Gpu, config = smallConfig) {
  const data = forces.open(smallFrames, config);
  const training = await Training.create(gpu, forces, config, data);
  try {
    for await (const _ of train(training));
    return { model: forceModelFile(await training.encodeModel(config.steps)), data: data.heldout };
  } finally {
    training.destroy();
  }
}
