import { convTensors, forEachTap, plainWeight, zeros, type Array64 } from "./conv3d.ts";
import { addScaled, float64, product } from "./rows.ts";
import { twin, type Twins } from "./twin.ts";

/**
 * Transposed convolution from its definition: every input voxel i adds x[i] weight[k] to the outputs i stride - padding
 * + k. Seen from the output, `forEachTap` walks a convolution whose input is our output.
 */
export function convTranspose3d(
  x: Array64,
  weight: Array64,
  yShape: readonly number[],
  stride: number,
  padding: number,
  bias?: ArrayLike<number>,
): Float64Array {
  const y = zeros(yShape).data;
  const [xs, weights] = [float64(x.data), float64(weight.data)];
  const [channelsIn, channelsOut] = weight.shape.slice(3) as [number, number];
  for (let i = 0; i < y.length; i++) y[i] = bias?.[i % channelsOut] ?? 0;
  forEachTap(yShape, x.shape, weight.shape[0]!, stride, padding, (output, tap, input) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      const row = (tap * channelsIn + ci) * channelsOut;
      addScaled([y, output * channelsOut], [weights, row], channelsOut, xs[input * channelsIn + ci]!);
    }
  });
  return y;
}

/** Gradient of `convTranspose3d` with respect to x. */
export function convTranspose3dGradInput(
  gradY: Array64,
  weight: Array64,
  xShape: readonly number[],
  stride: number,
  padding: number,
): Float64Array {
  const gradX = zeros(xShape).data;
  const [grads, weights] = [float64(gradY.data), float64(weight.data)];
  const [channelsIn, channelsOut] = weight.shape.slice(3) as [number, number];
  forEachTap(gradY.shape, xShape, weight.shape[0]!, stride, padding, (output, tap, input) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      const row = (tap * channelsIn + ci) * channelsOut;
      gradX[input * channelsIn + ci]! += product([grads, output * channelsOut], [weights, row], channelsOut);
    }
  });
  return gradX;
}

/** Gradient of `convTranspose3d` with respect to the weights. */
export function convTranspose3dGradWeight(
  x: Array64,
  gradY: Array64,
  weightShape: readonly number[],
  stride: number,
  padding: number,
): Float64Array {
  const gradWeight = zeros(weightShape).data;
  const [xs, grads] = [float64(x.data), float64(gradY.data)];
  const [channelsIn, channelsOut] = weightShape.slice(3) as [number, number];
  forEachTap(gradY.shape, x.shape, weightShape[0]!, stride, padding, (output, tap, input) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      const row = (tap * channelsIn + ci) * channelsOut;
      addScaled([gradWeight, row], [grads, output * channelsOut], channelsOut, xs[input * channelsIn + ci]!);
    }
  });
  return gradWeight;
}

type Sizes = Parameters<typeof convTensors>[0];

export const twins: Twins = {
  convTranspose3d: twin<"x" | "weight" | "bias", keyof Sizes>(({ x, weight, bias }, s) => {
    const shapes = convTensors(s);
    const plain = { shape: shapes.weight, data: plainWeight(weight, [s.inC, s.outC], s) };
    return { y: convTranspose3d({ shape: shapes.x, data: x }, plain, shapes.y, s.stride, s.pad, bias) };
  }),
};
