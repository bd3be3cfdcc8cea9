import { describe, expect, it } from "vitest";
import { loadState, stateTensors } from "../../src/training/checkpoint.ts";
import { train, type TrainEvent } from "../../src/training/loop.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.ts";
import { relativeError } from "../harness.ts";
import { config, parameters, steps, useTrainers } from "./trainers.ts";

const start = useTrainers();

describe("trainer", () => {
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
});
