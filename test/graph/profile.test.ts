import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VoxelEvaluator } from "../../src/equivariance/voxelEvaluator.ts";
import { elementCount, type Tensor } from "../../src/gpu/tensor.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { alignClocks } from "../../src/gpu/gpuClock.ts";
import { Graph } from "../../src/graph/graph.ts";
import { conv3d } from "../../src/graph/operations.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { Plan } from "../../src/graph/plan.ts";
import { add } from "../../src/kernels/add.ts";
import { initialise } from "../../src/models/initialise.ts";
import { unet3d } from "../../src/models/unet3d.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { groupLines } from "../../src/report/profileTable.ts";
import { checkTrainConfig, modelConfig, presets } from "../../src/training/presets.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { testGpu } from "../harness.ts";
import { molecules } from "../training/molecules.ts";
import slow from "./slow.wgsl";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
const made: { destroy(): void }[] = [];
afterAll(() => made.forEach((item) => item.destroy()));

/** [0] + 1 + ... + 1, with one kernel in the middle that is slow on purpose. */
async function chain(length: number, slowAt = -1) {
  const graph = new Graph(gpu.caps);
  const ones = graph.external("ones", [1000], gpu.upload("ones", new Float32Array(1000).fill(1)));
  let sum = graph.scratch("zero", [1000]);
  graph.clear(sum);
  for (let i = 0; i < length; i++) {
    const y = graph.scratch(`sum ${i}`, [1000]);
    if (i === slowAt) {
      graph.dispatch({
        label: `chain/slow ${i}`,
        shader: slow,
        params: { count: 1000, rounds: 20_000 },
        bindings: { x: sum, y },
        workgroups: [16, 1, 1],
        flops: 1000,
        bytes: 8000,
      });
    } else {
      add(graph, { label: `chain/add ${i}`, a: sum, b: ones, y });
    }
    sum = y;
  }
  graph.keep(sum);
  const plan = await Plan.create(gpu, graph, { label: "chain" });
  made.push(plan);
  return { graph, plan, sum };
}

