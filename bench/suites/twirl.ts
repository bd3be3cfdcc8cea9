import { octahedralMatrices, octahedralPermutation } from "../../src/equivariance/octahedral.ts";
import type { KernelContext } from "../../src/gpu/dispatch.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { twirlMerge } from "../../src/kernels/twirl/twirl.ts";
import { toleranceOf, type BenchCase, type CaseData, type Expected, type Values } from "../case.ts";
import { graphCase } from "../graphCase.ts";
import { sampleIndices } from "../sampledConv.ts";

interface Grids {
  readonly rotations: number;
  readonly samples: number;
  readonly size: number;
  readonly channels: number;
}

/** V32 and V64, plain variances of 10 tensors, and the fused reduction over all rotations of the cube. */
export function twirlCases(): BenchCase[] {
  return [
    variance("twirl/V32", { rotations: 10, samples: 8, size: 32, channels: 8 }),
    variance("twirl/V64", { rotations: 10, samples: 1, size: 64, channels: 8 }),
    fused("twirl/24x32", { rotations: 24, samples: 1, size: 32, channels: 8 }),
    fused("twirl/10x64", { rotations: 10, samples: 1, size: 64, channels: 5 }),
  ];
}

const TOLERANCE = 4e-6;

/** Mean and summed squared deviations over the first axis: the twirl's reduction with every rotation the identity. */
function variance(name: string, grids: Grids): BenchCase {
  const { rotations, samples, size, channels } = grids;
  const grid = [size, size, size, channels];
  const elements = size ** 3 * channels;
  return graphCase({
    name,
    suite: "twirl",
    shape: `${rotations} of ${samples} x ${channels} at ${size}^3, variance`,
    inputs: [
      { name: "x", shape: [rotations, samples, ...grid], only: "peers" },
      {
        // Sample-major, as the kernel takes them.
        name: "predictions",
        shape: [samples * rotations, ...grid],
        only: "ours",
        make: (data) => sampleMajor(data.get("x")!, rotations, samples, elements),
      },
      { name: "elements", shape: [rotations], only: "ours", make: () => new Uint32Array(rotations) },
    ],
    outputs: [
      { name: "mean", shape: [samples, ...grid] },
      { name: "sums", shape: [samples, 4] },
    ],
    // A difference, a square and two sums for each.
    flops: 4 * rotations * samples * elements,
    bytes: 4 * (rotations + 1) * samples * elements,
    tolerance: TOLERANCE,
    peers: {
      operation: "variance",
      attributes: {},
      outputs: [
        { name: "mean", shape: [samples, ...grid] },
        { name: "m2", shape: [samples] },
      ],
    },
    emit: (graph, t) => reduce(graph, name, t, [samples, ...grid]),
    collect: (outputs) =>
      new Map<string, ArrayLike<number>>([
        ["mean", outputs.get("mean")!],
        ["m2", spreads(outputs.get("sums")!)],
      ]),
    expected: (data) => expectedVariance(data.get("predictions")!, grids),
  });
}

/** Un-rotation, mean, deviations and the sums of the loss's terms. */
function fused(name: string, grids: Grids): BenchCase {
  const { rotations, samples, size, channels } = grids;
  const grid = [size, size, size, channels];
  const elements = size ** 3 * channels;
  return graphCase({
    name,
    suite: "twirl",
    shape: `${rotations} rotations of ${samples} x ${channels} at ${size}^3, fused`,
    inputs: [
      { name: "predictions", shape: [samples * rotations, ...grid] },
      {
        name: "elements",
        shape: [rotations],
        only: "ours",
        make: () => Uint32Array.from({ length: rotations }, (_, i) => i),
      },
      { name: "matrices", shape: [rotations, 9], only: "peers", make: () => inverses(rotations) },
      { name: "target", shape: [samples, ...grid] },
    ],
    outputs: [
      { name: "mean", shape: [samples, ...grid] },
      { name: "sums", shape: [samples, 4] },
    ],
    flops: (6 * rotations + 6) * samples * elements,
    bytes: 4 * (rotations + 2) * samples * elements,
    tolerance: TOLERANCE,
    peers: { operation: "twirl", attributes: {} },
    emit: (graph, t) => reduce(graph, name, t, [samples, ...grid]),
    expected: (data) => expectedTwirl(data, grids),
  });
}

