import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { BufferUsage, type Gpu } from "../../src/gpu/gpu.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { initialise } from "../../src/models/initialise.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { loadState, modelTensors, stateTensors } from "../../src/training/checkpoint.ts";
import { train, type EndEvent, type TrainEvent } from "../../src/training/loop.ts";
import type { MetricRow } from "../../src/training/metrics.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig, type VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.ts";
import { readStatus, STATUS_BYTES, Trainer } from "../../src/training/trainer.ts";
import { Training } from "../../src/training/training.ts";
import { relativeError, testGpu } from "../harness.ts";
import { needsStored } from "../kernels/half.ts";
import { molecules } from "./molecules.ts";

const config: VoxelConfig = voxels.check({
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
const parameters = unetParameters(unetConfig(config));
const data = molecules(20, 1);

/** A property of the object itself, its methods bound to it: private fields know no proxy. */
function bound(of: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(of, name, of);
  return typeof value === "function" ? (value.bind(of) as unknown) : value;
}

describe("trainer", () => {
  let gpu: Gpu;
  const made: { destroy(): void }[] = [];
  beforeAll(async () => {
    gpu = await testGpu();
  });
  afterAll(() => {
    for (const item of made) item.destroy();
  });

  async function start(given: VoxelConfig = config) {
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, given.seed);
    const trainer = await Trainer.create(gpu, voxels, given, store, data);
    made.push(trainer, store);
    return { store, trainer };
  }

  async function steps(trainer: Trainer, from: number, count: number) {
    const staging = gpu.createBuffer("staging", count * STATUS_BYTES, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    for (let i = 0; i < count; i++) trainer.run(from + i, { buffer: staging, offset: i * STATUS_BYTES });
    await gpu.map(staging);
    const bytes = staging.getMappedRange().slice(0);
    gpu.destroyBuffer(staging);
    return readStatus(bytes).map(({ gradNorm, failed, ...row }) => ({ ...row, norm: gradNorm, flag: failed }));
  }

  it("lowers the loss, and repeats itself bit by bit", async () => {
    const [one, two] = [await start(), await start()];
    const first = await steps(one.trainer, 0, 30);
    expect(await steps(two.trainer, 0, 30)).toEqual(first);
    expect(await two.store.readAll()).toEqual(await one.store.readAll());
    expect(first[29]!.loss).toBeLessThan(first[0]!.loss / 5);
    for (const { norm, flag, skipped, lossScale } of first) {
      expect(norm).toBeGreaterThan(0);
      expect({ flag, skipped, lossScale }).toEqual({ flag: 0, skipped: false, lossScale: 0 });
    }
  });

  describe("in half precision", () => {
    needsStored("f16");
    const half: VoxelConfig = { ...config, precision: "f16" };
    const [SCALE, GOOD, SKIPPED] = [0, 1, 2];

    it("learns as in f32, in less memory, and repeats itself bit by bit", async () => {
      const [single, one, two] = [await start(), await start(half), await start(half)];
      const expected = await steps(single.trainer, 0, 30);
      const first = await steps(one.trainer, 0, 30);
      expect(await steps(two.trainer, 0, 30)).toEqual(first);
      expect(await two.store.readAll()).toEqual(await one.store.readAll());
      first.forEach(({ loss, norm, flag, skipped, lossScale }, i) => {
        // Activations have 11 bits. AdamW's first step goes by the sign of a gradient, however small, so weights differ
        // by more.
        expect(Math.abs(loss / expected[i]!.loss - 1), `loss of step ${i}`).toBeLessThan(i === 0 ? 2 ** -11 : 2e-2);
        expect(Math.abs(norm / expected[i]!.norm - 1), `norm of step ${i}`).toBeLessThan(i === 0 ? 2 ** -10 : 3e-2);
        expect({ flag, skipped, lossScale }).toEqual({ flag: 0, skipped: false, lossScale: 2 ** 16 });
      });
      expect(first).not.toEqual(expected);
      expect(one.trainer.plan.memory.lowerBound).toBeLessThan(0.8 * single.trainer.plan.memory.lowerBound);
    });

    it("has the gradients of f32 to the precision of activations, scaled up", async () => {
      const [single, scaled] = [await start(), await start(half)];
      await steps(single.trainer, 0, 1);
      await steps(scaled.trainer, 0, 1);
      const [grads, exact] = [await scaled.store.readAll("grads"), await single.store.readAll("grads")];
      for (const { name, trained } of parameters) {
        // Key biases have no gradient but rounding.
        if (!trained || name.endsWith("projection.bias")) continue;
        expect(
          relativeError(
            grads.get(name)!.map((g) => g / 2 ** 16),
            exact.get(name)!,
          ),
          name,
        ).toBeLessThan(1e-2);
      }
    });

    it("leaves out steps that overflow until the scale fits, and goes on as from the first that did not", async () => {
      const tried = await start(half);
      const before = await tried.store.readAll();
      const scaling = tried.trainer.scaling!;
      // Gradients scaled by this overflow; after some halvings they fit.
      const [, ...rest] = await scaling.read();
      scaling.write(Float32Array.of(2 ** 40, ...rest));
      const rows = await steps(tried.trainer, 0, 1);
      expect(rows).toMatchObject([{ flag: 0, skipped: true, lossScale: 2 ** 39 }]);
      expect(Number.isFinite(rows[0]!.norm)).toBe(false);
      expect(await tried.store.readAll()).toEqual(before);
      expect((await scaling.read())[SKIPPED]).toBe(1);
      for (let i = 0; i < 38; i++) {
        const [row] = await steps(tried.trainer, 0, 1);
        if (!row!.skipped) break;
      }
      const state = await scaling.read();
      expect(state[SCALE]).toBeGreaterThan(1);
      expect(state[SCALE]).toBe(2 ** (40 - state[SKIPPED]!));
      expect(state[GOOD]).toBe(1);
      // Steps left out are no updates: bias corrections and weights are those of a first step.
      const fresh = await start(half);
      fresh.trainer.scaling!.write(Float32Array.of(state[SCALE]!, ...rest));
      await steps(fresh.trainer, 0, 1);
      expect(await tried.store.readAll()).toEqual(await fresh.store.readAll());
    });

    it("doubles the scale after many good steps", async () => {
      const { trainer } = await start(half);
      const [scale, , ...rest] = await trainer.scaling!.read();
      trainer.scaling!.write(Float32Array.of(scale!, 1998, ...rest));
      const rows = await steps(trainer, 0, 3);
      expect(rows.map(({ lossScale }) => lossScale)).toEqual([scale, 2 * scale!, 2 * scale!]);
      expect((await trainer.scaling!.read())[GOOD]).toBe(1);
    });

    it("fails where the loss itself is not finite, at any scale", async () => {
      const { store, trainer } = await start(half);
      const broken = (await store.readAll()).get("final.bias")!.slice();
      broken[0] = Infinity;
      store.write("final.bias", broken);
      const before = await store.readAll();
      const state = await trainer.scaling!.read();
      expect((await steps(trainer, 0, 2)).map(({ flag, skipped }) => ({ flag, skipped }))).toEqual([
        { flag: 1, skipped: false },
        { flag: 1, skipped: false },
      ]);
      expect(await store.readAll()).toEqual(before);
      expect(await trainer.scaling!.read()).toEqual(state);
    });

    it("fails where gradients overflow though nothing is scaled up", async () => {
      // The error is within f32, the gradient of the activations before the last layer is beyond f16.
      const { store, trainer } = await start({ ...half, sigma: 1e9 });
      const [, ...rest] = await trainer.scaling!.read();
      trainer.scaling!.write(Float32Array.of(1, ...rest));
      store.write("final.weight", new Float32Array(27 * 4 * 5).fill(1e9));
      const [row] = await steps(trainer, 0, 1);
      expect(row).toMatchObject({ flag: 1, skipped: false });
    });

    it("continues from a saved state as if it had never stopped, the scale included", async () => {
      const whole = await start(half);
      const [, , , ...rest] = await whole.trainer.scaling!.read();
      // Two steps before the scale is doubled.
      whole.trainer.scaling!.write(Float32Array.of(2 ** 12, 1994, 7, ...rest));
      const before = await start(half);
      before.trainer.scaling!.write(Float32Array.of(2 ** 12, 1994, 7, ...rest));
      const expected = await steps(whole.trainer, 0, 8);
      expect(expected.map(({ lossScale }) => lossScale)).toEqual([
        ...Array<number>(5).fill(2 ** 12),
        ...Array<number>(3).fill(2 ** 13),
      ]);
      await steps(before.trainer, 0, 4);
      const tensors = await stateTensors(before.store, parameters, before.trainer.scaling);
      const file = decodeSafetensors(encodeSafetensors(tensors));
      const after = await start(half);
      loadState(after.store, parameters, file, "state", after.trainer.scaling);
      expect(await steps(after.trainer, 4, 4)).toEqual(expected.slice(4));
      expect(await after.trainer.scaling!.read()).toEqual(await whole.trainer.scaling!.read());
      for (const array of ["weights", "ema", "m", "v"] as const) {
        expect(await after.store.readAll(array)).toEqual(await whole.store.readAll(array));
      }
      const without = new Map([...file.tensors].filter(([name]) => name !== "scaling"));
      const lacking = () =>
        loadState(after.store, parameters, { ...file, tensors: without }, "state", after.trainer.scaling);
      expect(lacking).toThrow(/'scaling' is missing/);
    });
  });

  it("is refused in half precision by an adapter without it, and leaves nothing behind", async () => {
    const lacking = new Proxy(gpu, {
      get: (of, name) => (name === "caps" ? { ...of.caps, f16: false } : bound(of, name)),
    });
    const store = new ParameterStore(gpu, parameters);
    made.push(store);
    const before = gpu.allocatedBytes;
    const trainer = Trainer.create(lacking, voxels, { ...config, precision: "f16" }, store, data);
    const advice = { message: expect.stringContaining("shader-f16"), fix: expect.stringContaining("--precision f32") };
    await expect(trainer).rejects.toMatchObject({ code: "unsupported", ...advice });
    expect(gpu.allocatedBytes).toBe(before);
  });

  it("continues from a saved state as if it had never stopped", async () => {
    const whole = await start();
    const expected = await steps(whole.trainer, 0, 8);
    const before = await start();
    await steps(before.trainer, 0, 5);
    const file = decodeSafetensors(encodeSafetensors(await stateTensors(before.store, parameters)));
    const after = await start({ ...config });
    const [name, first] = [...file.tensors][0]!;
    const converted = { ...first, dtype: "F64" as const, data: Float64Array.from(first.data as Float32Array) };
    const tensors = new Map(file.tensors).set(name, converted);
    const load = () => loadState(after.store, parameters, { ...file, tensors }, "state");
    expect(load).toThrow(/is F64, and a state is F32/);
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
      expect(
        [...values.get(name)!].every((value) => "constant" in init && value === init.constant),
        name,
      ).toBe(true);
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
    const events: TrainEvent[] = [];
    const loop = async () => {
      for await (const event of train({ trainer }, { steps: 6, every: 100, start: { step: 2, seconds: 0 } })) {
        events.push(event);
      }
    };
    await expect(loop()).rejects.toThrow(/not finite at step 3; the last checkpoint is that of step 2/);
    expect(events).toEqual([]);
    // Once the host has looked, and mended the cause, steps update again.
    store.write("final.bias", new Float32Array(broken.length));
    trainer.clearFlag();
    expect((await steps(trainer, 2, 2)).map(({ flag }) => flag)).toEqual([0, 0]);
    expect((await store.readAll()).get("final.bias")).not.toEqual(new Float32Array(broken.length));
  });

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
