import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { adamw } from "../../src/kernels/adamw.ts";
import { gradNorm } from "../../src/kernels/gradNorm.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { adamw as twin, type AdamwOptions, type AdamwState } from "../../src/reference/adamw.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

type Arrays = Record<"weights" | "m" | "v" | "ema", Float32Array>;

/** Outputs that begin as `state`. */
function stateOf({ weights, m, v, ema }: Arrays) {
  const shape = [weights.length];
  return {
    weights: { shape, init: weights },
    m: { shape, init: m },
    v: { shape, init: v },
    ema: { shape, init: ema },
  };
}

function stepUniform(t: number, { lr, beta1, beta2, emaDecay }: AdamwOptions): Uint32Array {
  const floats = Float32Array.of(lr, 1 - beta1 ** t, 1 - beta2 ** t, emaDecay);
  return Uint32Array.of(0, 0, t - 1, 0, ...new Uint32Array(floats.buffer));
}

async function update(
  state: Arrays,
  grads: Float32Array,
  t: number,
  options: AdamwOptions,
  flags = [0, 0, 0, 0],
  scaling?: number[],
): Promise<Arrays> {
  const shape = [grads.length];
  const { beta1, beta2, eps, weightDecay, clip } = options;
  const out = await runKernels(
    gpu,
    {
      grads: { shape, data: grads },
      flags: { shape: [4], data: Uint32Array.from(flags) },
      step: { shape: [8], data: stepUniform(t, options) },
      ...(clip ? { norm: { shape: [1], data: Float32Array.of(clip.norm) } } : {}),
      ...(scaling ? { scaling: { shape: [6], data: Float32Array.from(scaling) } } : {}),
    },
    stateOf(state),
    (ctx, { weights, grads, m, v, ema, flags, step, norm, scaling }) =>
      adamw(ctx, {
        label: "test",
        ...{ weights, grads, m, v, ema, flags, step, beta1, beta2, eps, weightDecay },
        clip: norm && clip && { norm, max: clip.max },
        scaling,
      }),
  );
  return out as Arrays;
}

const reference: AdamwOptions = { lr: 1e-2, beta1: 0.99, beta2: 0.999, eps: 0, weightDecay: 1e-2, emaDecay: 0.999 };

function start(n: number): { gpu: Arrays; exact: AdamwState } {
  const weights = randomArray(n, 1, 0.1);
  const zero = (): Float32Array => new Float32Array(n);
  return {
    gpu: { weights, m: zero(), v: zero(), ema: weights.slice() },
    exact: {
      weights: Float64Array.from(weights),
      m: new Float64Array(n),
      v: new Float64Array(n),
      ema: Float64Array.from(weights),
    },
  };
}

