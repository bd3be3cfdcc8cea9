// The loss of a denoiser of some hundred weights, and its terms under the cube's rotations, in float64.
import type { LossTerms, WeightSlot } from "../../src/analysis/lossTerms.ts";
import type { SampleSums } from "../../src/equivariance/estimators.ts";
import { VoxtwirlError } from "../../src/errors.ts";
import { octahedralInverses, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import type { WeightKind } from "../../src/models/layouts.ts";
import { Random } from "../../src/random.ts";
import { conv3d } from "../../src/reference/conv3d.ts";
import { convTranspose3d } from "../../src/reference/convTranspose3d.ts";

/** How the net goes from 4 voxels along an edge to 2: kernel and padding, the stride is 2. */
const DOWN = { k4s2: [4, 1], k2s2: [2, 0], k3s2: [3, 1] } as const;
const SIZE = 4;
const ROTATIONS = 24;

function layoutOf(kernel: number): WeightSlot[] {
  const shapes: [string, WeightKind, number[]][] = [
    ["stem.weight", "conv", [3, 3, 3, 1, 2]],
    ["stem.bias", "vector", [2]],
    ["down.weight", "conv", [kernel, kernel, kernel, 2, 2]],
    ["down.bias", "vector", [2]],
    ["mix.weight", "linear", [2, 2]],
    ["up.weight", "convTranspose", [4, 4, 4, 2, 2]],
    ["up.bias", "vector", [2]],
    ["head.weight", "conv", [1, 1, 1, 2, 1]],
  ];
  let offset = 0;
  return shapes.map(([name, kind, shape]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    offset += size;
    return { name, kind, shape, offset: offset - size, size };
  });
}

const silu = (values: Float64Array) => values.map((value) => value / (1 + Math.exp(-value)));

/** The net, of one grid [4, 4, 4, 1]. */
function predict(x: Float64Array, weights: Float64Array, layout: readonly WeightSlot[], padding: number): Float64Array {
  const of = (name: string) => {
    const { offset, size, shape } = layout.find((slot) => slot.name === name)!;
    return { shape, data: weights.subarray(offset, offset + size) };
  };
  const fine = [1, SIZE, SIZE, SIZE, 2];
  const coarse = [1, SIZE / 2, SIZE / 2, SIZE / 2, 2];
  const input = { shape: [1, SIZE, SIZE, SIZE, 1], data: x };
  const stem = silu(conv3d(input, of("stem.weight"), fine, 1, 1, of("stem.bias").data));
  const fineStem = { shape: fine, data: stem };
  const down = silu(conv3d(fineStem, of("down.weight"), coarse, 2, padding, of("down.bias").data));
  const { data: mix } = of("mix.weight");
  const mixed = down.map((_, i) => down[i - (i % 2)]! * mix[i % 2]! + down[i - (i % 2) + 1]! * mix[2 + (i % 2)]!);
  const low = { shape: coarse, data: mixed };
  const up = silu(convTranspose3d(low, of("up.weight"), fine, 2, 1, of("up.bias").data));
  const both = { shape: fine, data: up.map((value, i) => value + stem[i]!) };
  return Float64Array.from(conv3d(both, of("head.weight"), input.shape, 1, 0));
}

/** f_T(x) = T^-1 f(T x) for each rotation T. */
export function twisted(f: (x: Float64Array) => Float64Array, x: Float64Array): Float64Array[] {
  return octahedralInverses.map((inverse, g) => {
    return rotateGridOctahedral(f(rotateGridOctahedral(x, SIZE, 1, g)), SIZE, 1, inverse);
  });
}

function sumsOf(predictions: readonly Float64Array[], y: Float64Array): SampleSums {
  const mean = y.map((_, i) => predictions.reduce((sum, f) => sum + f[i]!, 0) / predictions.length);
  const distance = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
  return {
    meanError: distance(mean, y),
    spread: predictions.reduce((sum, f) => sum + distance(f, mean), 0),
    zeroError: y.reduce((sum, value) => sum + value ** 2, 0),
  };
}

/** All but gradients. */
export function tinyConvTerms(down: keyof typeof DOWN, samples = 3): LossTerms & { readonly asked: Float64Array[] } {
  const [kernel, padding] = DOWN[down];
  const layout = layoutOf(kernel);
  const random = new Random(7);
  const draw = (length: number) => Float64Array.from({ length }, () => 2 * random.next() - 1);
  const last = layout.at(-1)!;
  const weights = draw(last.offset + last.size).map((value) => 0.5 * value);
  const data = Array.from({ length: samples }, () => ({ x: draw(SIZE ** 3), y: draw(SIZE ** 3) }));
  const asked: Float64Array[] = [];
  const none = () => Promise.reject(new Error("not asked for"));
  return {
    ...{ layout, weights, samples, asked, gradient: none, gaussNewtonProduct: none },
    sampling: { rotations: ROTATIONS, elements: SIZE ** 3 },
    sums: async (at, { from = 0, to = samples, signal } = {}) => {
      asked.push(at);
      return data.slice(from, to).map(({ x, y }) => {
        if (signal?.aborted) throw new VoxtwirlError("aborted", "stopped", "Start it again.");
        return sumsOf(
          twisted((grid) => predict(grid, at, layout, padding), x),
          y,
        );
      });
    },
  };
}
