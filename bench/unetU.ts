import type { Tensor } from "../src/gpu/tensor.ts";
import type { Graph } from "../src/graph/graph.ts";
import { concatChannels, conv3d, convTranspose3d, groupNorm } from "../src/graph/operations.ts";
import type { WeightKind } from "../src/models/layouts.ts";
import { fanInSpread, type Spread } from "./data.ts";

// Case U: a U-Net that every engine compared can express. Simpler than the denoiser: no attention, no dropout, no skips
// from the stem or from the strided convolutions.
//
//   x -> stem (conv 3, padding 1, to channels[0])
//   for level 0, 1, 2:  downL.block0 (to channels[L]), downL.block1; the output of each is kept as a skip;
//                       but for the last level: downL.sample (conv 3, stride 2, padding 1, same channels)
//   middle.block0, middle.block1
//   for level 2, 1, 0:  upL.block0 on [x, skip of downL.block1], upL.block1 on [x, skip of downL.block0], both to
//                       channels[L], x first in the concatenation; but for level 0: upL.sample (transposed
//                       convolution 4, stride 2, padding 1, same channels)
//   head.norm and SiLU, head.conv (3, padding 1, to the input's channels)
//
// A block: h = conv1(silu(norm1(x))), y = conv2(silu(norm2(h))) + shortcut(x); convolutions 3, padding 1; the shortcut
// is a convolution 1 where the number of channels changes, and x itself where it does not. Every convolution has a
// bias; group norms have eps 1e-5 and an affine transformation.

/** Sizes of such a network. */
export interface UnetUConfig {
  readonly batch: number;
  readonly size: number;
  readonly inChannels: number;
  readonly channels: readonly number[];
  readonly groups: number;
}

export const unetU: UnetUConfig = { batch: 1, size: 32, inChannels: 5, channels: [32, 64, 128], groups: 16 };

/** What a training step of case U does besides. */
export const unetUTraining = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 } as const;

export interface UnetUParameter {
  readonly name: string;
  readonly kind: WeightKind;
  /** In our layout: convolutions [k, k, k, C in, C out]. */
  readonly shape: readonly number[];
  readonly trained: true;
  /** Values are `uniform("unet/U/NAME", count, spread)`; x and target are "unet/U/x" and "unet/U/target", spread {}. */
  readonly spread: Spread;
}

/** All parameters in the order of the forward pass. */
export function unetUParameters(config: UnetUConfig = unetU): UnetUParameter[] {
  const parameters: UnetUParameter[] = [];
  const walk: Layers<number> = {
    conv: (name, ci, co, kernel) => {
      weighted("conv", name, [kernel, kernel, kernel, ci, co], ci * kernel ** 3);
      return co;
    },
    // Each output voxel sees 2 x 2 x 2 of the 4 x 4 x 4 taps.
    convTranspose: (name, channels) => {
      weighted("convTranspose", name, [4, 4, 4, channels, channels], channels * 8);
      return channels;
    },
    norm: (name, channels) => {
      vector(`${name}.weight`, channels, { base: 1, scale: 0.1 });
      vector(`${name}.bias`, channels, { scale: 0.1 });
      return channels;
    },
    concat: (_, a, b) => a + b,
    channels: (channels) => channels,
  };
  const vector = (name: string, channels: number, spread: Spread) => {
    parameters.push({ name, kind: "vector", shape: [channels], trained: true, spread });
  };
  const weighted = (kind: WeightKind, name: string, shape: number[], fanIn: number) => {
    parameters.push({ name: `${name}.weight`, kind, shape, trained: true, spread: fanInSpread(fanIn) });
    vector(`${name}.bias`, shape[4]!, { scale: 0.1 });
  };
  forward(walk, config, config.inChannels);
  return parameters;
}

