import { describe, expect, it } from "vitest";
import { elementCount, type Tensor } from "../../../src/gpu/tensor.ts";
import * as kernels from "../../../src/kernels/index.ts";
import { cost, costs, f32, hardware, software } from "./costs.ts";

describe("groupNorm", () => {
  const x = [2, 5, 5, 5, 150];
  const elements = elementCount(x);
  const samples = 2;
  const channels = 150;
  const groups = 3;
  const shared = { label: "n", groups };
  const sizes = (t: (shape: number[]) => Tensor) => ({
    x: t(x),
    gamma: t([channels]),
    beta: t([channels]),
    stats: t([samples, groups, 2]),
  });
  // 125 voxels in runs of 64 (software) or 16.
  const streamsOf = { software: 2, hardware: 8 };

  it.each([
    ["software", software],
    ["hardware", hardware],
  ] as const)("forward, %s", (name, caps) => {
    const streams = streamsOf[name];
    const partials = [samples, streams, 2, channels];
    for (const silu of [false, true]) {
      const [moments, stats, apply] = costs(
        (ctx, t) => kernels.groupNorm(ctx, { ...shared, ...sizes(t), y: t(x), silu }),
        caps,
      );
      // Mean of a block: 8 operations for 8 elements; then difference, square and sum.
      expect(cost(moments)).toEqual({ flops: 4 * elements, bytes: f32(x, partials) });
      // A merge, counts aside: difference; product and sum; two sums; square, and two products.
      expect(cost(stats)).toEqual({
        flops: 8 * samples * streams * channels,
        bytes: f32(partials, [samples, groups, 2]),
      });
      // Difference, product, sum; SiLU: exponential, sum, division, product.
      expect(cost(apply)).toEqual({
        flops: (silu ? 7 : 3) * elements,
        bytes: f32(x, x, [channels], [channels], [samples, groups, 2]),
      });
    }
  });

  it.each([
    ["software", software],
    ["hardware", hardware],
  ] as const)("gradient, %s", (name, caps) => {
    const streams = streamsOf[name];
    const partials = [samples, streams, 2, channels];
    const stats = [samples, groups, 2];
    for (const silu of [false, true]) {
      for (const added of [false, true]) {
        const [sums, params, gradInput] = costs((ctx, t) => {
          const outputs = {
            gradY: t(x),
            gradX: t(x),
            gradGamma: t([channels]),
            gradBeta: t([channels]),
            ...(added && { addend: t(x) }),
          };
          kernels.groupNormGrad(ctx, { ...shared, ...sizes(t), ...outputs, silu });
        }, caps);
        const both = silu ? [[channels], [channels]] : [];
        // Normalise 2, sums 1 and 2; with SiLU scale and shift 2, sigmoid 3, slope 4, product 1.
        expect(cost(sums)).toEqual({ flops: (silu ? 15 : 5) * elements, bytes: f32(x, x, stats, partials, ...both) });
        // Two sums over streams for means and for parameters each, scaled and summed over the group; division;
        // additions.
        const flops = samples * channels * streams * 4 + samples * channels * 4 + samples * groups * 2 + channels * 2;
        expect(cost(params)).toEqual({ flops, bytes: f32(partials, [5 * channels], stats) });
        // Normalise 2, slope times gradient 1, two differences and a product 3; SiLU as above.
        const each = 6 + (silu ? 10 : 0) + Number(added);
        const bytes = f32(x, x, x, ...(added ? [x] : []), stats, stats, [channels], ...(silu ? [[channels]] : []));
        expect(cost(gradInput)).toEqual({ flops: each * elements, bytes });
      }
    }
  });

  it("of a small grid in one dispatch, with the parameters' gradients added up after it", () => {
    const small = [2, 4, 4, 4, 12];
    const [width, count] = [[12], elementCount(small)];
    const tensors = (t: (shape: number[]) => Tensor) => ({
      x: t(small),
      gamma: t(width),
      beta: t(width),
      stats: t([2, groups, 2]),
    });
    const [forward, ...more] = costs((ctx, t) =>
      kernels.groupNorm(ctx, { ...shared, ...tensors(t), y: t(small), silu: true }),
    );
    expect(more).toEqual([]);
    expect(cost(forward)).toEqual({ flops: 11 * count, bytes: f32(small, small, width, width, [2, groups, 2]) });
    const [backward, ...sums] = costs((ctx, t) => {
      const outputs = { gradY: t(small), gradX: t(small), gradGamma: t(width), gradBeta: t(width), addend: t(small) };
      kernels.groupNormGrad(ctx, { ...shared, ...tensors(t), ...outputs, silu: true });
    });
    const partials = [2, 2, 12];
    expect(cost(backward)).toEqual({
      flops: 20 * count,
      bytes: f32(small, small, small, small, [2, groups, 2], width, width, partials),
    });
    expect(sums).toHaveLength(2);
    for (const sum of sums) expect(cost(sum)).toEqual({ flops: 24, bytes: f32([2, 12], width, width) });
  });
});
