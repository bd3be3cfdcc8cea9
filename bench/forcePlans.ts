// EScAIP on the GPU, for the cases that time it: its own trainer and evaluator.
import type { Gpu } from "../src/gpu/gpu.ts";
import type { ForceConfig } from "../src/tasks/forces/forceConfig.ts";
import { ForceEvaluator } from "../src/tasks/forces/forceEvaluator.ts";
import { ForceTally } from "../src/tasks/forces/forceTally.ts";
import { forces } from "../src/tasks/forces/forces.ts";
import type { PackedStructures } from "../src/tasks/forces/packStructures.ts";
import type { CaseData, OpenCase } from "./case.ts";
import { openTrainingStep, storeOf } from "./trainingStep.ts";

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

/** Opens a training step, whose outputs are the loss and the gradients of the first one. */
export function openForceStep(gpu: Gpu, config: ForceConfig, batch: ForceBatch, data: CaseData): Promise<OpenCase> {
  return openTrainingStep(gpu, forces, config, packed(batch), data);
}

/** Opens an evaluation under the rotations of the cube, whose output is its terms. */
export async function openForceEvaluation(
  gpu: Gpu,
  config: ForceConfig,
  batch: ForceBatch,
  data: CaseData,
): Promise<OpenCase> {
  const store = storeOf(gpu, forces, config, data);
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
