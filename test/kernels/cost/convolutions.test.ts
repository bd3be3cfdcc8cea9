import { describe, expect, it } from "vitest";
import { elementCount } from "../../../src/gpu/tensor.ts";
import * as kernels from "../../../src/kernels/index.ts";
import { cost, costs, f32, hardware, software } from "./costs.ts";

/** Multiply-adds of a convolution, one after another: outputs times taps that meet the input times both channels. */
function convolutionMacs(
  x: number[],
  size: number[],
  kernel: number,
  stride: number,
  padding: number,
  channels: number,
): number {
  const [n, d, h, w, inputs] = x as [number, number, number, number, number];
  let taps = 0;
  for (let z = 0; z < size[0]!; z++) {
    for (let y = 0; y < size[1]!; y++) {
      for (let q = 0; q < size[2]!; q++) {
        for (let tap = 0; tap < kernel ** 3; tap++) {
          const iz = z * stride + Math.floor(tap / kernel ** 2) - padding;
          const iy = y * stride + (Math.floor(tap / kernel) % kernel) - padding;
          const ix = q * stride + (tap % kernel) - padding;
          if (iz >= 0 && iz < d && iy >= 0 && iy < h && ix >= 0 && ix < w) taps++;
        }
      }
    }
  }
  return n * taps * inputs * channels;
}

