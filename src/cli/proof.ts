import type { Gpu } from "../gpu/gpu.ts";
import { Graph } from "../graph/graph.ts";
import { Plan } from "../graph/plan.ts";
import { conv3d } from "../kernels/conv3d/conv3d.ts";

/** How far a kernel's result lies from the same sum in double precision. */
export interface Proof {
  readonly kernel: string;
  /** Largest difference of an output from the reference; NaN when an output is not a number. */
  readonly maxError: number;
  /** The largest difference that rounding explains. */
  readonly allowed: number;
  /** Seconds, compilation included. */
  readonly seconds: number;
}

// Odd on purpose: edges, a partial tile and channels that are no multiple of 4.
const SIZE = 6;
const CHANNELS_IN = 5;
const CHANNELS_OUT = 9;
const KERNEL = 3;

/** Runs one convolution, 3x3x3 "same" with bias, on the GPU and on the processor, and compares all outputs. */
export async function proveConv3d(gpu: Gpu): Promise<Proof> {
  const start = performance.now();
  const x = numbers(SIZE ** 3 * CHANNELS_IN, 1);
  const weight = numbers(KERNEL ** 3 * CHANNELS_IN * CHANNELS_OUT, 2);
  const bias = numbers(CHANNELS_OUT, 3);
  const actual = await onGpu(gpu, x, weight, bias);
  const { sums, magnitude } = onProcessor(x, weight, bias);
  let maxError = 0;
  // Math.max keeps a NaN once it has one.
  for (let i = 0; i < sums.length; i++) maxError = Math.max(maxError, Math.abs(actual[i]! - sums[i]!));
  // Rounding of a sum of K products in any order: at most about K * 2^-24 of the sum of magnitudes; sqrt(K) is typical.
  const terms = KERNEL ** 3 * CHANNELS_IN;
  const allowed = 4 * Math.sqrt(terms) * 2 ** -24 * magnitude;
  const kernel = `conv3d ${KERNEL}x${KERNEL}x${KERNEL}, ${CHANNELS_IN} to ${CHANNELS_OUT} channels at ${SIZE}^3`;
  return { kernel, maxError, allowed, seconds: (performance.now() - start) / 1000 };
}

async function onGpu(gpu: Gpu, x: Float32Array, weight: Float32Array, bias: Float32Array): Promise<Float32Array> {
  const graph = new Graph(gpu.caps);
  const input = (name: string, shape: number[], data: Float32Array) => {
    return graph.external(name, shape, gpu.upload(`doctor/${name}`, data));
  };
  const y = graph.scratch("doctor/y", [1, SIZE, SIZE, SIZE, CHANNELS_OUT]);
  conv3d(graph, {
    label: "doctor/conv3d",
    x: input("x", [1, SIZE, SIZE, SIZE, CHANNELS_IN], x),
    weight: input("weight", [KERNEL, KERNEL, KERNEL, CHANNELS_IN, CHANNELS_OUT], weight),
    bias: input("bias", [CHANNELS_OUT], bias),
    y,
    stride: 1,
    padding: 1,
  });
  graph.keep(y);
  const plan = await Plan.create(gpu, graph, { label: "doctor" });
  try {
    plan.run();
    const [result] = await plan.read(y);
    return result as Float32Array;
  } finally {
    plan.destroy();
  }
}

/** The convolution in double precision, as plainly as possible, and the largest sum of magnitudes of any output. */
function onProcessor(x: Float32Array, weight: Float32Array, bias: Float32Array) {
  const sums = new Float64Array(SIZE ** 3 * CHANNELS_OUT);
  const magnitudes = new Float64Array(sums.length);
  const half = (KERNEL - 1) / 2;
  const inside = (i: number) => i >= 0 && i < SIZE;
  for (let at = 0; at < sums.length; at++) {
    const co = at % CHANNELS_OUT;
    const voxel = Math.floor(at / CHANNELS_OUT);
    const [oz, oy, ox] = [Math.floor(voxel / SIZE ** 2), Math.floor(voxel / SIZE) % SIZE, voxel % SIZE];
    sums[at] = bias[co]!;
    magnitudes[at] = Math.abs(bias[co]!);
    for (let tap = 0; tap < KERNEL ** 3; tap++) {
      const z = oz - half + Math.floor(tap / KERNEL ** 2);
      const y = oy - half + (Math.floor(tap / KERNEL) % KERNEL);
      const column = ox - half + (tap % KERNEL);
      if (!inside(z) || !inside(y) || !inside(column)) continue;
      for (let ci = 0; ci < CHANNELS_IN; ci++) {
        const input = x[((z * SIZE + y) * SIZE + column) * CHANNELS_IN + ci]!;
        const product = input * weight[(tap * CHANNELS_IN + ci) * CHANNELS_OUT + co]!;
        sums[at]! += product;
        magnitudes[at]! += Math.abs(product);
      }
    }
  }
  return { sums, magnitude: magnitudes.reduce((a, b) => Math.max(a, b)) };
}

/** Numbers between -1 and 1 from a small linear congruential generator (Numerical Recipes' constants). */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
