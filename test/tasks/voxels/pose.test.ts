import { beforeAll, describe, expect, it } from "vitest";
import { PoseEvaluator, type PoseEvaluatorOptions } from "../../../src/tasks/voxels/poseEvaluator.ts";
import { poseResult, poseSums } from "../../../src/equivariance/poseEstimator.ts";
import { poseAverages, poseGains } from "../../../src/equivariance/poseGain.ts";
import type { VoxelModel } from "../../../src/tasks/voxels/evaluationGraph.ts";
import { VoxelEvaluator } from "../../../src/tasks/voxels/voxelEvaluator.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { conv3d } from "../../../src/graph/operations.ts";
import type { PackedMolecules } from "../../../src/molecules/dataset.ts";
import { Random } from "../../../src/random.ts";
import { randomArray, testGpu } from "../../harness.ts";

const CHANNELS = 2;
const GRID = 16;

/** Atoms near the centre, so that the grid's ball holds all of their density. */
function clouds(count: number, seed: number): PackedMolecules {
  const random = new Random(seed);
  const atoms: number[] = [];
  for (let m = 0; m < count; m++) {
    for (let a = 0; a < 4; a++) atoms.push(...[0, 1, 2].map(() => 1.2 * random.next() - 0.6), random.int(CHANNELS));
  }
  const offsets = Uint32Array.from({ length: count + 1 }, (_, m) => 4 * m);
  return { atoms: Float32Array.from(atoms), offsets, count, sourceIndex: new Uint32Array(count) };
}

const MOLECULES = 8;
const options: PoseEvaluatorOptions = {
  molecules: clouds(MOLECULES, 1),
  grid: GRID,
  channels: CHANNELS,
  resolution: 0.25,
  sigma: 0.9,
  shift: 0.2,
  rotations: 6,
  seed: 5,
  stream: 3,
};

/** A 3x3x3 filter on each channel by itself. */
function filterWeights(at: (x: number, y: number, z: number) => number): Float32Array {
  const weights = new Float32Array(27 * CHANNELS * CHANNELS);
  for (let k = 0; k < 27; k++) {
    for (let c = 0; c < CHANNELS; c++) {
      weights[(k * CHANNELS + c) * CHANNELS + c] = at((k % 3) - 1, (Math.floor(k / 3) % 3) - 1, Math.floor(k / 9) - 1);
    }
  }
  return weights;
}

