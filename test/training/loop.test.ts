import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { initialise } from "../../src/models/initialise.ts";
import { modelTensors } from "../../src/training/checkpoint.ts";
import { train, type EndEvent, type TrainEvent } from "../../src/training/loop.ts";
import type { MetricRow } from "../../src/training/metrics.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import { Training } from "../../src/training/training.ts";
import { testGpu } from "../harness.ts";
import { molecules } from "./molecules.ts";
import { config, data, parameters, steps, useTrainers } from "./trainers.ts";

const start = useTrainers();

describe("train", () => {
  const evaluation = {
    ...{ lossTotal: 2, lossMean: 1, lossEquiv: 1, lossZero: 3 },
    ...{ percentEquiv: 50, percentEquivStdErr: 1 },
  };
  const evaluator = { evaluate: async () => evaluation };

  /** All events, as "train 3", "eval 4" and so on, without those for the live line. */
  async function told(events: AsyncIterable<TrainEvent>, onEvent: (event: TrainEvent) => void = () => {}) {
    const order: string[] = [];
    let end: EndEvent | undefined;
    for await (const event of events) {
      onEvent(event);
      if (event.type === "train") order.push(...event.rows.map(({ step }) => `train ${step}`));
      if (event.type === "eval") order.push(`eval ${event.row.step}`);
      if (event.type === "checkpoint") order.push(`checkpoint ${event.step}`);
      if (event.type === "end") end = event;
    }
    return { order, end: end! };
  }
  const trained = (...rows: number[]) => rows.map((step) => `train ${step}`);
  const saved = (step: number) => [`eval ${step}`, `checkpoint ${step}`];

  it("tells rows, evaluations and checkpoints where they belong", async () => {
    const { trainer } = await start();
    const { order, end } = await told(train({ trainer, evaluator }, { steps: 10, every: 4 }));
    expect(order).toEqual([
      ...saved(0),
      ...[...trained(1, 2, 3, 4), ...saved(4)],
      ...[...trained(5, 6, 7, 8), ...saved(8)],
      ...[...trained(9, 10), ...saved(10)],
    ]);
    expect(end).toMatchObject({ step: 10, interrupted: false, skipped: 0 });
  });

  it("evaluates nothing without an evaluator, and takes steps from the trainer's configuration", async () => {
    const { trainer } = await start({ ...config, steps: 3, every: 2 });
    const { order } = await told(train({ trainer }));
    expect(order).toEqual(["checkpoint 0", ...trained(1, 2), "checkpoint 2", ...trained(3), "checkpoint 3"]);
  });

  it("tells that checkpoints are due at steps to keep, between evaluations too", async () => {
    const { trainer } = await start();
    const kept: number[] = [];
    const options = { steps: 9, every: 4, keep: { every: 3, steps: [1, 4] } };
    const { order } = await told(train({ trainer, evaluator }, options), (event) => {
      if (event.type === "checkpoint" && event.keep) kept.push(event.step);
    });
    expect(order).toEqual([
      ...[...saved(0), ...trained(1), "checkpoint 1", ...trained(2, 3), "checkpoint 3"],
      ...[...trained(4), ...saved(4), ...trained(5, 6), "checkpoint 6", ...trained(7, 8), ...saved(8)],
      ...[...trained(9), ...saved(9)],
    ]);
    expect(kept).toEqual([0, 1, 3, 4, 6, 9]);
  });

  it("ends in order when its signal is aborted: a checkpoint is due, and nothing was evaluated", async () => {
    const { trainer } = await start();
    const controller = new AbortController();
    const options = { steps: 1000, every: 500, start: { step: 10, seconds: 5 }, signal: controller.signal };
    const { order, end } = await told(train({ trainer, evaluator }, options), (event) => {
      if (event.type === "progress" && event.step >= 12) controller.abort();
    });
    expect(end.interrupted).toBe(true);
    expect(end.step).toBeGreaterThanOrEqual(12);
    expect(end.seconds).toBeGreaterThan(5);
    expect(order.at(-1)).toBe(`checkpoint ${end.step}`);
    expect(order.filter((one) => !one.startsWith("train"))).toHaveLength(1);
  });

  it("saves what an evaluation was stopped after, and makes up for it on resuming", async () => {
    const { trainer } = await start();
    const aborted = { evaluate: () => Promise.reject(new VoxtwirlError("aborted", "stopped", "again")) };
    const options = { steps: 14, every: 2 };
    const resumed = { step: 12, seconds: 0, resumed: true };
    const half = await told(train({ trainer, evaluator: aborted }, { ...options, start: resumed }));
    expect(half.order).toEqual([...trained(13, 14), "checkpoint 14"]);
    expect(half.end).toMatchObject({ step: 14, interrupted: true });
    const due = { step: 14, seconds: 0, resumed: true, evaluationDue: true };
    const rest = await told(train({ trainer, evaluator }, { ...options, start: due }));
    expect(rest.order).toEqual(saved(14));
    expect(rest.end).toMatchObject({ step: 14, interrupted: false });
  });

  it("waits for who asks for events, and frees its buffer when left early", async () => {
    const { store, trainer } = await start();
    const gpu = await testGpu();
    const before = gpu.allocatedBytes;
    for await (const event of train({ trainer, evaluator }, { steps: 100, every: 2 })) {
      if (event.type !== "checkpoint" || event.step < 2) continue;
      const weights = await store.readAll();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await store.readAll()).toEqual(weights);
      break;
    }
    expect(gpu.allocatedBytes).toBe(before);
    const unbroken = await start();
    await steps(unbroken.trainer, 0, 2);
    expect(await store.readAll()).toEqual(await unbroken.store.readAll());
  });
});

describe("Training", () => {
  it("trains and evaluates in a few lines, bitwise as its parts do, and frees what it took", async () => {
    const gpu = await testGpu();
    const small = { ...config, steps: 2, every: 1, twirl: 2 };
    const before = gpu.allocatedBytes;
    const training = await Training.create(gpu, voxels, small, { train: data, heldout: molecules(2, 2) });
    const rows: MetricRow[] = [];
    for await (const event of train(training)) {
      if (event.type === "train") rows.push(...event.rows);
      if (event.type === "eval") rows.push(event.row);
    }
    expect(rows.map(({ type, step }) => `${type} ${step}`)).toEqual([
      ...["eval 0", "train 1", "eval 1", "train 2", "eval 2"],
    ]);
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, small.seed);
    const trainer = await Trainer.create(gpu, voxels, small, store, data);
    for await (const event of train({ trainer })) if (event.type === "end") expect(event.step).toBe(2);
    expect(await training.modelTensors()).toEqual(await modelTensors(store, parameters));
    for (const item of [trainer, store, training]) item.destroy();
    expect(gpu.allocatedBytes).toBe(before);
  });
});
