import { describe, expect, it } from "vitest";
import * as kernels from "../../../src/kernels/index.ts";
import { cost, costs } from "./costs.ts";

describe("the optimiser and elementwise kernels", () => {
  it("adamw: 18 operations a weight, one more with clipping", () => {
    for (const clip of [false, true]) {
      const updates = costs((ctx, t) => {
        const state = {
          weights: t([1001]),
          grads: t([1001]),
          m: t([1001]),
          v: t([1001]),
          ema: t([1001]),
          flags: t([4], "u32"),
          step: t([8]),
        };
        const clipped = clip ? { clip: { norm: t([1]), max: 1 } } : {};
        kernels.adamw(ctx, {
          label: "u",
          ...state,
          beta1: 0.9,
          beta2: 0.999,
          eps: 1e-8,
          weightDecay: 0.01,
          ...clipped,
        });
      });
      // m 3, v 4, denominator 3, quotient 1, step and decay 4, average 3. Four arrays both ways, the gradient in.
      // By fours, then the last one.
      const each = { flops: 3 + 4 + 3 + 1 + 4 + 3 + Number(clip), bytes: 4 * 9 };
      expect(updates.map(cost)).toEqual([1000, 1].map((n) => ({ flops: each.flops * n, bytes: each.bytes * n })));
    }
  });

  it("add, silu and its gradient", () => {
    const shape = [3, 5, 7];
    const [sum, silu, grad] = costs((ctx, t) => {
      kernels.add(ctx, { label: "a", a: t(shape), b: t(shape), y: t(shape) });
      kernels.silu(ctx, { label: "s", x: t(shape), y: t(shape) });
      kernels.siluGrad(ctx, { label: "g", x: t(shape), gradY: t(shape), gradX: t(shape) });
    });
    expect(cost(sum)).toEqual({ flops: 105, bytes: 3 * 420 });
    // Exponential, sum, division, product; for the gradient sigmoid 3, slope 4, product 1.
    expect(cost(silu)).toEqual({ flops: 4 * 105, bytes: 2 * 420 });
    expect(cost(grad)).toEqual({ flops: 8 * 105, bytes: 3 * 420 });
  });
});
