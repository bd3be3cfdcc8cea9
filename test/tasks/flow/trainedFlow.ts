/** A flow-matching model after a few steps, and held-out chains of unequal sizes. */
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { builtinBackbones } from "../../../src/proteins/builtinBackbones.ts";
import { makeChain } from "../../../src/proteins/chain.ts";
import { flow } from "../../../src/tasks/flow/flow.ts";
import { flowModelFile } from "../../../src/tasks/flow/flowModelFile.ts";
import { train } from "../../../src/training/loop.ts";
import { Training } from "../../../src/training/training.ts";
import { smallConfig } from "./smallFlow.ts";

/** The beginnings of some of the built-in backbones: some shorter than a crop, some longer. */
const chains = builtinBackbones()
  .filter((_, i) => i % 5 === 0)
  .map(({ positions, residues }, i) => {
    const length = 12 + 3 * (i % 4);
    return makeChain({ positions: positions.slice(0, 3 * length), residues: residues.slice(0, length) });
  });

export const trainedConfig = flow.check({ ...smallConfig, shortest: 10, crop: 16, heldout: 3, every: 4, twirl: 2 });

export async function trainedFlow(gpu: Gpu, config = trainedConfig) {
  const data = flow.open(chains, config);
  const training = await Training.create(gpu, flow, config, data);
  try {
    for await (const _ of train(training));
    return { model: flowModelFile(await training.encodeModel(config.steps)), data: data.heldout };
  } finally {
    training.destroy();
  }
}
