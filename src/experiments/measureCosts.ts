import type { Gpu } from "../gpu/gpu.ts";
import { elementCount } from "../gpu/tensor.ts";
import { freeCount } from "../models/fields.ts";
import type { ModelFile } from "../training/modelFile.ts";
import type { AnyTask } from "../tasks/list.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { median } from "../quantiles.ts";
import { rehearse } from "./rehearsal.ts";
import type { PlannedRun } from "./plannedRun.ts";
import type { ArmCost, ArmTiming } from "./costs.ts";

/** A training step's operations over those of a forward pass: backward there are two of its size. */
const PASSES = 3;

/** Counts, on a model of an arm: values do not matter. */
export async function armCost(gpu: Gpu, { material: { task } }: PlannedRun, model: ModelFile): Promise<ArmCost> {
  const { training } = model.config;
  const forward = await task.forward(gpu, model, { batch: training.batch });
  try {
    const { flops } = forward.plan;
    return {
      weights: freeWeights(task, training),
      predictionFlops: flops / training.batch,
      stepFlops: PASSES * flops,
    };
  } finally {
    forward.destroy();
  }
}

function freeWeights(task: AnyTask, config: TrainConfig): number {
  const trained = task.parameters(config).filter((parameter) => parameter.trained);
  return trained.reduce((sum, { shape, orbits }) => {
    const size = elementCount(shape);
    return sum + (orbits ? freeCount(size, orbits()) : size);
  }, 0);
}

/** Timed replays; one before them warms up. */
const REPLAYS = 5;

/** Times a training step and a prediction of an arm. */
export async function armTiming(gpu: Gpu, run: PlannedRun, model: ModelFile): Promise<ArmTiming> {
  const { batch } = model.config.training;
  const forward = await run.material.task.forward(gpu, model, { batch });
  const seconds: number[] = [];
  try {
    for (let i = 0; i <= REPLAYS; i++) {
      const began = performance.now();
      forward.plan.run();
      await gpu.finish();
      if (i > 0) seconds.push((performance.now() - began) / 1000);
    }
  } finally {
    forward.destroy();
  }
  return { step: await rehearse(gpu, run), prediction: median(seconds) / batch };
}