describe("plan.profile", () => {
  it("describes a convolution as it is counted by hand", async () => {
    const graph = new Graph(gpu.caps);
    const tensor = (label: string, shape: number[]) =>
      graph.external(label, shape, gpu.upload(label, new Float32Array(elementCount(shape))));
    const x = tensor("x", [2, 4, 4, 4, 3]);
    const y = conv3d(graph, {
      label: "net/conv one",
      x,
      weight: tensor("w", [3, 3, 3, 3, 5]),
      bias: tensor("b", [5]),
      stride: 2,
      padding: 1,
    });
    graph.keep(y);
    const plan = await Plan.create(gpu, graph, { label: "conv" });
    made.push(plan);
    const { dispatches, label, timing, repeats, memory, gpu: times } = await plan.profile({ repeats: 2 });
    expect({ label, repeats, count: dispatches.length }).toEqual({ label: "conv", repeats: 2, count: 1 });
    expect(timing).toBe(gpu.device.features.has("timestamp-query") ? "timestamps" : "wall");
    const [conv] = dispatches;
    // Along an axis of 4 the two outputs meet 2 and 3 inputs: 5 pairs, cubed.
    expect(conv).toMatchObject({
      layer: "net/conv",
      phase: "forward",
      // Which of the shaders is the adapter's matter.
      shader: expect.stringMatching(/^conv3d/) as string,
      flops: 2 * 2 * 5 ** 3 * 3 * 5,
      command: 0,
      beginNs: 0,
    });
    expect(conv!.bytes).toBe(4 * (2 * 64 * 3 + 27 * 15 + 5 + 2 * 8 * 5));
    expect(conv!.variant).toMatch(/^conv3d\w*<.*KERNEL=3/);
    expect(conv!.tensors.slice(0, 3)).toEqual([
      { binding: "x", label: "x", shape: [2, 4, 4, 4, 3] },
      { binding: "weight", label: "w", shape: [3, 3, 3, 3, 5] },
      { binding: "bias", label: "b", shape: [5] },
    ]);
    expect(conv!.durationNs).toBeGreaterThan(0);
    expect(times.spanNs).toBe(conv!.durationNs);
    expect(times.busyNs).toBe(times.spanNs);
    expect(memory.externalBytes).toBe(4 * (2 * 64 * 3 + 27 * 15 + 5));
  });

  it("finds a kernel that was planted slow", async () => {
    for (const timestamps of [true, false]) {
      const { plan, sum } = await chain(9, 4);
      const profile = await plan.profile({ repeats: 3, timestamps });
      expect(groupLines(profile, "label", 1)[1]).toMatch(/^chain\/slow 4 /);
      expect(groupLines(profile, "shader", 1)[1]).toMatch(/^slow /);
      expect(groupLines(profile, "layer", 1)[1]).toMatch(/^chain\/slow /);
      expect((await plan.read(sum))[0]!.every((value) => value === 9)).toBe(true);
    }
  });

  it("without timestamps submits each dispatch alone, and says so", async () => {
    const { plan } = await chain(5);
    const { timing, dispatches, replays, emptyNs } = await plan.profile({ repeats: 3, timestamps: false });
    expect(timing).toBe("wall");
    expect(dispatches).toHaveLength(5);
    expect(emptyNs).toBeGreaterThan(0);
    expect(replays.clockUncertaintyNs).toBe(0);
    for (const { begins, durations, encode, done } of replays.profiled) {
      expect(begins[0]).toBeGreaterThanOrEqual(encode);
      begins.forEach((begin, i) => i > 0 && expect(begin).toBeGreaterThanOrEqual(begins[i - 1]! + durations[i - 1]!));
      expect(begins.at(-1)! + durations.at(-1)!).toBeLessThanOrEqual(done);
    }
  });

  it("profiles plans of more dispatches than one query set holds", async () => {
    const { plan } = await chain(2100);
    const { dispatches, gpu: times } = await plan.profile({ repeats: 1 });
    expect(dispatches).toHaveLength(2100);
    dispatches.forEach((d, i) => i > 0 && expect(d.beginNs).toBeGreaterThan(dispatches[i - 1]!.beginNs));
    const busy = dispatches.reduce((sum, d) => sum + d.durationNs, 0);
    const gaps = dispatches.reduce((sum, d) => sum + d.gapNs, 0);
    expect(Math.abs(busy + gaps - times.spanNs)).toBeLessThan(1000);
  });

  it("puts the GPU's times between submit and end on the host's clock", async () => {
    const { plan } = await chain(6, 3);
    const { replays } = await plan.profile({ repeats: 3 });
    const slack = replays.clockUncertaintyNs + 1e6;
    for (const { encode, done, begins, durations } of replays.profiled) {
      expect(begins[0]).toBeGreaterThan(encode - slack);
      expect(begins.at(-1)! + durations.at(-1)!).toBeLessThan(done + slack);
    }
  });

  it("prepares each replay by number, tells progress, and stops when asked", async () => {
    const { plan } = await chain(2);
    const prepared: number[] = [];
    const progress: number[] = [];
    const { host, overhead } = await plan.profile({
      repeats: 2,
      prepare: (replay) => prepared.push(replay),
      onProgress: (done, total) => progress.push(done / total),
    });
    expect(prepared).toEqual([0, 1, 2, 3, 4]);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toHaveLength(5);
    expect(overhead.share).toBeCloseTo(overhead.wallMs / host.wallMs - 1, 12);
    const stoppedAt = (at: number) => {
      const controller = new AbortController();
      const prepare = (replay: number) => replay === at && controller.abort();
      return plan.profile({ repeats: 4, prepare, signal: controller.signal });
    };
    for (const at of [0, 1]) await expect(stoppedAt(at)).rejects.toMatchObject({ code: "aborted" });
    // With one replay of each kind, what there is is given.
    for (const [at, repeats] of [
      [2, 1],
      [3, 2],
      [4, 2],
      [8, 4],
    ] as const) {
      const part = await stoppedAt(at);
      expect(part.repeats).toBe(repeats);
      expect(part.replays).toMatchObject({ plain: { length: repeats }, profiled: { length: repeats } });
    }
    await expect(plan.profile({ repeats: 0 })).rejects.toMatchObject({ code: "bad-option" });
    await expect(plan.profile({ repeats: 1.5 })).rejects.toMatchObject({ code: "bad-option" });
  });

  it("is plain data, and leaves no memory behind", async () => {
    const { plan } = await chain(3);
    const before = gpu.allocatedBytes;
    const profile = await plan.profile({ repeats: 1 });
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
    expect(gpu.allocatedBytes).toBe(before);
  });
});

describe("the memory map", () => {
  it("is the planner's, and its peak is the lower bound", async () => {
    const { graph, plan } = await chain(12);
    const { memory } = await plan.profile({ repeats: 1 });
    expect(memory.arenas).toEqual(plan.memory.arenas);
    expect(memory.lowerBound).toBe(plan.memory.lowerBound);
    expect(memory.peak.bytes).toBe(memory.lowerBound);
    expect(memory.commands).toHaveLength(graph.commands.length);
    expect(memory.commands[0]).toBe("clear zero");
    expect(memory.liveBytes).toHaveLength(graph.commands.length);
    expect(memory.tensors).toHaveLength(13);
    // Two tensors of 4,000 bytes, rounded up to 256, live during every addition.
    expect(memory.liveBytes.slice(1)).toEqual(new Array(12).fill(2 * 4096));
    expect(memory.peak).toEqual({ command: 1, bytes: 8192, tensors: expect.arrayContaining([0, 1]) });
    expect(memory.tensors.at(-1)).toMatchObject({ label: "sum 11", kept: true, last: 12 });
    memory.tensors.forEach((a, i) =>
      memory.tensors.slice(i + 1).forEach((b) => {
        const together = a.arena === b.arena && a.first <= b.last && b.first <= a.last;
        if (together) expect(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset).toBe(true);
      }),
    );
  });
});

