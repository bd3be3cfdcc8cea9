import { describe, expect, it } from "vitest";
import { elementCount } from "../../../src/gpu/tensor.ts";
import * as kernels from "../../../src/kernels/index.ts";
import { cost, costs, f32, hardware } from "./costs.ts";

describe("half precision", () => {
  it("halves the traffic of activations, and no other", () => {
    const [x, weight, y] = [
      [2, 4, 4, 4, 3],
      [3, 3, 3, 3, 8],
      [2, 4, 4, 4, 8],
    ];
    const half = (...shapes: number[][]) => f32(...shapes) / 2;
    const common = { label: "c", stride: 1, padding: 1 };
    const conv = costs((ctx, t) => {
      const operands = { x: t(x, "f16"), weight: t(weight), bias: t([8]), addend: t(y, "f16"), y: t(y, "f16") };
      kernels.conv3d(ctx, { ...common, ...operands });
    }).at(-1);
    expect(conv!.bytes).toBe(half(x, y, y) + f32([4, 3, 3, 3, 8], [8]));
    const [products] = costs((ctx, t) => {
      kernels.conv3dGradWeight(ctx, { ...common, x: t(x), gradY: t(y, "f16"), gradWeight: t(weight) });
    });
    expect(products!.bytes).toBe(half(y) + f32(x, [...products!.bindings.partial!.shape]));
    const stats = [2, 2, 2];
    const apply = costs((ctx, t) => {
      const parameters = { gamma: t([8]), beta: t([8]), stats: t(stats) };
      kernels.groupNorm(ctx, { label: "n", groups: 2, silu: true, x: t(y, "f16"), y: t(y, "f16"), ...parameters });
    }).at(-1);
    expect(apply!.bytes).toBe(half(y, y) + f32([8], [8], stats));
    const wide = [2, 4, 4, 4, 11];
    const [concat] = costs((ctx, t) => {
      kernels.concatChannels(ctx, { label: "c", a: t(x, "f16"), b: t(y, "f16"), y: t(wide) });
    });
    expect(concat!.bytes).toBe(half(x, y) + f32(wide));
  });

  it("adds tiles of attention up in f32, and stores the result once", () => {
    const [samples, tokens, channels] = [2, 300, 12];
    const shape = [samples, tokens, channels];
    const made = costs((ctx, t) => {
      const tensors = { qkv: t([samples, tokens, 36], "f16"), y: t(shape, "f16"), logSumExp: t([samples, 1, tokens]) };
      kernels.attention(ctx, { label: "a", ...tensors, scale: 0.3 });
    }, hardware);
    const [scores, , , , , values, result] = made;
    expect(made).toHaveLength(7);
    const keys = 44;
    expect(scores!.bytes).toBe(samples * (2 * (256 * channels + tokens * channels) + 4 * 256 * tokens));
    // Scores, the sum both ways and factors in f32, the keys' values in f16.
    const floats = keys * tokens + 2 * tokens * channels + 2 * tokens;
    expect(values!.bytes).toBe(samples * (4 * floats + 2 * keys * channels));
    expect(cost(result)).toEqual({ flops: 0, bytes: (4 + 2) * elementCount(shape) });
  });
});
