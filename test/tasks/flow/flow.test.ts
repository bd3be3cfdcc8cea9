import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { ParameterStore } from "../../../src/graph/parameters.ts";
import { selfConditions } from "../../../src/kernels/flow/selfCondition.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { flow } from "../../../src/tasks/flow/flow.ts";
import { FlowEvaluator } from "../../../src/tasks/flow/flowEvaluator.ts";
import { streams } from "../../../src/tasks/flow/streams.ts";
import { STATUS_BYTES, Trainer } from "../../../src/training/trainer.ts";
import { testGpu } from "../../harness.ts";
import { smallChains, smallConfig } from "./smallFlow.ts";

const data = flow.open(smallChains, smallConfig);
const parameters = flow.parameters(smallConfig);

describe("the training step of flow matching", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  /** The gradients of a step. */
  async function gradients(config: typeof smallConfig, step: number, whole: boolean): Promise<Float32Array[]> {
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, 1);
    const trainer = await Trainer.create(gpu, flow, config, store, data.train);
    trainer.prepare(step);
    trainer.plan.run([], whole);
    const all = await store.readAll("grads");
    trainer.destroy();
    store.destroy();
    return [...all.values()];
  }

  const steps = Array.from({ length: 40 }, (_, step) => step);
  const coin = (step: number) =>
    selfConditions({ seed: smallConfig.seed, step, stream: streams.selfCondition, probability: 0.5 });
  const [heads, tails] = [steps.find(coin)!, steps.find((step) => !coin(step))!];

  it("does without the pass before where the coin says so, to the last bit", async () => {
    expect(await gradients(smallConfig, tails, false)).toEqual(await gradients(smallConfig, tails, true));
    expect(await gradients(smallConfig, heads, false)).not.toEqual(await gradients(smallConfig, heads, true));
    expect(flow.isWhole!(smallConfig, heads)).toBe(true);
    expect(flow.isWhole!(smallConfig, tails)).toBe(false);
  });

  it("is the same in parts as at once", async () => {
    for (const step of [heads, tails]) {
      const [at, parts] = [
        await gradients(smallConfig, step, true),
        await gradients({ ...smallConfig, microBatch: 2 }, step, true),
      ];
      at.forEach((whole, i) => {
        const scale = whole.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
        whole.forEach((value, k) => expect(Math.abs(value - parts[i]![k]!)).toBeLessThan(2e-5 * scale));
      });
    }
  });

  it("takes less than a tenth more memory for the pass before", async () => {
    const store = new ParameterStore(gpu, parameters);
    const trainer = await Trainer.create(gpu, flow, smallConfig, store, data.train);
    const { arenas, lowerBound } = trainer.plan.memory;
    const bytes = arenas.reduce((sum, arena) => sum + arena, 0);
    expect(bytes).toBeLessThan(1.15 * lowerBound);
    trainer.destroy();
    store.destroy();
  });

  it("says after a step what it came to", async () => {
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, 1);
    const trainer = await Trainer.create(gpu, flow, smallConfig, store, data.train);
    const buffer = gpu.createBuffer("status", STATUS_BYTES, 8 | 1);
    trainer.run(0, { buffer, offset: 0 });
    await gpu.map(buffer);
    const [loss] = new Float32Array(buffer.getMappedRange().slice(0));
    expect(loss).toBeGreaterThan(0.5);
    expect(loss).toBeLessThan(4);
    gpu.destroyBuffer(buffer);
    trainer.destroy();
    store.destroy();
  });
});

describe("the evaluation of flow matching", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  it("gives the same with few rotations at once as with many, under both groups", async () => {
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, 1);
    for (const group of ["octahedral", "so3"] as const) {
      const options = {
        ...{ config: smallConfig, chains: data.heldout, group, rotations: 4, seed: 1, precision: "f32" as const },
        parameters: (graph: Parameters<ParameterStore["bind"]>[0]) => store.bind(graph, { constants: "ema" }),
      };
      const rows = [];
      for (const chunk of [1, 3, 4, 16]) {
        const evaluator = await FlowEvaluator.create(gpu, { ...options, chunk });
        rows.push(await evaluator.evaluate());
        evaluator.destroy();
      }
      const [first, ...others] = rows;
      expect(first!.percentEquiv).toBeGreaterThan(1);
      for (const row of others) {
        for (const name of ["lossTotal", "lossMean", "lossEquiv", "lossZero", "lossWiener"] as const) {
          expect(row[name]! / first![name]!, name).toBeCloseTo(1, 5);
        }
      }
    }
    store.destroy();
  });
});