/** Appends the forward pass: [N, D, D, D, inChannels] to the same shape. */
export function buildUnetU(
  graph: Graph,
  x: Tensor,
  parameter: (name: string) => Tensor,
  config: UnetUConfig = unetU,
): Tensor {
  const label = (name: string) => `unetU/${name.replaceAll(".", "/")}`;
  const both = (name: string) => ({ weight: parameter(`${name}.weight`), bias: parameter(`${name}.bias`) });
  return forward<Tensor>(
    {
      conv: (name, input, _, kernel, stride, addend) => {
        // The prediction is f32 whatever lies before.
        const dtype = name === "head.conv" ? { dtype: "f32" as const } : {};
        const options = { label: label(name), x: input, ...both(name), stride, padding: kernel >> 1, ...dtype };
        return conv3d(graph, addend ? { ...options, addend } : options);
      },
      convTranspose: (name, input) =>
        convTranspose3d(graph, { label: label(name), x: input, ...both(name), stride: 2, padding: 1 }),
      norm: (name, input) => {
        const { weight: gamma, bias: beta } = both(name);
        return groupNorm(graph, { label: label(name), x: input, gamma, beta, groups: config.groups, silu: true });
      },
      concat: (name, a, b) => concatChannels(graph, { label: label(name), a, b }),
      channels: ({ shape }) => shape[4]!,
    },
    config,
    x,
  );
}

/** Operations of the forward pass's convolutions, a multiply-add counted as two and padding as if it were there. */
export function unetUFlops(config: UnetUConfig = unetU): number {
  let flops = 0;
  const add = (size: number, taps: number, ci: number, co: number) => {
    flops += 2 * config.batch * size ** 3 * taps * ci * co;
  };
  type Activation = { size: number; width: number };
  forward<Activation>(
    {
      conv: (_, { size, width }, co, kernel, stride) => {
        const to = { size: size / stride, width: co };
        add(to.size, kernel ** 3, width, co);
        return to;
      },
      convTranspose: (_, { size, width }) => {
        add(size, 64, width, width);
        return { size: 2 * size, width };
      },
      norm: (_, input) => input,
      concat: (_, a, b) => ({ size: a.size, width: a.width + b.width }),
      channels: ({ width }) => width,
    },
    config,
    { size: config.size, width: config.inChannels },
  );
  return flops;
}

/** What the topology is made of, for whatever stands for an activation. */
interface Layers<T> {
  conv(name: string, x: T, co: number, kernel: 1 | 3, stride: 1 | 2, addend?: T): T;
  convTranspose(name: string, x: T): T;
  /** With SiLU. */
  norm(name: string, x: T): T;
  concat(name: string, a: T, b: T): T;
  channels(x: T): number;
}

function forward<T>(layers: Layers<T>, { channels, inChannels }: UnetUConfig, input: T): T {
  const block = (name: string, x: T, co: number): T => {
    const h = layers.conv(`${name}.conv1`, layers.norm(`${name}.norm1`, x), co, 3, 1);
    const normed = layers.norm(`${name}.norm2`, h);
    const shortcut = layers.channels(x) === co ? x : layers.conv(`${name}.shortcut`, x, co, 1, 1);
    return layers.conv(`${name}.conv2`, normed, co, 3, 1, shortcut);
  };
  let x = layers.conv("stem", input, channels[0]!, 3, 1);
  const skips: T[][] = [];
  channels.forEach((width, level) => {
    const first = block(`down${level}.block0`, x, width);
    x = block(`down${level}.block1`, first, width);
    skips.push([first, x]);
    if (level < channels.length - 1) x = layers.conv(`down${level}.sample`, x, width, 3, 2);
  });
  const deepest = channels[channels.length - 1]!;
  for (const name of ["middle.block0", "middle.block1"]) x = block(name, x, deepest);
  for (let level = channels.length - 1; level >= 0; level--) {
    const [first, second] = skips[level] as [T, T];
    [second, first].forEach((skip, i) => {
      const name = `up${level}.block${i}`;
      x = block(name, layers.concat(`${name}.concat`, x, skip), channels[level]!);
    });
    if (level > 0) x = layers.convTranspose(`up${level}.sample`, x);
  }
  return layers.conv("head.conv", layers.norm("head.norm", x), inChannels, 3, 1);
}
