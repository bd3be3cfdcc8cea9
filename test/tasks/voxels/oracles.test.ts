import { beforeAll, describe, expect, it } from "vitest";
import { drawOctahedral } from "../../../src/equivariance/rotations.ts";
import { projectKernel } from "../../../src/equivariance/projection.ts";
import type { VoxelEvaluatorOptions, VoxelModel } from "../../../src/tasks/voxels/evaluationGraph.ts";
import { VoxelEvaluator } from "../../../src/tasks/voxels/voxelEvaluator.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { conv3d, linear } from "../../../src/graph/operations.ts";
import { ParameterStore } from "../../../src/graph/parameters.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { unet3d } from "../../../src/models/unet3d.ts";
import { unetParameters, type UNet3dConfig } from "../../../src/models/unetLayout.ts";
import type { PackedMolecules } from "../../../src/molecules/dataset.ts";
import { Random } from "../../../src/random.ts";
import { decomposeSums } from "../../../src/equivariance/estimators.ts";
import { randomArray, testGpu } from "../../harness.ts";
import { clouds as randomClouds } from "./clouds.ts";

const CHANNELS = 3;
const GRID = 8;
const ELEMENTS = GRID ** 3 * CHANNELS;

const clouds = (count: number, seed: number) => randomClouds(count, seed, CHANNELS);

const options = (molecules: PackedMolecules, more: Partial<VoxelEvaluatorOptions> = {}): VoxelEvaluatorOptions => ({
  molecules,
  grid: GRID,
  channels: CHANNELS,
  resolution: 0.5,
  sigma: 0.3,
  shift: 0.5,
  twirl: 24,
  seed: 11,
  streams: { pose: 2, noise: 3 },
  checkTotal: true,
  ...more,
});

const unetConfig: UNet3dConfig = {
  inChannels: CHANNELS,
  outChannels: CHANNELS,
  channels: [4, 8],
  blocks: 1,
  attention: [false, true],
  middleAttention: true,
  groups: 2,
  dropout: 0,
  down: "k4s2",
};

