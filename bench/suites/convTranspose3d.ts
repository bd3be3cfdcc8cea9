import { elementCount } from "../../src/gpu/tensor.ts";
import {
  convTranspose3d,
  convTranspose3dGradInput,
  convTranspose3dGradWeight,
  convTranspose3dShape,
} from "../../src/kernels/conv3d/convTranspose3d.ts";
import { toleranceOf, type BenchCase } from "../case.ts";
import { fanInSpread } from "../data.ts";
import { graphCase } from "../graphCase.ts";
import { sampledConv, sampledConvTranspose, sampledGradWeight } from "../sampledConv.ts";

const kernel = 4;
const stride = 2;
const padding = 1;

/** Case T: 16^3 -> 32^3, kernel 4; forward, and its two gradients. */
export function convTranspose3dCases(): BenchCase[] {
  return [...transposed("convT", "T", 64, 16, true), ...transposedGradients("convT", "T", 64, 16)];
}

/** The transposed convolution of a cube of `size` that keeps the channels. */
export function transposed(suite: string, letter: string, channels: number, size: number, peers: boolean): BenchCase[] {
  const { x, weight, y, shape, flops } = shapes(channels, size);
  return [
    graphCase({
      name: `${suite}/${letter}`,
      suite,
      shape,
      flops,
      inputs: [
        { name: "x", shape: x },
        { name: "weight", shape: weight, spread: fanInSpread(channels * 8) },
      ],
      outputs: [{ name: "y", shape: y }],
      activations: ["x", "y"],
      tolerance: toleranceOf(channels * 8),
      ...(peers && { peers: { operation: "convTranspose3d" as const, attributes: { stride, padding } } }),
      emit: (graph, t) => convTranspose3d(graph, { label: letter, x: t.x, weight: t.weight, y: t.y, stride, padding }),
      expected: (data) => sampledConvTranspose({ x, y, kernel, stride, padding }, data),
    }),
  ];
}

function transposedGradients(suite: string, letter: string, channels: number, size: number): BenchCase[] {
  const { x, weight, y, shape, flops } = shapes(channels, size);
  const dataName = `${suite}/${letter}`;
  // Of a transposed convolution the gradient with respect to x is a convolution of gradY, [k, k, k, C in, C out] read
  // the other way, and that of the weights is a convolution's in which x and gradY change places.
  const geometry = { x: y, y: x, kernel, stride, padding };
  return [
    graphCase({
      name: `${suite}/${letter}/gradInput`,
      suite,
      shape,
      flops,
      dataName,
      inputs: [
        { name: "gradY", shape: y },
        { name: "weight", shape: weight, spread: fanInSpread(channels * 8) },
      ],
      outputs: [{ name: "gradX", shape: x }],
      activations: ["gradY", "gradX"],
      tolerance: toleranceOf(channels * kernel ** 3),
      peers: { operation: "convTranspose3dGradInput", attributes: { stride, padding } },
      emit: (graph, t) => {
        convTranspose3dGradInput(graph, {
          label: letter,
          gradY: t.gradY,
          weight: t.weight,
          gradX: t.gradX,
          stride,
          padding,
        });
      },
      expected: (data) => {
        const swapped = new Map([
          ["x", data.get("gradY")!],
          ["weight", exchanged(data.get("weight")!, channels)],
        ]);
        return sampledConv(geometry, swapped).map((e) => ({ ...e, output: "gradX" }));
      },
    }),
    graphCase({
      name: `${suite}/${letter}/gradWeight`,
      suite,
      shape,
      flops,
      dataName,
      inputs: [
        { name: "x", shape: x },
        { name: "gradY", shape: y },
      ],
      outputs: [{ name: "gradWeight", shape: weight }],
      activations: ["x", "gradY"],
      tolerance: toleranceOf(size ** 3),
      peers: { operation: "convTranspose3dGradWeight", attributes: { stride, padding } },
      emit: (graph, t) => {
        graph.clear(t.gradWeight);
        convTranspose3dGradWeight(graph, {
          label: letter,
          x: t.x,
          gradY: t.gradY,
          gradWeight: t.gradWeight,
          stride,
          padding,
        });
      },
      expected: (data) => {
        const swapped = new Map([
          ["x", data.get("gradY")!],
          ["gradY", data.get("x")!],
        ]);
        return sampledGradWeight(geometry, swapped).map(({ indices, values }) => ({
          output: "gradWeight",
          values,
          indices: Array.from(indices!, (index) => exchange(index, channels)),
        }));
      },
    }),
  ];
}

function shapes(channels: number, size: number) {
  const x = [1, size, size, size, channels];
  const weight = [kernel, kernel, kernel, channels, channels];
  const y = convTranspose3dShape(x, weight, stride, padding);
  return {
    x,
    weight,
    y,
    shape: `1 x ${channels} -> ${channels}, ${size}^3 -> ${2 * size}^3, k4 s2 p1`,
    // Every input voxel meets every tap.
    flops: 2 * elementCount(x) * channels * kernel ** 3,
  };
}

/** The index of [k, k, k, b, a] from that of [k, k, k, a, b]. */
function exchange(index: number, channels: number): number {
  const b = index % channels;
  const a = Math.floor(index / channels) % channels;
  return index - (a * channels + b) + b * channels + a;
}

function exchanged(weight: ArrayLike<number>, channels: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: weight.length }, (_, i) => weight[exchange(i, channels)]!);
}