describe("the pose measurement", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  async function measure(model: VoxelModel, given = options) {
    const evaluator = await PoseEvaluator.create(gpu, given, model);
    try {
      const sums = [];
      for (let i = 0; i < given.molecules.count; i++) sums.push(await evaluator.measure(i));
      return poseResult(sums, evaluator.elements);
    } finally {
      evaluator.destroy();
    }
  }

  async function gainsOf(model: VoxelModel, given = options) {
    const counts = [1, 2, 3, 6];
    const evaluator = await PoseEvaluator.create(gpu, given, model);
    const found = [];
    for (let i = 0; i < given.molecules.count; i++) found.push(await evaluator.measure(i, counts));
    evaluator.destroy();
    return poseGains(
      found,
      found.map(({ averages }) => averages),
      counts,
    );
  }

  /** The Wiener filter's like: a fixed smoothing, isotropic to fourth order, applied three times. */
  function smoothing(): { model: VoxelModel; destroy: () => void } {
    const tap = (i: number) => (i === 0 ? 0.5 : 0.25);
    const view = gpu.upload(
      "filter",
      filterWeights((x, y, z) => tap(x) * tap(y) * tap(z)),
    );
    const model: VoxelModel = (graph, x) => {
      const weight = graph.external("filter", [3, 3, 3, CHANNELS, CHANNELS], view);
      let y = x;
      for (let i = 0; i < 3; i++) y = conv3d(graph, { label: `filter ${i}`, x: y, weight, stride: 1, padding: 1 });
      return y;
    };
    return { model, destroy: () => gpu.destroyBuffer(view.buffer) };
  }

  it("finds nothing in an isotropic filter: within its error, under the cube's rotations to rounding", async () => {
    const { model, destroy } = smoothing();
    const result = await measure(model);
    expect(Math.abs(result.percentPose)).toBeLessThan(3 * result.percentPoseStdErr + result.percentPoseFloor);
    // Averaging poses gains what averaging their noises does, and nothing else.
    for (const gain of await gainsOf(model)) {
      if (gain.count === 1) continue;
      expect(Math.abs(gain.percentGainPose)).toBeLessThan(4 * gain.percentGainPoseStdErr + result.percentPoseFloor);
      expect(gain.percentGainNoisyPose).toBeGreaterThan(5);
    }
    expect(result.percentPoseStdErr).toBeLessThan(1);
    // Without the correction V - W/J the noise that is left would count.
    expect(result.percentPoseFloor).toBeLessThan(0.5);
    const evaluator = await VoxelEvaluator.create(
      gpu,
      { ...options, twirl: 24, streams: { pose: 2, noise: 3 } },
      model,
    );
    expect((await evaluator.evaluate()).percentEquiv).toBeLessThan(1e-8);
    evaluator.destroy();
    destroy();
  });

  it("finds the pose dependence of a filter that smooths along one axis, and the same in chunks", async () => {
    const view = gpu.upload(
      "filter",
      filterWeights((x, y, z) => (x === 0 && y === 0 ? (z === 0 ? 0 : 0.5) : 0)),
    );
    const model: VoxelModel = (graph, x) => {
      const weight = graph.external("filter", [3, 3, 3, CHANNELS, CHANNELS], view);
      let y = x;
      for (let i = 0; i < 3; i++) y = conv3d(graph, { label: `filter ${i}`, x: y, weight, stride: 1, padding: 1 });
      return y;
    };
    const quiet = { ...options, sigma: 0.05 };
    const whole = await measure(model, quiet);
    expect(whole.percentPose).toBeGreaterThan(3 * whole.percentPoseStdErr + 10 * whole.percentPoseFloor);
    for (const gain of await gainsOf(model, quiet)) {
      if (gain.count === 1) continue;
      const error = Math.hypot(gain.percentGainPoseStdErr, gain.percentPredictedPoseStdErr);
      expect(Math.abs(gain.percentGainPose - gain.percentPredictedPose)).toBeLessThan(3.5 * error);
      expect(gain.percentGainPose).toBeGreaterThan(3 * gain.percentGainPoseStdErr);
    }
    const chunked = await measure(model, { ...quiet, chunk: 4 });
    expect(chunked.lossPose / whole.lossPose).toBeCloseTo(1, 5);
    expect(chunked.lossTotalPose / whole.lossTotalPose).toBeCloseTo(1, 5);
    gpu.destroyBuffer(view.buffer);
  });

  it("has the floor of its interpolation: for the identity without noise it is all there is", async () => {
    const quiet = { ...options, sigma: 0 };
    const identity: VoxelModel = (_, x) => x;
    const cubic = await measure(identity, quiet);
    expect(cubic.lossPose / cubic.lossPoseFloor).toBeCloseTo(1, 5);
    expect(cubic.lossTotalPose / cubic.lossTotalPoseFloor).toBeCloseTo(1, 5);
    // Spec: squared error over signal energy there and back is 0.082 % Catmull-Rom and 1.74 % trilinear; once is less.
    expect(cubic.lossTotalPose / cubic.lossZeroPose).toBeLessThan(0.002);
    const linear = await measure(identity, { ...quiet, method: "trilinear" });
    expect(linear.lossPoseFloor).toBeGreaterThan(3 * cubic.lossPoseFloor);
  });

  it("refuses what has no variance", async () => {
    for (const more of [{ rotations: 1 }, { noises: 1 }, { rotations: 2.5 }]) {
      const refused = measure((_, x) => x, { ...options, ...more });
      await expect(refused).rejects.toThrow(expect.objectContaining({ code: "bad-option" }));
    }
  });
});

