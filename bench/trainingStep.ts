// A task's own training step on the GPU, for the cases that time it.
import { BufferUsage, type Gpu } from "../src/gpu/gpu.ts";
import { ParameterStore } from "../src/graph/parameters.ts";
import type { Packed, Task } from "../src/training/task.ts";
import type { TrainConfig } from "../src/training/trainConfig.ts";
import { readStatus, STATUS_BYTES, Trainer } from "../src/training/trainer.ts";
import { plannedMemory, type CaseData, type OpenCase } from "./case.ts";

/** A store with a case's weights, and their average beside them. */
export function storeOf<C extends TrainConfig>(
  gpu: Gpu,
  task: Pick<Task<C>, "parameters">,
  config: C,
  data: CaseData,
): ParameterStore {
  const parameters = task.parameters(config);
  const store = new ParameterStore(gpu, parameters);
  for (const { name } of parameters) {
    const values = data.get(name) as Float32Array;
    store.write(name, values);
    store.write(name, values, "ema");
  }
  return store;
}

/** Opens a training step, whose outputs are the loss and the gradients of the first one. */
export async function openTrainingStep<C extends TrainConfig, P extends Packed>(
  gpu: Gpu,
  task: Task<C, P>,
  config: C,
  packed: P,
  data: CaseData,
): Promise<OpenCase> {
  const store = storeOf(gpu, task, config, data);
  const start = performance.now();
  const trainer = await Trainer.create(gpu, task, config, store, packed);
  const status = gpu.createBuffer("status", STATUS_BYTES, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
  let steps = 0;
  return {
    compileMs: performance.now() - start,
    memory: plannedMemory(trainer.plan),
    variant: "the task's step",
    sets: 1,
    // Its status comes back with each step.
    untimed: true,
    run: () => trainer.run(steps++, { buffer: status, offset: 0 }),
    async outputs() {
      await gpu.map(status);
      const [{ loss }] = readStatus(status.getMappedRange().slice(0)) as [ReturnType<typeof readStatus>[number]];
      status.unmap();
      const gradients = [...(await store.readAll("grads"))].map(([name, values]) => [`grad/${name}`, values] as const);
      return new Map<string, ArrayLike<number>>([["loss", [loss]], ...gradients]);
    },
    destroy() {
      gpu.destroyBuffer(status);
      trainer.destroy();
      store.destroy();
    },
  };
}
