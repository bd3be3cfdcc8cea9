// FLOPs and bytes that kernels claim, against counts by hand: loops over what the mathematics does, or one addition,
// multiplication, division, root, exponential or comparison at a time. Bytes: each input read once, each output
// written once, what is added to both; lists of a few words (rotations, step numbers) are left out.
import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Dispatch } from "../../src/gpu/dispatch.ts";
import { elementCount, type DType, type Tensor } from "../../src/gpu/tensor.ts";
import { Graph } from "../../src/graph/graph.ts";
import * as kernels from "../../src/kernels/index.ts";

const software: GpuCaps = {
  ...{ adapterClass: "software", subgroups: true, subgroupMinSize: 8, subgroupMaxSize: 8 },
  ...{ maxWorkgroupInvocations: 1024, maxBindingBytes: 2 ** 27, f16: false, subgroupMatrices: [] },
};
const hardware: GpuCaps = { ...software, adapterClass: "discrete", subgroupMinSize: 32, subgroupMaxSize: 32 };

/** The dispatches of a kernel, by label, in order. */
function costs(
  emit: (graph: Graph, tensor: (shape: number[], dtype?: DType) => Tensor) => void,
  caps = software,
): Dispatch[] {
  const graph = new Graph(caps);
  emit(graph, (shape, dtype) => graph.scratch("t", shape, dtype));
  return graph.commands.flatMap((c) => (c.kind === "dispatch" ? [c.dispatch] : []));
}
const cost = (dispatch: Dispatch | undefined) => dispatch && { flops: dispatch.flops, bytes: dispatch.bytes };
const f32 = (...shapes: number[][]) => 4 * shapes.reduce((sum, shape) => sum + elementCount(shape), 0);

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

describe("attention", () => {
  const [samples, channels, tokens] = [2, 12, 300];
  const shape = (width: number) => [samples, tokens, width];

  it("forward: two matrix products and a softmax for each tile of keys", () => {
    const made = costs((ctx, t) => {
      kernels.attention(ctx, {
        label: "a",
        qkv: t(shape(36)),
        y: t(shape(12)),
        logSumExp: t([samples, tokens]),
        scale: 0.3,
      });
    });
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
        ...{ label: "a", qkv: t(shape(36)), y: t(shape(12)), logSumExp: t([samples, tokens]) },
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
      const tensors = { qkv: t([samples, tokens, 36], "f16"), y: t(shape, "f16"), logSumExp: t([samples, tokens]) };
      kernels.attention(ctx, { label: "a", ...tensors, scale: 0.3 });
    });
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

describe("rotations and twirl", () => {
  const grid = [2, 5, 5, 5, 3];
  const elements = elementCount(grid);

  it.each([
    ["trilinear", 8],
    ["catmullRom", 64],
  ] as const)("resample, %s: a multiply-add for each of %d neighbours", (method, taps) => {
    const wanted = { flops: 2 * taps * elements, bytes: f32(grid, grid) };
    const [there] = costs((ctx, t) =>
      kernels.resample(ctx, { label: "r", x: t(grid), rotations: t([2, 9]), y: t(grid), method }),
    );
    expect(cost(there)).toEqual(wanted);
    const [back] = costs((ctx, t) =>
      kernels.resampleAdjoint(ctx, { label: "r", gradY: t(grid), rotations: t([2, 9]), gradX: t(grid), method }),
    );
    expect(cost(back)).toEqual(wanted);
  });

  it("twirlMerge: Welford's update, 6 operations for each prediction", () => {
    for (const count of [0, 4]) {
      const [merge] = costs((ctx, t) => {
        kernels.twirlMerge(ctx, {
          label: "m",
          predictions: t([8, 5, 5, 5, 3]),
          rotations: t([4], "u32"),
          mean: t(grid),
          m2: t(grid),
          count,
        });
      });
      const traffic = count === 0 ? [grid, grid] : [grid, grid, grid, grid];
      expect(cost(merge)).toEqual({ flops: 6 * 4 * elements, bytes: f32([8, 5, 5, 5, 3], ...traffic) });
    }
  });

  it("twirlMerge of the last chunk: the sums too, and M2 not written", () => {
    const terms = { predictions: [8, 5, 5, 5, 3], rotations: [4], sums: [2, 4] };
    for (const withTarget of [false, true]) {
      const [merge, ...sums] = costs((ctx, t) => {
        kernels.twirlMerge(ctx, {
          label: "m",
          predictions: t(terms.predictions),
          rotations: t(terms.rotations, "u32"),
          mean: t(grid),
          m2: t(grid),
          count: 4,
          reduce: { sums: t(terms.sums), ...(withTarget && { target: t(grid) }) },
        });
      });
      const partial = [...merge!.bindings.partial!.shape];
      // Of the sums M2's alone, or a difference, two squares and three sums.
      const each = 6 * 4 + (withTarget ? 6 : 1);
      const traffic = [grid, grid, grid, ...(withTarget ? [grid] : []), partial];
      expect(cost(merge)).toEqual({ flops: each * elements, bytes: f32(terms.predictions, ...traffic) });
      expect(sums[0]!.flops).toBe(elementCount(partial));
      expect(sums.at(-1)!.bindings.out!.shape).toEqual(terms.sums);
    }
  });

  it("twirlError: a difference, its square and the sum, then the threads' sums", () => {
    const [error] = costs((ctx, t) => {
      kernels.twirlError(ctx, {
        label: "e",
        predictions: t([8, 5, 5, 5, 3]),
        rotations: t([4], "u32"),
        target: t(grid),
        out: t([2]),
      });
    });
    expect(cost(error)).toEqual({
      flops: 3 * 4 * elements,
      bytes: f32([8, 5, 5, 5, 3], grid, [...error!.bindings.partial!.shape]),
    });
  });
});

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
