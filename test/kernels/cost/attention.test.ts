import { describe, expect, it } from "vitest";
import * as kernels from "../../../src/kernels/index.ts";
import { cost, costs, f32, hardware } from "./costs.ts";

describe("attention", () => {
  const [samples, channels, tokens] = [2, 12, 300];
  const shape = (width: number) => [samples, tokens, width];

  it("forward, fused: two matrix products and a softmax; nothing but operands and results is moved", () => {
    const made = costs((ctx, t) => {
      kernels.attention(ctx, {
        ...{ label: "a", qkv: t(shape(36)), y: t(shape(12)), logSumExp: t([samples, 1, tokens]), scale: 0.3 },
      });
    });
    const scores = samples * tokens * tokens;
    expect(made.map(cost)).toEqual([
      { flops: 2 * 2 * scores * channels + 4 * scores, bytes: f32(shape(36), shape(12), [samples, tokens]) },
    ]);
  });

  it("forward, on others: two matrix products and a softmax for each tile of keys", () => {
    const made = costs((ctx, t) => {
      kernels.attention(ctx, {
        label: "a",
        qkv: t(shape(36)),
        y: t(shape(12)),
        logSumExp: t([samples, 1, tokens]),
        scale: 0.3,
      });
    }, hardware);
    // 300 keys: a tile of 256 and one of 44.
    const wanted = [256, 44].flatMap((keys, tile) => {
      const product = 2 * samples * keys * tokens * channels;
      const scores = keys * tokens;
      return [
        { flops: product, bytes: 4 * samples * (keys * channels + tokens * channels + scores) },
        // Maximum, difference, exponential, sum. Scores both ways; state out, and in again; factors; the logarithm.
        {
          flops: 4 * samples * scores,
          bytes: 4 * samples * (2 * scores + (tile === 0 ? 2 : 4) * tokens + 2 * tokens + (tile === 1 ? tokens : 0)),
        },
        {
          flops: product,
          bytes: 4 * samples * (scores + keys * channels + (tile === 0 ? 1 : 2) * tokens * channels + 2 * tokens),
        },
      ];
    });
    expect(made.map(cost)).toEqual(wanted);
  });

  it("gradient: five matrix products for each tile of keys", () => {
    const [dots, ...products] = costs((ctx, t) => {
      kernels.attentionGrad(ctx, {
        ...{ label: "a", qkv: t(shape(36)), y: t(shape(12)), logSumExp: t([samples, 1, tokens]) },
        ...{ gradY: t(shape(12)), gradQkv: t(shape(36)), scale: 0.3 },
      });
    });
    expect(cost(dots)).toEqual({
      flops: 2 * samples * tokens * channels,
      bytes: f32(shape(12), shape(12), [samples, tokens]),
    });
    const wanted = [256, 44].flatMap((keys, tile) => {
      const flops = 2 * samples * keys * tokens * channels;
      const [row, key, scores] = [tokens * channels, keys * channels, keys * tokens];
      const floats = [
        key + row + scores + tokens,
        key + row + 2 * scores + tokens,
        scores + row + key,
        scores + row + key,
        scores + key + (tile === 0 ? 1 : 2) * row,
      ];
      return floats.map((count) => ({ flops, bytes: 4 * samples * count }));
    });
    expect(products.map(cost)).toEqual(wanted);
  });
});