/** Of the first rotations of the cube: what turns predictions back. */
function inverses(rotations: number): Float32Array<ArrayBuffer> {
  const transposed = [0, 3, 6, 1, 4, 7, 2, 5, 8];
  return Float32Array.from(octahedralMatrices.slice(0, rotations).flatMap((m) => transposed.map((i) => m[i]!)));
}

function reduce(
  graph: KernelContext,
  label: string,
  t: Readonly<Record<"predictions" | "elements" | "mean" | "sums", Tensor>> & { readonly target?: Tensor },
  shape: readonly number[],
): void {
  const m2 = graph.scratch("m2", shape);
  const { predictions, elements, mean, sums, target } = t;
  const reduce = target ? { target, sums } : { sums };
  twirlMerge(graph, { label, predictions, rotations: elements, mean, m2, count: 0, reduce });
}

function sampleMajor(x: Values, rotations: number, samples: number, elements: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(x.length);
  for (let k = 0; k < rotations; k++) {
    for (let n = 0; n < samples; n++) {
      const from = (k * samples + n) * elements;
      out.set(x.subarray(from, from + elements), (n * rotations + k) * elements);
    }
  }
  return out;
}

/** S of each sample from rows of (|m - y|^2, S, |y|^2, 0). */
function spreads(sums: Float32Array): Float32Array {
  return Float32Array.from({ length: sums.length / 4 }, (_, n) => sums[4 * n + 1]!);
}

const SAMPLED_MEANS = 2000;

function expectedVariance(predictions: ArrayLike<number>, { rotations, samples, size, channels }: Grids): Expected[] {
  const elements = size ** 3 * channels;
  const m2 = new Float64Array(samples);
  const means = new Float64Array(samples * elements);
  for (let n = 0; n < samples; n++) {
    for (let e = 0; e < elements; e++) {
      let sum = 0;
      for (let k = 0; k < rotations; k++) sum += predictions[(n * rotations + k) * elements + e]!;
      const mean = sum / rotations;
      means[n * elements + e] = mean;
      for (let k = 0; k < rotations; k++) m2[n]! += (predictions[(n * rotations + k) * elements + e]! - mean) ** 2;
    }
  }
  const indices = sampleIndices(means.length, SAMPLED_MEANS);
  return [
    { output: "mean", indices, values: indices.map((i) => means[i]!) },
    { output: "m2", values: m2, tolerance: toleranceOf(rotations * elements) },
  ];
}

/** In two passes in float64, un-rotated with the group's permutations of voxels. */
function expectedTwirl(data: CaseData, { rotations, samples, size, channels }: Grids): Expected[] {
  const predictions = data.get("predictions")!;
  const target = data.get("target")!;
  const voxels = size ** 3;
  const elements = voxels * channels;
  // A rotation moves the value of voxel permutation[v] to v; undone, that of v to permutation[v].
  const permutations = Array.from({ length: rotations }, (_, g) => octahedralPermutation(size, g));
  const means = new Float64Array(samples * elements);
  const sums = new Float64Array(samples * 4);
  for (let n = 0; n < samples; n++) {
    const twisted = permutations.map((permutation, k) => {
      const f = new Float64Array(elements);
      const from = (n * rotations + k) * elements;
      for (let v = 0; v < voxels; v++) {
        for (let c = 0; c < channels; c++) f[permutation[v]! * channels + c] = predictions[from + v * channels + c]!;
      }
      return f;
    });
    for (let e = 0; e < elements; e++) {
      let mean = 0;
      for (const f of twisted) mean += f[e]! / rotations;
      means[n * elements + e] = mean;
      for (const f of twisted) sums[4 * n + 1]! += (f[e]! - mean) ** 2;
      const y = target[n * elements + e]!;
      sums[4 * n]! += (mean - y) ** 2;
      sums[4 * n + 2]! += y ** 2;
    }
  }
  const indices = sampleIndices(means.length, SAMPLED_MEANS);
  return [
    { output: "mean", indices, values: indices.map((i) => means[i]!) },
    { output: "sums", values: sums, tolerance: toleranceOf(rotations * elements) },
  ];
}
