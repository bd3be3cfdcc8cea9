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
import { readStatus, STATUS_BYTES, Trainer } from "../../src/training/trainer.ts";
import { relativeError, testGpu } from "../harness.ts";
import { needsStored } from "../kernels/half.ts";
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
    const half: TrainConfig = { ...config, precision: "f16" };
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
    const trainer = Trainer.create(lacking, { ...config, precision: "f16" }, store, data);
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
    const evaluation = {
      lossTotal: 2,
      lossMean: 1,
      lossEquiv: 1,
      lossZero: 3,
      percentEquiv: 50,
      percentEquivStdErr: 1,
    };
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
    const done = await trainLoop({
      ...options,
      config: { ...config, steps: 10, every: 4 },
      start: { step: 0, seconds: 0 },
    });
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
    const half = await trainLoop({
      ...options,
      onProgress: () => {},
      evaluate: aborted,
      config: config14,
      start: { step: 12, seconds: 0, resumed: true },
    });
    expect(half).toMatchObject({ step: 14, interrupted: true });
    expect(checkpoints.at(-1)).toBe(14);
    const due = { step: 14, seconds: 0, resumed: true, evaluationDue: true };
    expect(await trainLoop({ ...options, onProgress: () => {}, config: config14, start: due })).toMatchObject({
      step: 14,
      interrupted: false,
    });
    expect(evaluations.at(-1)).toBe(14);
  });
});
