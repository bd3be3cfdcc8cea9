import { describe, expect, it } from "vitest";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { loadState, stateTensors } from "../../src/training/checkpoint.ts";
import type { VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { relativeError, testGpu } from "../harness.ts";
import { needsStored } from "../kernels/half.ts";
import { config, data, parameters, steps, useTrainers } from "./trainers.ts";

/** A property of the object itself, its methods bound to it: private fields know no proxy. */
function bound(of: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(of, name, of);
  return typeof value === "function" ? (value.bind(of) as unknown) : value;
}

const start = useTrainers();

describe("trainer in half precision", () => {
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
  const gpu = await testGpu();
  const lacking = new Proxy(gpu, {
    get: (of, name) => (name === "caps" ? { ...of.caps, f16: false } : bound(of, name)),
  });
  const store = new ParameterStore(gpu, parameters);
  const before = gpu.allocatedBytes;
  const trainer = Trainer.create(lacking, voxels, { ...config, precision: "f16" }, store, data);
  const advice = { message: expect.stringContaining("shader-f16"), fix: expect.stringContaining("--precision f32") };
  await expect(trainer).rejects.toMatchObject({ code: "unsupported", ...advice });
  expect(gpu.allocatedBytes).toBe(before);
  store.destroy();
});