describe("poseSums", () => {
  it("is unbiased: noise alone counts nothing, and a known variance between poses is found", () => {
    const elements = 4000;
    const [rotations, noises] = [4, 2];
    const offsets = randomArray(rotations * elements, 1, 0.5);
    const noise = randomArray(rotations * noises * elements, 2);
    const target = randomArray(elements, 3);
    const clean = new Float32Array(rotations * elements);
    const at = (scale: number) =>
      noise.map((value, i) => {
        const e = i % elements;
        return value + target[e]! + scale * offsets[Math.floor(i / (noises * elements)) * elements + e]!;
      });
    const still = poseSums(at(0), clean, target, { rotations, noises });
    // Var of V - W/J of unit noise is about 1/J^2 (2/3 + 1/4) an element.
    expect(Math.abs(still.pose / elements)).toBeLessThan(3 * Math.sqrt(0.25 / elements));
    const moving = poseSums(at(1), clean, target, { rotations, noises });
    expect(Math.abs(moving.pose / elements - 0.25)).toBeLessThan(0.04);
    expect(still.total / elements).toBeCloseTo(1, 1);
    expect(still.floor).toBe(0);
    expect(still.floorTotal / still.zero).toBeCloseTo(1, 6);
  });

  it("refuses arrays that do not belong together", () => {
    const bad = expect.objectContaining({ code: "bad-shape" });
    expect(() => poseSums([1, 2, 3], [1, 2], [1], { rotations: 2, noises: 2 })).toThrow(bad);
    expect(() => poseSums([1, 2, 3, 4], [1], [1], { rotations: 2, noises: 2 })).toThrow(bad);
    const none = expect.objectContaining({ code: "bad-option" });
    expect(() => poseSums([1, 2], [1, 2], [1], { rotations: 2, noises: 1 })).toThrow(none);
    expect(() => poseResult([], 3)).toThrow(expect.objectContaining({ code: "no-data" }));
  });
});

describe("the gain of averaging over poses", () => {
  const [rotations, noises, elements] = [24, 2, 30];
  const counts = [1, 2, 4, 8, 12, 24];
  /** Predictions that err by a constant 0.5, by the pose (variance `pose` ^2) and by noise (variance 1). */
  function sample(seed: number, pose: number) {
    const target = randomArray(elements, 3 * seed);
    const offsets = randomArray(rotations * elements, 3 * seed + 1, pose);
    const predictions = randomArray(rotations * noises * elements, 3 * seed + 2).map((value, i) => {
      const at = Math.floor(i / (noises * elements)) * elements + (i % elements);
      return value + offsets[at]! + target[i % elements]! + 0.5;
    });
    const sums = poseSums(predictions, new Float32Array(rotations * elements), target, { rotations, noises });
    return { sums, averages: poseAverages(predictions, target, { rotations, noises }, counts, new Random(seed)) };
  }

  it("is by algebra what the same predictions' lossPose says, over all of them", () => {
    const { sums, averages } = sample(1, 0.7);
    expect((averages.still[0]! - averages.still[5]!) / (sums.pose * (1 - 1 / rotations))).toBeCloseTo(1, 6);
    expect(averages.noisy[0]! / sums.total).toBeCloseTo(1, 6);
  });

  it("is on one half what the other half predicts, and noise is left out of it", () => {
    for (const pose of [0, 0.7]) {
      const made = Array.from({ length: 200 }, (_, i) => sample(1000 * (pose + 1) + i, pose));
      const gains = poseGains(
        made.map(({ sums }) => sums),
        made.map(({ averages }) => averages),
        counts,
      );
      const total = 0.25 + pose ** 2 + 1;
      for (const gain of gains) {
        const factor = 100 * (1 - 1 / gain.count);
        const off = (value: number, variance: number) => Math.abs(value - (factor * variance) / total);
        const what = `pose ${pose}, K = ${gain.count}`;
        expect(off(gain.percentGainPose, pose ** 2), what).toBeLessThan(3.5 * gain.percentGainPoseStdErr + 1e-6);
        expect(off(gain.percentPredictedPose, pose ** 2), what).toBeLessThan(
          3.5 * gain.percentPredictedPoseStdErr + 1e-6,
        );
        expect(off(gain.percentGainNoisyPose, 1 + pose ** 2), what).toBeLessThan(
          3.5 * gain.percentGainNoisyPoseStdErr + 1e-6,
        );
        expect(gain.percentGainPoseStdErr).toBeLessThan(2);
      }
      expect(gains.map(({ count }) => count)).toEqual(counts);
    }
  });

  it("takes at least four samples, and arrays that belong together", () => {
    const made = [1, 2, 3].map((seed) => sample(seed, 1));
    expect(
      poseGains(
        made.map(({ sums }) => sums),
        made.map(({ averages }) => averages),
        counts,
      ),
    ).toEqual([]);
    const bad = expect.objectContaining({ code: "bad-shape" });
    expect(() => poseAverages([1, 2, 3], [1], { rotations: 2, noises: 2 }, [1], new Random(1))).toThrow(bad);
  });
});
