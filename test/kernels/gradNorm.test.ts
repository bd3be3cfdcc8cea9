import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { gradNorm } from "../../src/kernels/gradNorm.ts";
import { expectClose, randomArray, runKernels, testGpu, type TensorData } from "../harness.ts";
import { gradNorm as twin } from "../../src/reference/gradNorm.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const STEP = 41;

/** `scaling`: the state of loss scaling before, for betas of 0.9 and 0.999. */
async function run(grads: Float32Array[], loss = 0.5, flags = [0, 0, 0, 9], scaling?: number[]) {
  const step = Uint32Array.of(0, 0, STEP, 0, 0, 0, 0, 0);
  const inputs: Record<"loss" | "step" | `grad${number}`, TensorData> = {
    loss: { shape: [1], data: Float32Array.of(loss) },
    step: { shape: [8], data: step },
    ...Object.fromEntries(grads.map((data, i) => [`grad${i}`, { shape: [data.length], data }])),
  };
  const out = await runKernels(
    gpu,
    inputs,
    {
      norm: { shape: [1] },
      flags: { shape: [4], init: Uint32Array.from(flags) },
      ...(scaling && { scaling: { shape: [6], init: Float32Array.from(scaling) } }),
    },
    (ctx, t) => {
      const { loss, norm, flags, step, scaling } = t;
      const given = scaling && { state: scaling, beta1: 0.9, beta2: 0.999 };
      gradNorm(ctx, {
        label: "test",
        grads: grads.map((_, i) => t[`grad${i}`]!),
        loss,
        norm,
        flags,
        step,
        scaling: given,
      });
    },
  );
  return { norm: out.norm[0]!, flags: [...out.flags], ...(out.scaling && { scaling: [...out.scaling] }) };
}