describe("adamw", () => {
  it.each<[string, number, Partial<AdamwOptions>]>([
    ["one element", 1, {}],
    ["three", 3, { eps: 1e-8 }],
    ["a multiple of four", 64, { weightDecay: 0.3 }],
    ["an odd number", 1027, { beta1: 0.9, eps: 1e-3 }],
    ["several elements a thread", 40_004, { emaDecay: 2 / 11 }],
    ["several elements a thread, odd", 10_001, { weightDecay: 0 }],
    ["a clipped gradient", 100, { clip: { norm: 20, max: 1.5 }, eps: 0.1 }],
    ["a gradient within the clip", 101, { clip: { norm: 1.4, max: 1.5 }, eps: 0.1 }],
    ["clipping turned off", 100, { clip: { norm: 20, max: 0 }, eps: 0.1 }],
  ])("follows the twin over five steps: %s", async (_, n, some) => {
    const options = { ...reference, ...some };
    const { gpu: before, exact } = start(n);
    let state = before;
    for (let t = 1; t <= 5; t++) {
      const grads = randomArray(n, 100 + t, 10 ** (t - 3));
      state = await update(state, grads, t, options);
      twin(exact, grads, t, options);
      const eps32 = 2 ** -24;
      // A few roundings each step: relative to the largest m, to v itself, and for the weights to w and to the step.
      const largest = exact.m.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      expectClose(state.m, exact.m, 8 * t * eps32 * largest, `m at ${t}`);
      expectClose(
        state.v,
        exact.v,
        exact.v.map((x) => 8 * t * eps32 * x),
        `v at ${t}`,
      );
      const allowed = exact.weights.map((w) => t * eps32 * (2 * Math.abs(w) + 64 * options.lr));
      expectClose(state.weights, exact.weights, allowed, `weights at ${t}`);
      expectClose(
        state.ema,
        exact.ema,
        allowed.map((x) => 2 * x + 2 * t * eps32),
        `ema at ${t}`,
      );
    }
  });

  it("makes a first step of size lr against the sign of the gradient, whatever its size", async () => {
    const grads = Float32Array.of(1e-12, -1e-6, 1, -1e6, 3);
    const { gpu: state } = start(5);
    const after = await update(state, grads, 1, { ...reference, weightDecay: 0 });
    const expected = state.weights.map((w, i) => w - Math.sign(grads[i]!) * reference.lr);
    expectClose(after.weights, expected, 1e-7);
  });

  it("takes no step where the denominator is zero, and decays nevertheless", async () => {
    const { gpu: state } = start(6);
    state.m.fill(0.25, 0, 3);
    const after = await update(state, new Float32Array(6), 3, reference);
    const expected = state.weights.map((w) => w * (1 - reference.lr * reference.weightDecay));
    expectClose(after.weights, expected, 1e-8);
    expect([...after.v]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it.each([8, 1027])("leaves all %d elements bitwise untouched while the flag is set", async (n) => {
    const state: Arrays = {
      weights: randomArray(n, 1),
      m: randomArray(n, 2),
      v: randomArray(n, 3),
      ema: randomArray(n, 4),
    };
    state.weights[0] = NaN;
    const bits = (arrays: Arrays): Uint32Array[] => Object.values(arrays).map((a) => new Uint32Array(a.buffer));
    const before = structuredClone(bits(state));
    const clip = { norm: Infinity, max: 1 };
    for (const flags of [
      [1, 1, 0, 0],
      [0x80000000, 0, 1, 0],
    ]) {
      expect(bits(await update(state, randomArray(n, 5), 2, { ...reference, clip }, flags))).toEqual(before);
    }
    // Only flags[0] counts.
    const after = bits(await update(state, randomArray(n, 5), 2, reference, [0, 1, 1, 1]));
    before.forEach((array, i) => expect(after[i]).not.toEqual(array));
  });

  it.each([8, 1027])("scales %d gradients down and counts updates by the scaling's own corrections", async (n) => {
    const { gpu: state } = start(n);
    const grads = randomArray(n, 5);
    const clip = { norm: 20, max: 1.5 };
    for (const options of [reference, { ...reference, clip, eps: 0.1 }]) {
      // The third update, at step 7.
      const corrections = [...new Float32Array(stepUniform(3, options).buffer)].slice(5, 7);
      const scaling = [4, 5, 6, 1 / 512, ...corrections];
      const scaled = await update(
        state,
        grads.map((g) => 512 * g),
        8,
        options,
        [0, 0, 0, 0],
        scaling,
      );
      const plain = await update(state, grads, 3, options);
      // Powers of two leave all bits as they are.
      if (!("clip" in options)) expect(scaled).toEqual(plain);
      for (const name of Object.keys(plain) as (keyof Arrays)[]) {
        expectClose(
          scaled[name],
          plain[name],
          plain[name].map((x) => 1e-6 * Math.abs(x)),
          name,
        );
      }
    }
  });

  it("leaves all untouched in a step that is skipped", async () => {
    const { gpu: state } = start(9);
    const scaling = [2, 0, 1, 0.25, 0.1, 0.01];
    const skipped = await update(state, randomArray(9, 5), 2, reference, [0, 0, 0, 1], scaling);
    const taken = await update(state, randomArray(9, 5), 2, reference, [0, 0, 0, 0], scaling);
    expect(skipped).toEqual(state);
    expect(taken.weights).not.toEqual(state.weights);
  });

  it("stays off after a gradient that is not finite, though the next one is", async () => {
    const n = 9;
    const { gpu: state } = start(n);
    const bad = randomArray(n, 2);
    bad[4] = NaN;
    const { beta1, beta2, eps, weightDecay } = reference;
    const out = await runKernels(
      gpu,
      {
        bad: { shape: [n], data: bad },
        good: { shape: [n], data: randomArray(n, 3) },
        loss: { shape: [1], data: Float32Array.of(1) },
        step: { shape: [8], data: stepUniform(6, reference) },
      },
      {
        ...stateOf(state),
        norm: { shape: [1] },
        flags: { shape: [4], init: new Uint32Array(4) },
      },
      (ctx, { weights, m, v, ema, bad, good, loss, norm, flags, step }) => {
        for (const grads of [bad, good]) {
          gradNorm(ctx, { label: "test", grads: [grads], loss, norm, flags, step });
          adamw(ctx, { label: "test", weights, grads, m, v, ema, flags, step, beta1, beta2, eps, weightDecay });
        }
      },
    );
    const { norm, flags, ...after } = out;
    expect([...flags]).toEqual([6, 0, 1, 0]);
    expect(Number.isFinite(norm[0])).toBe(true);
    expect(after).toEqual(state);
  });

  it("gives the same bits twice", async () => {
    const { gpu: state } = start(501);
    const grads = randomArray(501, 8);
    expect(await update(state, grads, 1, reference)).toEqual(await update(state, grads, 1, reference));
  });

  it("refuses shapes that differ and rates out of range", async () => {
    const { gpu: state } = start(4);
    const wrong = update(state, randomArray(4, 1), 1, { ...reference, beta2: 1 });
    await expect(wrong).rejects.toMatchObject({ code: "bad-option" });
    await expect(
      runKernels(
        gpu,
        { a: { shape: [4], data: randomArray(4, 1) }, flags: { shape: [4], data: new Uint32Array(4) } },
        { b: { shape: [5] } },
        (ctx, { a, b, flags }) => {
          const rates = { beta1: 0.9, beta2: 0.99, eps: 0, weightDecay: 0 };
          adamw(ctx, { label: "test", weights: a, grads: b, m: b, v: b, ema: b, flags, step: flags, ...rates });
        },
      ),
    ).rejects.toMatchObject({ code: "bad-shape" });
  });
});
