import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { gradNorm } from "../../src/kernels/gradNorm.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { gradNorm as twin } from "../reference/gradNorm.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const STEP = 41;

async function run(grads: Float32Array[], loss = 0.5, flags = [0, 0, 0, 9]) {
  const step = Uint32Array.of(0, 0, STEP, 0, 0, 0, 0, 0);
  const pieces = Object.fromEntries(grads.map((data, i) => [`grad${i}`, { shape: [data.length], data }]));
  const out = await runKernels(
    gpu,
    { ...pieces, loss: { shape: [1], data: Float32Array.of(loss) }, step: { shape: [8], data: step } },
    { norm: { shape: [1] }, flags: { shape: [4], init: Uint32Array.from(flags) } },
    (ctx, t) => {
      const { loss, norm, flags, step } = t;
      gradNorm(ctx, { label: "test", grads: grads.map((_, i) => t[`grad${i}`]), loss, norm, flags, step });
    },
  );
  return { norm: out.norm[0], flags: [...out.flags] };
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
    for (const [n, at] of [[5, 4], [128, 77]]) {
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

  it("refuses wrong shapes", async () => {
    await expect(run([])).rejects.toMatchObject({ code: "bad-shape" });
    await expect(run([Float32Array.of(1)], 1, [0, 0, 0])).rejects.toThrow();
  });
});