describe("convolutions", () => {
  it.each([
    { x: [2, 4, 5, 6, 3], kernel: 3, stride: 1, padding: 1, size: [4, 5, 6], channels: 7 },
    { x: [1, 8, 6, 4, 8], kernel: 4, stride: 2, padding: 1, size: [4, 3, 2], channels: 16 },
    { x: [3, 4, 4, 4, 5], kernel: 1, stride: 1, padding: 0, size: [4, 4, 4], channels: 9 },
    { x: [1, 5, 7, 9, 2], kernel: 3, stride: 2, padding: 1, size: [3, 4, 5], channels: 4 },
    { x: [1, 5, 7, 5, 2], kernel: 3, stride: 1, padding: 0, size: [3, 5, 3], channels: 4 },
    { x: [2, 4, 5, 6, 11], kernel: 3, stride: 1, padding: 0, size: [2, 3, 4], channels: 3 },
  ])("kernel $kernel, stride $stride, padding $padding", ({ x, kernel, stride, padding, size, channels }) => {
    const weight = [kernel, kernel, kernel, x[4]!, channels];
    const y = [x[0]!, ...size, channels];
    const flops = 2 * convolutionMacs(x, size, kernel, stride, padding, channels);
    for (const caps of [software, hardware]) {
      // Of conv3dRows.wgsl, transformed along z by a dispatch before.
      const winograd = caps === software && kernel === 3 && stride === 1 && padding === 1;
      const read = winograd ? [4, 3, 3, x[4]!, channels] : weight;
      const transforms = winograd ? [{ flops: 0, bytes: f32(weight, read) }] : [];
      const [forward, ...first] = costs((ctx, t) => {
        kernels.conv3d(ctx, {
          label: "c",
          x: t(x),
          weight: t(weight),
          bias: t([channels]),
          addend: t(y),
          y: t(y),
          stride,
          padding,
        });
      }, caps).reverse();
      expect(first.map(cost)).toEqual(transforms);
      expect(cost(forward)).toEqual({ flops, bytes: f32(x, read, [channels], y, y) });

      // The same multiply-adds go the other way.
      const [gradInput, ...before] = costs((ctx, t) => {
        kernels.conv3dGradInput(ctx, { label: "c", gradY: t(y), weight: t(weight), gradX: t(x), stride, padding });
      }, caps).reverse();
      expect(before.map(cost)).toEqual(transforms);
      expect(cost(gradInput)).toEqual({ flops, bytes: f32(y, read, x) });

      const [products, sum] = costs((ctx, t) => {
        kernels.conv3dGradWeight(ctx, { label: "c", x: t(x), gradY: t(y), gradWeight: t(weight), stride, padding });
      }, caps);
      const slices = products!.bindings.partial!.shape;
      if (!sum) {
        // So few positions that one slice is enough: it is added where it belongs.
        expect(caps).toBe(hardware);
        expect(cost(products)).toEqual({ flops, bytes: f32(x, y, weight, weight) });
        continue;
      }
      expect(slices.slice(1)).toEqual(weight);
      expect(cost(products)).toEqual({ flops, bytes: f32(x, y, [...slices]) });
      expect(cost(sum)).toEqual({ flops: elementCount(slices), bytes: f32([...slices], weight, weight) });
    }
  });

  it.each([
    { channelsIn: 768, channelsOut: 256, kernel: "conv3dGradWeightRows" },
    { channelsIn: 1024, channelsOut: 1024, kernel: "conv3dRows" },
  ])(
    "$channelsIn to $channelsOut channels: nothing larger than a binding may be",
    ({ channelsIn, channelsOut, kernel }) => {
      const [x, weight, y] = [
        [1, 16, 16, 16, channelsIn],
        [3, 3, 3, channelsIn, channelsOut],
        [1, 16, 16, 16, channelsOut],
      ];
      const common = { label: "c", stride: 1, padding: 1 };
      const dispatches = costs((ctx, t) => {
        kernels.conv3d(ctx, { ...common, x: t(x), weight: t(weight), y: t(y) });
        kernels.conv3dGradWeight(ctx, { ...common, x: t(x), gradY: t(y), gradWeight: t(weight) });
      });
      const bindings = dispatches.flatMap((d) => Object.values(d.bindings)).map(({ shape }) => f32([...shape]));
      expect(Math.max(...bindings)).toBeLessThanOrEqual(software.maxBindingBytes);
      // The first has the shader, with fewer slices; the second's transformed weights would be too large.
      expect(dispatches.some((d) => d.shader.name === kernel)).toBe(channelsIn === 768);
    },
  );

  it("few voxels, many channels on a GPU: slices of the input channels, then their sum with bias and residual", () => {
    const [x, weight, y] = [
      [1, 2, 2, 2, 128],
      [3, 3, 3, 128, 64],
      [1, 2, 2, 2, 64],
    ];
    const [products, sum, ...more] = costs((ctx, t) => {
      const operands = { x: t(x), weight: t(weight), bias: t([64]), addend: t(y), y: t(y) };
      kernels.conv3d(ctx, { label: "c", ...operands, stride: 1, padding: 1 });
    }, hardware);
    const slices = products!.bindings.y!.shape;
    expect(slices[0]).toBeGreaterThan(1);
    expect(cost(products)).toEqual({
      flops: 2 * convolutionMacs(x, [2, 2, 2], 3, 1, 1, 64),
      bytes: f32(x, weight, [...slices]),
    });
    expect(cost(sum)).toEqual({ flops: elementCount(y) * (slices[0]! + 1), bytes: f32([...slices], [64], y, y) });
    expect(more).toEqual([]);
  });

  it("gradient of many weights from few positions: one slice, added where it belongs", () => {
    const [x, weight, y] = [
      [1, 2, 2, 2, 64],
      [3, 3, 3, 64, 256],
      [1, 2, 2, 2, 256],
    ];
    const dispatches = costs((ctx, t) => {
      kernels.conv3dGradWeight(ctx, { label: "c", x: t(x), gradY: t(y), gradWeight: t(weight), stride: 1, padding: 1 });
    });
    const flops = 2 * convolutionMacs(x, [2, 2, 2], 3, 1, 1, 256);
    expect(dispatches.map(cost)).toEqual([{ flops, bytes: f32(x, y, weight, weight) }]);
  });

  it("transposed: each input meets the taps that lead into the output", () => {
    const [x, weight, y] = [
      [2, 3, 4, 5, 6],
      [4, 4, 4, 6, 3],
      [2, 6, 8, 10, 3],
    ];
    // As a convolution of stride 2 from the output back to the input.
    const flops = 2 * convolutionMacs(y, [3, 4, 5], 4, 2, 1, 6);
    const [forward] = costs((ctx, t) => {
      kernels.convTranspose3d(ctx, {
        label: "c",
        x: t(x),
        weight: t(weight),
        bias: t([3]),
        y: t(y),
        stride: 2,
        padding: 1,
      });
    });
    expect(cost(forward)).toEqual({ flops, bytes: f32(x, weight, [3], y) });
    const [gradInput] = costs((ctx, t) => {
      kernels.convTranspose3dGradInput(ctx, {
        label: "c",
        gradY: t(y),
        weight: t(weight),
        gradX: t(x),
        stride: 2,
        padding: 1,
      });
    });
    expect(cost(gradInput)).toEqual({ flops, bytes: f32(x, weight, y) });
    const [products] = costs((ctx, t) => {
      kernels.convTranspose3dGradWeight(ctx, {
        label: "c",
        x: t(x),
        gradY: t(y),
        gradWeight: t(weight),
        stride: 2,
        padding: 1,
      });
    });
    expect(cost(products)).toEqual({ flops, bytes: f32(x, y, [...products!.bindings.partial!.shape]) });
  });

  it("linear: one multiply-add for each token and pair of channels", () => {
    const [x, weight, y] = [
      [2, 10, 12],
      [12, 7],
      [2, 10, 7],
    ];
    const macs = 20 * 12 * 7;
    const [forward] = costs((ctx, t) =>
      kernels.linear(ctx, { label: "l", x: t(x), weight: t(weight), bias: t([7]), y: t(y) }),
    );
    expect(cost(forward)).toEqual({ flops: 2 * macs, bytes: f32(x, weight, [7], y) });
    const [gradInput] = costs((ctx, t) =>
      kernels.linearGradInput(ctx, { label: "l", gradY: t(y), weight: t(weight), gradX: t(x) }),
    );
    expect(gradInput!.flops).toBe(2 * macs);
    const [products] = costs((ctx, t) =>
      kernels.linearGradWeight(ctx, { label: "l", x: t(x), gradY: t(y), gradWeight: t(weight) }),
    );
    expect(products!.flops).toBe(2 * macs);
  });
});
