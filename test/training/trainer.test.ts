import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { BufferUsage, type Gpu } from "../../src/gpu/gpu.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { initialise } from "../../src/models/initialise.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { loadState, stateTensors } from "../../src/training/checkpoint.ts";
import { trainLoop } from "../../src/training/loop.ts";
import type { TrainRow } from "../../src/training/metrics.ts";
import { checkTrainConfig, modelConfig, presets, type TrainConfig } from "../../src/training/presets.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/training/safetensors.ts";
import { STATUS_BYTES, Trainer } from "../../src/training/trainer.ts";
import { relativeError, testGpu } from "../harness.ts";
import { molecules } from "./molecules.ts";

const config: TrainConfig = checkTrainConfig({
  ...presets.tiny!,
  grid: 8,
  resolution: 1,
  channels: [4, 8],
  attention: [false, true],
  middleAttention: true,
  batch: 4,
  microBatch: 4,
  groups: 2,
  dropout: 0.2,
});
const parameters = unetParameters(modelConfig(config));
const data = molecules(20, 1);

describe("trainer", () => {
  let gpu: Gpu;
  const made: { destroy(): void }[] = [];
  beforeAll(async () => {
    gpu = await testGpu();
  });
  afterAll(() => {
    for (const item of made) item.destroy();
  });

  async function start(given: TrainConfig = config) {
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, given.seed);
    const trainer = await Trainer.create(gpu, given, store, data);
    made.push(trainer, store);
    return { store, trainer };
  }

  async function steps(trainer: Trainer, from: number, count: number) {
    const staging = gpu.createBuffer("staging", count * STATUS_BYTES, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    for (let i = 0; i < count; i++) trainer.run(from + i, { buffer: staging, offset: i * STATUS_BYTES });
    await gpu.map(staging);
    const bytes = staging.getMappedRange().slice(0);
    gpu.destroyBuffer(staging);
    const rows = Array.from({ length: count }, (_, i) => ({
      loss: new Float32Array(bytes)[3 * i]!,
      norm: new Float32Array(bytes)[3 * i + 1]!,
      flag: new Uint32Array(bytes)[3 * i + 2]!,
    }));
    return rows;
  }

  it("lowers the loss, and repeats itself bit by bit", async () => {
    const [one, two] = [await start(), await start()];
    const first = await steps(one.trainer, 0, 30);
    expect(await steps(two.trainer, 0, 30)).toEqual(first);
    expect(await two.store.readAll()).toEqual(await one.store.readAll());
    expect(first[29]!.loss).toBeLessThan(first[0]!.loss / 5);
    for (const { norm, flag } of first) {
      expect(norm).toBeGreaterThan(0);
      expect(flag).toBe(0);
    }
  });

  it("continues from a saved state as if it had never stopped", async () => {
    const whole = await start();
    const expected = await steps(whole.trainer, 0, 8);
    const before = await start();
    await steps(before.trainer, 0, 5);
    const file = decodeSafetensors(encodeSafetensors(await stateTensors(before.store, parameters)));
    const after = await start({ ...config });
    loadState(after.store, parameters, file, "state");
    expect(await steps(after.trainer, 5, 3)).toEqual(expected.slice(5));
    for (const array of ["weights", "ema", "m", "v"] as const) {
      expect(await after.store.readAll(array)).toEqual(await whole.store.readAll(array));
    }
  });

  it("has the gradients of the whole batch when it goes in micro-batches", async () => {
    const whole = await start();
    const [expected] = await steps(whole.trainer, 0, 1);
    for (const microBatch of [2, 1]) {
      const parts = await start({ ...config, microBatch });
      const [row] = await steps(parts.trainer, 0, 1);
      expect(Math.abs(row!.loss / expected!.loss - 1)).toBeLessThan(1e-5);
      const [grads, wholeGrads] = [await parts.store.readAll("grads"), await whole.store.readAll("grads")];
      for (const { name, trained } of parameters) {
        // Key biases have no gradient but rounding.
        if (!trained || name.endsWith("projection.bias")) continue;
        expect(relativeError(grads.get(name)!, wholeGrads.get(name)!), name).toBeLessThan(2e-4);
      }
    }
  });

  it("moves no parameter that nothing uses", async () => {
    const { store, trainer } = await start();
    await steps(trainer, 0, 2);
    const values = await store.readAll();
    const unused = parameters.filter(({ trained }) => !trained);
    expect(unused.length).toBeGreaterThan(0);
    for (const { name, init } of unused) {
      expect([...values.get(name)!].every((value) => "constant" in init && value === init.constant), name).toBe(true);
    }
  });

  it("leaves everything untouched from the first step that is not finite", async () => {
    const { store, trainer } = await start();
    await steps(trainer, 0, 2);
    const broken = (await store.readAll()).get("final.bias")!.slice();
    broken[0] = Infinity;
    store.write("final.bias", broken);
    const before = await store.readAll();
    const rows = await steps(trainer, 2, 3);
    // The flag holds the failing update, counted from 1, and stays.
    expect(rows.map(({ flag }) => flag)).toEqual([3, 3, 3]);
    expect(await store.readAll()).toEqual(before);
    const loop = trainLoop({
      gpu,
      config: { ...config, steps: 6, every: 100 },
      trainer,
      evaluate: () => Promise.reject(new Error("no evaluation is due")),
      start: { step: 2, seconds: 0 },
      onTrain: async () => {},
      onEval: async () => {},
      checkpoint: () => Promise.reject(new Error("nothing may be saved")),
      onProgress: () => {},
    });
    await expect(loop).rejects.toThrow(/not finite at step 3; the last checkpoint is that of step 2/);
    // Once the host has looked, and mended the cause, steps update again.
    store.write("final.bias", new Float32Array(broken.length));
    trainer.clearFlag();
    expect((await steps(trainer, 2, 2)).map(({ flag }) => flag)).toEqual([0, 0]);
    expect((await store.readAll()).get("final.bias")).not.toEqual(new Float32Array(broken.length));
  });

  it("runs the loop: evaluations, checkpoints and rows where they belong, and stops when told", async () => {
    const { trainer } = await start();
    const evaluations: number[] = [];
    const checkpoints: number[] = [];
    const rows: TrainRow[] = [];
    const controller = new AbortController();
    const evaluation = { lossTotal: 2, lossMean: 1, lossEquiv: 1, lossZero: 3, percentEquiv: 50, percentEquivStdErr: 1 };
    const options = {
      gpu,
      trainer,
      evaluate: async () => evaluation,
      onTrain: async (more: TrainRow[]) => void rows.push(...more),
      onEval: async (row: { step: number }) => void evaluations.push(row.step),
      checkpoint: async (step: number) => void checkpoints.push(step),
      onProgress: ({ step }: { step: number }) => {
        if (step >= 12) controller.abort();
      },
    };
    const done = await trainLoop({ ...options, config: { ...config, steps: 10, every: 4 }, start: { step: 0, seconds: 0 } });
    expect(done).toMatchObject({ step: 10, interrupted: false });
    expect(evaluations).toEqual([0, 4, 8, 10]);
    expect(checkpoints).toEqual([0, 4, 8, 10]);
    expect(rows.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const stopped = await trainLoop({
      ...options,
      config: { ...config, steps: 1000, every: 500 },
      start: { step: 10, seconds: 5 },
      signal: controller.signal,
    });
    expect(stopped.interrupted).toBe(true);
    expect(stopped.step).toBeGreaterThanOrEqual(12);
    expect(stopped.seconds).toBeGreaterThan(5);
    expect(checkpoints.at(-1)).toBe(stopped.step);
    expect(evaluations).toEqual([0, 4, 8, 10]);
    // Stopped during an evaluation: saved, told as interrupted, and made up for on resuming.
    const aborted = () => Promise.reject(new VoxtwirlError("aborted", "stopped", "again"));
    const config14 = { ...config, steps: 14, every: 2 };
    const half = await trainLoop({ ...options, onProgress: () => {}, evaluate: aborted, config: config14, start: { step: 12, seconds: 0, resumed: true } });
    expect(half).toMatchObject({ step: 14, interrupted: true });
    expect(checkpoints.at(-1)).toBe(14);
    const due = { step: 14, seconds: 0, resumed: true, evaluationDue: true };
    expect(await trainLoop({ ...options, onProgress: () => {}, config: config14, start: due })).toMatchObject({ step: 14, interrupted: false });
    expect(evaluations.at(-1)).toBe(14);
  });
});