describe("exact oracles of the octahedral decomposition", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  async function measure(model: VoxelModel, given: VoxelEvaluatorOptions) {
    const evaluator = await VoxelEvaluator.create(gpu, given, model);
    try {
      return await evaluator.evaluate();
    } finally {
      evaluator.destroy();
    }
  }

  function network(config: UNet3dConfig, projected: boolean): { model: VoxelModel; destroy: () => void } {
    const parameters = unetParameters(config);
    const store = new ParameterStore(gpu, parameters, ["weights"]);
    initialise(store, parameters, 5);
    if (projected) {
      parameters.forEach(({ name, kind, shape }, i) => {
        if (kind !== "conv" && kind !== "convTranspose") return;
        const size = shape.reduce((product, n) => product * n, 1);
        store.write(name, projectKernel(randomArray(size, 100 + i, 0.2), shape[0]!));
      });
    }
    const model: VoxelModel = (graph, x) =>
      unet3d(graph, config, x, { parameter: store.bind(graph, { constants: "weights" }) });
    return { model, destroy: () => store.destroy() };
  }

  it("measures nothing on a k4s2 U-Net of projected kernels, and much on random kernels", async () => {
    const molecules = clouds(3, 1);
    for (const [down, projected, low, high] of [
      ["k4s2", true, 0, 1e-6],
      ["k2s2", true, 0, 1e-6],
      ["k4s2", false, 5, 100],
      // No weights make a stride-2 kernel of 3 flip-symmetric on an even grid.
      ["k3s2", true, 1e-2, 100],
    ] as const) {
      const { model, destroy } = network({ ...unetConfig, down }, projected);
      const { percentEquiv } = await measure(model, options(molecules));
      destroy();
      expect(percentEquiv, `${down}, projected ${projected}`).toBeGreaterThanOrEqual(low);
      expect(percentEquiv, `${down}, projected ${projected}`).toBeLessThanOrEqual(high);
    }
  });

  it.each([
    ["trivial", { channels: [4, 8], groups: 2 }],
    ["regular", { channels: [24, 48], groups: 1 }],
  ] as const)("measures nothing on a U-Net of %s fields, attention and all", async (fields, sizes) => {
    const molecules = clouds(2, 1);
    for (const [tied, low, high] of [
      [true, 0, 1e-6],
      [false, 5, 100],
    ] as const) {
      const { model, destroy } = network({ ...unetConfig, ...sizes, ...(tied && { fields }) }, false);
      const { percentEquiv, lossEquiv } = await measure(model, options(molecules));
      destroy();
      expect(percentEquiv, `tied ${tied}`).toBeGreaterThanOrEqual(low);
      expect(percentEquiv, `tied ${tied}`).toBeLessThanOrEqual(high);
      expect(lossEquiv).toBeGreaterThan(0);
    }
  });

  it("splits the loss exactly: the directly summed total equals mean term plus equivariance term", async () => {
    const { model, destroy } = network(unetConfig, false);
    for (const twirl of [24, 7]) {
      const result = await measure(model, options(clouds(4, 2), { twirl }));
      expect(Math.abs(result.twistedTotal! / result.lossTotal - 1)).toBeLessThan(1e-5);
      expect(Math.abs((result.lossMean + result.lossEquiv) / result.lossTotal - 1)).toBeLessThan(1e-6);
    }
    destroy();
  });

  it("estimates from few rotations what the enumeration of all 24 gives", async () => {
    const { model, destroy } = network(unetConfig, false);
    const molecules = clouds(60, 3);
    const exact = await measure(model, options(molecules));
    const few = await measure(model, options(molecules, { twirl: 4 }));
    destroy();
    // Same molecules and noise, so only the drawn rotations differ; the error over molecules bounds that.
    expect(Math.abs(few.percentEquiv - exact.percentEquiv)).toBeLessThan(3 * few.percentEquivStdErr);
    expect(few.percentEquiv).not.toBe(exact.percentEquiv);
    expect(Math.abs(few.lossEquiv / exact.lossEquiv - 1)).toBeLessThan(0.15);
  });

  it("finds no lost symmetry in a filter that mixes channels alone, nor in an isotropic one", async () => {
    const molecules = clouds(3, 4);
    const uploads = [
      gpu.upload("mix", randomArray(CHANNELS * CHANNELS, 8)),
      gpu.upload("filter", projectKernel(randomArray(27 * CHANNELS * CHANNELS, 9), 3)),
      gpu.upload("skew", randomArray(27 * CHANNELS * CHANNELS, 9)),
    ] as const;
    const filter =
      (view: (typeof uploads)[number]): VoxelModel =>
      (graph, x) => {
        const weight = graph.external("filter", [3, 3, 3, CHANNELS, CHANNELS], view);
        return conv3d(graph, { label: "filter", x, weight, stride: 1, padding: 1 });
      };
    const mix: VoxelModel = (graph, x) => {
      const weight = graph.external("mix", [CHANNELS, CHANNELS], uploads[0]);
      return linear(graph, { label: "mix", x, weight });
    };
    expect((await measure(mix, options(molecules))).percentEquiv).toBeLessThan(1e-8);
    expect((await measure(filter(uploads[1]), options(molecules))).percentEquiv).toBeLessThan(1e-8);
    expect((await measure(filter(uploads[2]), options(molecules))).percentEquiv).toBeGreaterThan(5);
    for (const { buffer } of uploads) gpu.destroyBuffer(buffer);
  });

  it("predicts the gain of K-sample twirling on other molecules from the share on these", async () => {
    const { model, destroy } = network(unetConfig, false);
    const here = await measure(model, options(clouds(60, 6)));
    const p = here.percentEquiv / 100;
    const sample = new Random(77);
    const others = options(clouds(60, 7), { checkTotal: false });
    const evaluator = await VoxelEvaluator.create(gpu, others, model);
    const whole = await evaluator.evaluate();
    const twisted: { predictions: Float32Array[]; clean: Float32Array }[] = [];
    for (let i = 0; i < 60; i++) twisted.push(await evaluator.twisted(i));
    evaluator.destroy();
    destroy();
    for (const k of [2, 4, 12, 24]) {
      const ratios = twisted.map(({ predictions, clean }) => {
        const chosen = drawOctahedral(sample, k);
        let error = 0;
        for (let e = 0; e < ELEMENTS; e++) {
          let mean = 0;
          for (const g of chosen) mean += predictions[g]![e]! / k;
          error += (mean - clean[e]!) ** 2;
        }
        return error / ELEMENTS;
      });
      const loss = ratios.reduce((sum, value) => sum + value, 0) / ratios.length;
      const gain = 1 - loss / whole.lossTotal;
      const predicted = (p * 24 * (k - 1)) / (k * 23);
      const error = Math.hypot(here.percentEquivStdErr, whole.percentEquivStdErr) / 100;
      expect(Math.abs(gain - predicted), `K = ${k}`).toBeLessThan(4 * error + 0.03 / k);
    }
  });

  it("tells how far it is, and ends early without a result when it is told to", async () => {
    const { model, destroy } = network(unetConfig, false);
    const evaluator = await VoxelEvaluator.create(gpu, options(clouds(5, 3)), model);
    const told: number[] = [];
    const evaluation = await evaluator.evaluate(undefined, (done, total) => void told.push(done, total));
    expect(evaluation.sums).toHaveLength(5);
    expect(evaluation).toMatchObject(decomposeSums(evaluation.sums, evaluation.sampling));
    expect(told.slice(-2)).toEqual([5, 5]);
    expect(told.slice(0, 2)).toEqual([1, 5]);
    const controller = new AbortController();
    const stopped = evaluator.evaluate(controller.signal, () => controller.abort());
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    expect(await evaluator.evaluate()).toEqual(evaluation);
    evaluator.destroy();
    destroy();
  });

  it("gives the same figures bit by bit in chunks of any size and in two runs", async () => {
    const { model, destroy } = network(unetConfig, false);
    const first = await measure(model, options(clouds(3, 8)));
    const second = await measure(model, options(clouds(3, 8)));
    expect(second).toEqual(first);
    const chunked = await measure(model, options(clouds(3, 8), { chunk: 5 }));
    expect(Math.abs(chunked.lossEquiv / first.lossEquiv - 1)).toBeLessThan(1e-5);
    expect(Math.abs(chunked.lossTotal / first.lossTotal - 1)).toBeLessThan(1e-5);
    destroy();
  });

  it("refuses rotations that cannot be drawn", async () => {
    for (const twirl of [0, 1, 25, 2.5]) {
      await expect(measure((_, x) => x, options(clouds(2, 9), { twirl }))).rejects.toThrow(/twirl/);
    }
  });

  it("weighs a ratio of sums, not a mean of ratios", () => {
    const sums = [
      { meanError: 1, spread: 24, zeroError: 1 },
      { meanError: 99, spread: 0, zeroError: 1 },
    ];
    expect(decomposeSums(sums, { rotations: 24, elements: 1 }).percentEquiv).toBeCloseTo(100 / 101, 10);
  });
});