describe("gradNorm", () => {
  it.each([[[1]], [[4]], [[3, 1, 8]], [[63, 64, 65, 256]], [[4099, 4096]], [[300_001, 200_000]]])(
    "is the twin's for pieces of %j elements, twice the same bits",
    async (sizes) => {
      const grads = sizes.map((n, i) => randomArray(n, 10 + i, 3));
      const expected = twin(grads, 0.5, [0, 0, 0, 9], STEP);
      const first = await run(grads);
      // All terms have one sign: the relative error grows with the root of the longest chain of additions.
      const chain = 4 * Math.sqrt(256 + sizes.reduce((a, b) => a + b, 0) / 4096) * 2 ** -24;
      expectClose([first.norm], [expected.norm], chain * expected.norm, "norm");
      expect(first.flags).toEqual(expected.flags);
      expect(await run(grads)).toEqual(first);
    },
  );

  it("counts every element: one that is large, wherever it lies", async () => {
    for (const n of [1, 4, 7, 64, 1030]) {
      for (const at of new Set([0, n >> 1, n - 1])) {
        const grad = new Float32Array(n);
        grad[at] = -3;
        expect(await run([Float32Array.of(4), grad])).toEqual({ norm: 5, flags: [0, 0, 0, 9] });
      }
    }
  });

  it("is zero for a zero gradient", async () => {
    expect(await run([new Float32Array(5)])).toEqual({ norm: 0, flags: [0, 0, 0, 9] });
  });

  it.each([NaN, Infinity, -Infinity, 1e25])("raises the flag of the norm for a gradient of %s", async (value) => {
    for (const [n, at] of [
      [5, 4],
      [128, 77],
    ] as const) {
      const grad = randomArray(n, 3);
      grad[at] = value;
      const { norm, flags } = await run([randomArray(9, 4), grad]);
      expect(Number.isFinite(norm)).toBe(false);
      expect(flags).toEqual([STEP + 1, 0, 1, 9]);
    }
  });

  it.each([NaN, Infinity, -Infinity])("raises the flag of the loss for %s", async (loss) => {
    expect((await run([Float32Array.of(3, 4)], loss)).flags).toEqual([STEP + 1, 1, 0, 9]);
    expect((await run([Float32Array.of(3, NaN)], loss)).flags).toEqual([STEP + 1, 1, 1, 9]);
  });

  it("never touches a flag that is set", async () => {
    expect((await run([Float32Array.of(NaN)], 1, [7, 1, 0, 9])).flags).toEqual([7, 1, 0, 9]);
    expect((await run([Float32Array.of(1)], 1, [7, 0, 1, 9])).flags).toEqual([7, 0, 1, 9]);
    const largest = 3.4028234663852886e38;
    expect((await run([Float32Array.of(1)], largest)).flags).toEqual([0, 0, 0, 9]);
  });

  it.each([1, 2 ** 16])("takes the scale %d out of the norm", async (scale) => {
    const grads = [randomArray(1001, 5, scale), randomArray(64, 6, scale)];
    const plain = (await run(grads)).norm;
    const { norm, flags, scaling } = await run(grads, 0.5, [0, 0, 0, 9], [scale, 3, 2, 7, 0, 0]);
    expect(norm).toBe(plain / scale);
    expect(flags).toEqual([0, 0, 0, 0]);
    expectClose(scaling!, [scale, 4, 2, 1 / scale, 0.1, 0.001], 1e-8);
  });

  it("counts updates in the bias corrections", async () => {
    let state = [1024, 0, 0, 0, 0, 0];
    for (let t = 1; t <= 50; t++) state = (await run([Float32Array.of(1)], 0.5, [0, 0, 0, 0], state)).scaling!;
    expectClose(state.slice(4), [1 - 0.9 ** 50, 1 - 0.999 ** 50], [1e-6, 1e-7]);
  });

  it.each([NaN, Infinity, 1e25])("skips a step and halves the scale for a gradient of %s", async (value) => {
    const { flags, scaling } = await run([Float32Array.of(1, value)], 0.5, [0, 0, 0, 0], [2, 5, 3, 0.25, 0.5, 0.25]);
    expect({ flags, scaling }).toEqual({ flags: [0, 0, 0, 1], scaling: [1, 0, 4, 0.25, 0.5, 0.25] });
    // At scale 1 it is the gradient itself that is not finite.
    const last = await run([Float32Array.of(1, value)], 0.5, [0, 0, 0, 1], scaling);
    expect(last).toMatchObject({ flags: [STEP + 1, 0, 1, 1], scaling });
  });

  it("raises the flag for the loss at any scale, and then leaves the scale alone", async () => {
    const state = [2 ** 16, 5, 3, 0.25, 0.5, 0.25];
    for (const grad of [1, NaN]) {
      const { flags, scaling } = await run([Float32Array.of(grad)], NaN, [0, 0, 0, 0], state);
      expect({ flags, scaling }).toEqual({ flags: [STEP + 1, 1, Number(Number.isNaN(grad)), 0], scaling: state });
    }
    for (const grad of [1, Infinity]) {
      expect(await run([Float32Array.of(grad)], 0.5, [7, 0, 1, 0], state)).toMatchObject({
        flags: [7, 0, 1, 0],
        scaling: state,
      });
    }
  });

  it("doubles the scale after 2,000 good steps, up to 2^24", async () => {
    const after = async (scale: number, good: number) => {
      return (await run([Float32Array.of(1)], 0.5, [0, 0, 0, 0], [scale, good, 0, 0, 0, 0])).scaling!;
    };
    expect((await after(8, 1998)).slice(0, 4)).toEqual([8, 1999, 0, 0.125]);
    expect((await after(8, 1999)).slice(0, 4)).toEqual([16, 0, 0, 0.125]);
    expect((await after(2 ** 24, 1999)).slice(0, 2)).toEqual([2 ** 24, 0]);
  });

  it("refuses wrong shapes", async () => {
    await expect(run([])).rejects.toMatchObject({ code: "bad-shape" });
    await expect(run([Float32Array.of(1)], 1, [0, 0, 0])).rejects.toThrow();
  });
});
