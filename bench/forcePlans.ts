// EScAIP on the GPU, for the cases that time it: its own trainer and evaluator.
import { BufferUsage, type Gpu } from "../src/gpu/gpu.ts";
import { ParameterStore } from "../src/graph/parameters.ts";
import { escaipParameters } from "../src/models/escaipLayout.ts";
import type { ForceConfig } from "../src/tasks/forces/forceConfig.ts";
import { ForceEvaluator } from "../src/tasks/forces/forceEvaluator.ts";
import { ForceTally } from "../src/tasks/forces/forceTally.ts";
import { forces } from "../src/tasks/forces/forces.ts";
import type { PackedStructures } from "../src/tasks/forces/packStructures.ts";
import { readStatus, STATUS_BYTES, Trainer } from "../src/training/trainer.ts";
import { plannedMemory, type CaseData, type OpenCase } from "./case.ts";

/** Structures of equal size: positions [B, n, 3], numbers [B, n], labels as the network sees them. */
export interface ForceBatch {
  readonly structures: number;
  readonly places: number;
  readonly positions: Float32Array;
  readonly numbers: Float32Array;
  readonly energies: Float32Array;
  readonly forces: Float32Array;
}

function packed({ structures, places, positions, numbers, energies, forces }: ForceBatch): PackedStructures {
  const four = (values: Float32Array, last: (i: number) => number) =>
    Float32Array.from({ length: 4 * structures * places }, (_, at) =>
      at % 4 === 3 ? last((at - 3) / 4) : values[3 * Math.floor(at / 4) + (at % 4)]!,
    );
  return {
    atoms: four(positions, (i) => numbers[i]!),
    forces: four(forces, () => 0),
    offsets: Uint32Array.from({ length: structures + 1 }, (_, s) => s * places),
    ...{ count: structures, places, sourceIndex: Uint32Array.from({ length: structures }, (_, s) => s) },
    energies: energies.slice(0, structures),
    scales: { elementEnergies: [], energyScale: 1, forceScale: 1 },
  };
}

function storeOf(gpu: Gpu, config: ForceConfig, data: CaseData): ParameterStore {
  const parameters = escaipParameters(config);
  const store = new ParameterStore(gpu, parameters);
  for (const { name } of parameters) {
    const values = data.get(name) as Float32Array;
    store.write(name, values);
    store.write(name, values, "ema");
  }
  return store;
}

/** Opens a training step, whose outputs are the loss and the gradients of the first one. */
export async function openForceStep(
  gpu: Gpu,
  config: ForceConfig,
  batch: ForceBatch,
  data: CaseData,
): Promise<OpenCase> {
  const store = storeOf(gpu, config, data);
  const start = performance.now();
  const trainer = await Trainer.create(gpu, forces, config, store, packed(batch));
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

/** Opens an evaluation under the rotations of the cube, whose output is its terms. */
export async function openForceEvaluation(
  gpu: Gpu,
  config: ForceConfig,
  batch: ForceBatch,
  data: CaseData,
): Promise<OpenCase> {
  const store = storeOf(gpu, config, data);
  const start = performance.now();
  const structures = packed(batch);
  const evaluator = await ForceEvaluator.create(gpu, {
    ...{ config, structures, group: "octahedral", rotations: 24, seed: 1, precision: "f32" },
    parameters: (graph) => store.bind(graph, { constants: "weights" }),
  });
  const places = Uint32Array.from({ length: batch.structures }, (_, i) => i);
  let terms: number[] = [];
  return {
    compileMs: performance.now() - start,
    variant: "the task's evaluation",
    sets: 1,
    untimed: true,
    async run() {
      const tally = new ForceTally({ group: "octahedral", rotations: 24 });
      for await (const found of evaluator.results(places)) tally.add(found);
      const { lossTotal, lossMean, lossEquiv, lossZero } = tally.decompositions().forces;
      const components = 3 * batch.places * batch.structures;
      terms = [lossTotal, lossMean, lossEquiv, lossZero].map((loss) => components * loss);
    },
    outputs: () => Promise.resolve(new Map([["terms", terms]])),
    destroy() {
      evaluator.destroy();
      store.destroy();
    },
  };
}
