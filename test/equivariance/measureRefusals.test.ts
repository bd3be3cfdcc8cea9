import { describe, expect, it } from "vitest";
import { octahedral, so3 } from "../../src/equivariance/groups.ts";
import { measureEquivariance } from "../../src/equivariance/measure.ts";
import type { Predict } from "../../src/equivariance/predict.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import type { BufferView } from "../../src/gpu/gpu.ts";
import { testGpu } from "../harness.ts";
import { forceHead, vectors } from "./forceHead.ts";

describe("what cannot be measured", () => {
  const { inputs, predict } = forceHead(2, 1);
  const code = (name: string): unknown => expect.objectContaining({ code: name });

  it("is told before the model is asked, by sample", async () => {
    const good = inputs[0]!;
    const asked: number[] = [];
    const ask: Predict<Float32Array> = (x, { sample }) => (asked.push(sample), x);
    const measure = (samples: unknown, options: object = {}) =>
      measureEquivariance(ask, samples as typeof inputs, { group: octahedral(), ...vectors, ...options });
    const refused = (name: string, message: RegExp): unknown =>
      expect.objectContaining({ name: "VoxtwirlError", code: name, message: expect.stringMatching(message) });
    for (const [bad, name, message] of [
      [{ ...good, input: Float32Array.of(1, 2) }, "bad-shape", /^the input of sample 1 holds 2 numbers; vectors/],
      [{ ...good, input: [] }, "bad-shape", /^the input of sample 1 holds 0/],
      [{ ...good, target: undefined }, "bad-shape", /^the target of sample 1 is undefined/],
      [{ ...good, target: [1, NaN, 2] }, "not-finite", /^number 1 of the target of sample 1 is NaN/],
      [{ ...good, input: BigInt64Array.of(1n, 2n, 3n) }, "bad-shape", /^the input of sample 1 is a BigInt64Array/],
      [undefined, "bad-shape", /^sample 1 is undefined/],
    ] as const) {
      await expect(measure([good, bad])).rejects.toThrow(refused(name, message));
    }
    const grid = { input: { kind: "grid", size: 2, channels: 1 } };
    await expect(measure([good], grid)).rejects.toThrow(refused("bad-shape", /holds 15 numbers; a grid .* holds 8$/));
    await expect(measure(new Set([good]))).rejects.toThrow(refused("bad-option", /^samples is a Set/));
    for (const group of ["so3", undefined, {}, () => "so3"]) {
      await expect(measure([good], { group })).rejects.toThrow(refused("bad-option", /^group is/));
    }
    for (const input of [undefined, "vectors", { kind: "grid" }, { kind: "grid", size: 2.5, channels: 1 }]) {
      await expect(measure([good], { input })).rejects.toThrow(refused("bad-option", /^input is/));
    }
    await expect(measure([good], { gpu: {} })).rejects.toThrow(refused("bad-option", /^gpu is/));
    await expect(measureEquivariance(3 as never, [good], { group: so3(), ...vectors })).rejects.toThrow(
      refused("bad-option", /^predict is/),
    );
    expect(asked).toEqual([]);
  });

  it("is told of a prediction, by sample", async () => {
    const answers = (answer: (x: Float32Array) => unknown) =>
      measureEquivariance((x) => answer(x) as Float32Array, inputs, { group: octahedral(), ...vectors });
    const message = (text: RegExp): unknown => expect.objectContaining({ message: expect.stringMatching(text) });
    await expect(answers(() => undefined)).rejects.toThrow(message(/^the prediction for sample 0 is undefined/));
    await expect(answers((x) => x.subarray(15))).rejects.toThrow(
      message(/sample 0 holds 345 numbers, not 24 times its target's 15/),
    );
    await expect(answers((x) => x.map((v, i) => (i === 7 ? NaN : v)))).rejects.toThrow(message(/^number 7 .* is NaN/));
  });

  it("is told of ranges of GPU buffers", async () => {
    const gpu = await testGpu();
    const view = gpu.upload("grid", new Float32Array(8));
    const input = { kind: "grid", size: 2, channels: 1 } as const;
    const predictAll: Predict<BufferView> = (x) => x;
    const measure = (sample: unknown, answer = predictAll) =>
      measureEquivariance(answer, [{ input: view, target: view }, sample as never], {
        group: so3(),
        twirl: 2,
        input,
        gpu,
      });
    const message = (text: RegExp): unknown =>
      expect.objectContaining({ code: "bad-shape", message: expect.stringMatching(text) });
    for (const [bad, text] of [
      [new Float32Array(8), /^the target of sample 1 is a Float32Array, not a range/],
      [view.buffer, /^the target of sample 1 is a GPUBuffer, not a range/],
      [{ ...view, size: 16 }, /^the target of sample 1 takes 16 bytes, not 32/],
      [{ ...view, offset: 4 }, /^the target of sample 1 begins at byte 4/],
    ] as const) {
      await expect(measure({ input: view, target: bad })).rejects.toThrow(message(text));
    }
    const none = (() => undefined) as unknown as Predict<BufferView>;
    await expect(measure({ input: view, target: view }, none)).rejects.toThrow(
      message(/^the prediction for sample 0 is undefined/),
    );
    const bare = { input: view.buffer, target: view.buffer } as never;
    await expect(measureEquivariance(predictAll, [bare], { group: so3(), input, gpu })).rejects.toThrow(
      expect.objectContaining({ fix: expect.stringMatching(/buffer, offset: 0/) }),
    );
    gpu.destroyBuffer(view.buffer);
  });

  it("is refused with what to do", async () => {
    for (const twirl of [0, 1, 25, 2.5, NaN]) {
      await expect(measureEquivariance(predict, inputs, { group: octahedral(), twirl, ...vectors })).rejects.toThrow(
        code("bad-option"),
      );
    }
    await expect(measureEquivariance(predict, [], { group: so3(), ...vectors })).rejects.toThrow(code("no-data"));
    const short: Predict<Float32Array> = (x) => x.subarray(1);
    await expect(measureEquivariance(short, inputs, { group: so3(), ...vectors })).rejects.toThrow(code("bad-shape"));
    const broken: Predict<Float32Array> = (x) => x.map(() => NaN);
    await expect(measureEquivariance(broken, inputs, { group: so3(), ...vectors })).rejects.toThrow(code("not-finite"));
    expect(() => decompose([1, 2, 3], [1, 2])).toThrow(code("bad-shape"));
    expect(() => decompose([1, 2, 3, 4], [1, 2], { samples: 3 })).toThrow(code("bad-shape"));
    expect(() => decompose([1, 2], [1, 2])).toThrow(code("bad-option"));
  });

  it("leaves plain arrays alone, and gives no gains for a few samples", () => {
    const result = decompose([1, 3, 5, 5], [2, 4], { samples: 2, groupOrder: Infinity });
    // Sample 1: mean 2, target 2, spread 2; sample 2: mean 5, target 4, no spread.
    expect(result).toMatchObject({ lossTotal: 1, lossEquiv: 1, lossMean: 0, lossZero: 10, percentEquiv: 100 });
    expect(result.gains).toEqual([]);
  });
});
