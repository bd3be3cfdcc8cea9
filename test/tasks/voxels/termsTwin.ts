import type { Term } from "../../../src/analysis/lossTerms.ts";
import type { Loss } from "../../../src/equivariance/losses.ts";
import { octahedralInverses } from "../../../src/equivariance/octahedral.ts";
import { conv3d, groupNorm } from "../../../src/graph/operations.ts";
import type { ModelParameter } from "../../../src/models/parameter.ts";
import { conv3d as conv3dTwin } from "../../../src/reference/conv3d.ts";
import { groupNorm as groupNormTwin } from "../../../src/reference/groupNorm.ts";
import { rotateOctahedral } from "../../../src/reference/rotateOctahedral.ts";
import type { VoxelNetwork } from "../../../src/tasks/voxels/termsGraph.ts";

export const CHANNELS = 3;
export const GRID = 4;
const HIDDEN = 4;
const GROUPS = 2;
export const ELEMENTS = GRID ** 3 * CHANNELS;

const parameter = (name: string, kind: ModelParameter["kind"], shape: number[], bound: number): ModelParameter => {
  return { name, kind, shape, trained: true, init: { bound } };
};

/** A convolution, a group norm with SiLU, another convolution: 663 weights. */
export const parameters: ModelParameter[] = [
  parameter("first.weight", "conv", [3, 3, 3, CHANNELS, HIDDEN], 0.2),
  parameter("first.bias", "vector", [HIDDEN], 0.2),
  parameter("norm.weight", "vector", [HIDDEN], 1),
  parameter("norm.bias", "vector", [HIDDEN], 0.5),
  parameter("last.weight", "conv", [3, 3, 3, HIDDEN, CHANNELS], 0.2),
  parameter("last.bias", "vector", [CHANNELS], 0.1),
];

export const network: VoxelNetwork = (graph, x, named) => {
  const conv = (name: string, input: typeof x) =>
    conv3d(graph, {
      ...{ label: name, x: input, stride: 1, padding: 1 },
      weight: named(`${name}.weight`),
      bias: named(`${name}.bias`),
    });
  const [gamma, beta] = [named("norm.weight"), named("norm.bias")];
  const h = groupNorm(graph, { label: "norm", x: conv("first", x), gamma, beta, groups: GROUPS, silu: true });
  return conv("last", h);
};

/** The same in float64 on one grid [D, D, D, C]; weights as `parameters` lists them. */
function forward(weights: Float64Array, x: ArrayLike<number>): Float64Array {
  const at = offsets();
  const part = (name: string) => weights.subarray(...at.get(name)!);
  const conv = (name: string, values: ArrayLike<number>, ci: number, co: number) =>
    conv3dTwin(
      { shape: [1, GRID, GRID, GRID, ci], data: values },
      { shape: [3, 3, 3, ci, co], data: part(`${name}.weight`) },
      [1, GRID, GRID, GRID, co],
      ...[1, 1, part(`${name}.bias`)],
    );
  const sizes = { samples: 1, voxels: GRID ** 3, channels: HIDDEN, groups: GROUPS, eps: 1e-5, silu: true };
  const h = groupNormTwin(sizes, conv("first", x, CHANNELS, HIDDEN), part("norm.weight"), part("norm.bias")).y;
  return conv("last", h, HIDDEN, CHANNELS);
}

function offsets(): Map<string, [number, number]> {
  let next = 0;
  return new Map(
    parameters.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      next += size;
      return [name, [next - size, next]];
    }),
  );
}

/** One molecule's grids and the rotations that it is measured under. */
export interface TwinSample {
  readonly noisy: Float32Array;
  readonly clean: Float32Array;
  readonly rotations: ArrayLike<number>;
}

/** The predictions f_i of a sample, rotated back. */
export function twisted(weights: Float64Array, { noisy, rotations }: TwinSample): Float64Array[] {
  return Array.from(rotations, (g) => {
    const rotated = rotateOctahedral(Float64Array.from(noisy), GRID, CHANNELS, g);
    return rotateOctahedral(forward(weights, rotated), GRID, CHANNELS, octahedralInverses[g]!);
  });
}

/** A term of another loss l(f - y), of all rotations: L = E l(f_T, y), L_mean = E l(mu, y), L_equiv = L - L_mean. */
export function convexLoss({ of }: Loss, term: Term, weights: Float64Array, samples: readonly TwinSample[]): number {
  let [total, mean] = [0, 0];
  for (const sample of samples) {
    const f = twisted(weights, sample);
    total += f.reduce((sum, values) => sum + of(values, sample.clean) / f.length, 0);
    const mu = f[0]!.map((_, e) => f.reduce((sum, values) => sum + values[e]! / f.length, 0));
    mean += of(mu, sample.clean);
  }
  const scale = 1 / (samples.length * ELEMENTS);
  const terms = { total, mean, equiv: total - mean };
  return scale * terms[term];
}

/** A term of the loss, by its definition: means over samples, rotations and elements, all rotations or some of 24. */
export function loss(term: Term, weights: Float64Array, samples: readonly TwinSample[]): number {
  let [total, equiv] = [0, 0];
  for (const sample of samples) {
    const f = twisted(weights, sample);
    const n = f.length;
    for (let e = 0; e < ELEMENTS; e++) {
      const mean = f.reduce((sum, values) => sum + values[e]! / n, 0);
      total += f.reduce((sum, values) => sum + (values[e]! - sample.clean[e]!) ** 2, 0) / n;
      equiv += ((23 / 24) * f.reduce((sum, values) => sum + (values[e]! - mean) ** 2, 0)) / (n - 1);
    }
  }
  const scale = 1 / (samples.length * ELEMENTS);
  const terms = { total, equiv, mean: total - equiv };
  return scale * terms[term];
}

/** u^T G v of a term's Gauss-Newton matrix, from central differences of the predictions. */
export function gaussNewtonForm(
  term: Term,
  weights: Float64Array,
  [u, v]: readonly [Float64Array, Float64Array],
  samples: readonly TwinSample[],
): number {
  let [total, equiv] = [0, 0];
  const derivative = (sample: TwinSample, direction: Float64Array) => {
    const h = 1e-5;
    const [plus, minus] = [h, -h].map((step) =>
      twisted(
        weights.map((w, i) => w + step * direction[i]!),
        sample,
      ),
    );
    return plus!.map((values, i) => values.map((value, e) => (value - minus![i]![e]!) / (2 * h)));
  };
  for (const sample of samples) {
    const [a, b] = [derivative(sample, u), derivative(sample, v)];
    const n = a.length;
    for (let e = 0; e < ELEMENTS; e++) {
      const product = a.reduce((sum, values, i) => sum + values[e]! * b[i]![e]!, 0);
      const means = [a, b].map((f) => f.reduce((sum, values) => sum + values[e]! / n, 0));
      total += (2 / n) * product;
      equiv += ((2 * 23) / 24 / (n - 1)) * (product - n * means[0]! * means[1]!);
    }
  }
  const scale = 1 / (samples.length * ELEMENTS);
  const terms = { total, equiv, mean: total - equiv };
  return scale * terms[term];
}