describe("phases", () => {
  const config = checkTrainConfig({
    ...presets.tiny!,
    ...{ grid: 8, resolution: 1, channels: [4, 8], attention: [false, true], batch: 2, microBatch: 1, groups: 2 },
  });
  const parameters = unetParameters(modelConfig(config));
  const phasesOf = (dispatches: readonly { phase: string; shader: string }[], phase: string) =>
    new Set(dispatches.filter((d) => d.phase === phase).map((d) => d.shader));

  it("of a training step: data, forward, backward, optimiser; the profile trains", async () => {
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, 1);
    const trainer = await Trainer.create(gpu, config, store, molecules(8, 1));
    made.push(trainer, store);
    const weights = async () =>
      [...(await store.readAll("weights")).values()].map((values) => values.reduce((a, b) => a + Math.abs(b), 0));
    const before = await weights();
    const { dispatches } = await trainer.plan.profile({ repeats: 1, prepare: (step) => trainer.prepare(step) });
    expect(phasesOf(dispatches, "data")).toEqual(new Set(["samplePose", "voxelize", "noise"]));
    expect(phasesOf(dispatches, "optimiser")).toEqual(new Set(["gradNorm", "gradNormSum", "gradNormFlag", "adamw"]));
    expect(phasesOf(dispatches, "backward")).toContain("conv3dGradWeight");
    expect(phasesOf(dispatches, "backward")).not.toContain("adamw");
    expect(phasesOf(dispatches, "forward")).toContain("squaredError");
    expect(phasesOf(dispatches, "forward")).not.toContain("conv3dGradWeight");
    expect(phasesOf(dispatches, "metric").size).toBe(0);
    const gradients = dispatches.filter((d) => d.label.includes("gradWeight") || d.label.includes("gradInput"));
    expect(gradients.filter((d) => d.phase !== "backward").map((d) => d.label)).toEqual([]);
    expect(await weights()).not.toEqual(before);
  });

  it("of an evaluation: data, forward, metric", async () => {
    const store = new ParameterStore(gpu, parameters, ["weights"]);
    initialise(store, parameters, 1);
    const { grid, resolution, sigma, shift, seed, elements } = config;
    const given = {
      molecules: molecules(2, 3),
      grid,
      channels: elements.length,
      resolution,
      sigma,
      shift,
      twirl: 3,
      seed,
    };
    const evaluator = await VoxelEvaluator.create(
      gpu,
      { ...given, streams: { pose: 2, noise: 3 } },
      (graph, x: Tensor) =>
        unet3d(graph, modelConfig(config), x, { parameter: store.bind(graph, { constants: "weights" }) }),
    );
    made.push(evaluator, store);
    const { dispatches } = await evaluator.plan.profile({ repeats: 1, prepare: () => evaluator.prepare(1) });
    expect(phasesOf(dispatches, "data")).toEqual(new Set(["samplePose", "voxelize", "noise"]));
    expect(phasesOf(dispatches, "metric")).toEqual(new Set(["rotateOctahedral", "twirlMerge", "twirlSum"]));
    expect([...phasesOf(dispatches, "forward")].join()).toMatch(/conv3d/);
    expect(phasesOf(dispatches, "backward").size).toBe(0);
  });
});

describe("alignClocks", () => {
  it("takes the tightest of the bounds", () => {
    // The GPU's clock is 5 ms ahead: its 6 ms are the host's 1 ms.
    const sample = (cpuBefore: number, begin: number, end: number, cpuAfter: number) => ({
      cpuBefore,
      cpuAfter,
      gpuBegin: BigInt(Math.round((begin + 5) * 1e6)),
      gpuEnd: BigInt(Math.round((end + 5) * 1e6)),
    });
    const { zero, uncertaintyNs } = alignClocks([
      sample(1, 1.5, 2, 4),
      sample(10, 10.1, 10.2, 11),
      sample(20, 20.4, 20.5, 20.7),
    ]);
    expect(Number(zero)).toBeCloseTo(5.1e6, 3);
    expect(uncertaintyNs).toBeCloseTo(0.3e6, 3);
  });
});
