import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fullOctahedral } from "../../../src/equivariance/cubeGroups.ts";
import { decompose } from "../../../src/equivariance/decomposition.ts";
import { octahedral } from "../../../src/equivariance/groups.ts";
import { measureEquivariance } from "../../../src/equivariance/measure.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { FlowEvaluator } from "../../../src/tasks/flow/flowEvaluator.ts";
import { FlowModel } from "../../../src/tasks/flow/flowModel.ts";
import { flowModelSamples } from "../../../src/tasks/flow/modelSamples.ts";
import type { ModelSamples } from "../../../src/training/task.ts";
import { testGpu } from "../../harness.ts";
import { trainedConfig, trainedFlow } from "./trainedFlow.ts";

describe("flowModelSamples", () => {
  let gpu: Gpu;
  let given: Parameters<typeof flowModelSamples>[1];
  let held: ModelSamples;
  beforeAll(async () => {
    gpu = await testGpu();
    given = { ...(await trainedFlow(gpu)), seed: 1, precision: "f32" };
    held = await flowModelSamples(gpu, given);
  });
  afterAll(() => held.destroy());

  const measured = async (group: () => ReturnType<typeof octahedral>, places: number[]) => {
    const samples = await Promise.all(places.map((i) => held.sample(i)));
    const { input, output, predict } = held;
    return measureEquivariance(predict, samples, { group, twirl: group().order, input, output });
  };

  it("gives endpoints of the model's evaluation, of samples without a self-condition", async () => {
    const model = await FlowModel.load(gpu, given.model);
    const evaluator = await FlowEvaluator.create(gpu, {
      ...{ config: trainedConfig, chains: given.data, group: "octahedral", rotations: 24, seed: 1, precision: "f32" },
      parameters: (graph) => model.parameters(graph),
    });
    for await (const predicted of evaluator.results(Uint32Array.of(0))) {
      const { sample, endpoints } = predicted.at(-1)!;
      expect([sample.selfConditioned, sample.time > 0.75]).toEqual([false, true]);
      const all = endpoints.flatMap((own) => Array.from(own));
      const expected = decompose(all, sample.target);
      const found = await measured(octahedral, [0]);
      for (const name of ["lossTotal", "lossEquiv", "lossZero"] as const) {
        expect(found[name] / expected[name], name).toBeCloseTo(1, 4);
      }
    }
    evaluator.destroy();
    model.destroy();
  });

  it("is measured under reflections too, of chains of unequal sizes", async () => {
    const sizes = await Promise.all([0, 1, 2].map(async (i) => (await held.sample(i)).input.length));
    expect(new Set(sizes).size).toBeGreaterThan(1);
    const [rotations, all] = [await measured(octahedral, [0, 1, 2]), await measured(fullOctahedral, [0, 1, 2])];
    // The inversion turns nearly all around in a net that has seen four steps: it is not far from linear.
    expect(all.lossEquiv / rotations.lossEquiv).toBeCloseTo(1, 2);
    expect(rotations.percentEquiv).toBeGreaterThan(0.01);
  });

  it("refuses samples that there are not", async () => {
    await expect(held.sample(3)).rejects.toMatchObject({ code: "bad-option" });
  });
});
