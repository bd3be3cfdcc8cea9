import { convTensors, forEachTap, plainWeight, zeros, type Array64 } from "./conv3d.ts";
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
  const y = zeros(yShape);
  const [channelsIn, channelsOut] = weight.shape.slice(3) as [number, number];
  for (let i = 0; i < y.data.length; i++) y.data[i] = bias?.[i % channelsOut] ?? 0;
  forEachTap(yShape, x.shape, weight.shape[0]!, stride, padding, (output, tap, input) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      for (let co = 0; co < channelsOut; co++) {
        y.data[output * channelsOut + co]! +=
          x.data[input * channelsIn + ci]! * weight.data[(tap * channelsIn + ci) * channelsOut + co]!;
      }
    }
  });
  return y.data;
}

/** Gradient of `convTranspose3d` with respect to x. */
export function convTranspose3dGradInput(
  gradY: Array64,
  weight: Array64,
  xShape: readonly number[],
  stride: number,
  padding: number,
): Float64Array {
  const gradX = zeros(xShape);
  const [channelsIn, channelsOut] = weight.shape.slice(3) as [number, number];
  forEachTap(gradY.shape, xShape, weight.shape[0]!, stride, padding, (output, tap, input) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      for (let co = 0; co < channelsOut; co++) {
        gradX.data[input * channelsIn + ci]! +=
          gradY.data[output * channelsOut + co]! * weight.data[(tap * channelsIn + ci) * channelsOut + co]!;
      }
    }
  });
  return gradX.data;
}

/** Gradient of `convTranspose3d` with respect to the weights. */
export function convTranspose3dGradWeight(
  x: Array64,
  gradY: Array64,
  weightShape: readonly number[],
  stride: number,
  padding: number,
): Float64Array {
  const gradWeight = zeros(weightShape);
  const [channelsIn, channelsOut] = weightShape.slice(3) as [number, number];
  forEachTap(gradY.shape, x.shape, weightShape[0]!, stride, padding, (output, tap, input) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      for (let co = 0; co < channelsOut; co++) {
        gradWeight.data[(tap * channelsIn + ci) * channelsOut + co]! +=
          x.data[input * channelsIn + ci]! * gradY.data[output * channelsOut + co]!;
      }
    }
  });
  return gradWeight.data;
}

type Sizes = Parameters<typeof convTensors>[0];

export const twins: Twins = {
  convTranspose3d: twin<"x" | "weight" | "bias", keyof Sizes>(({ x, weight, bias }, s) => {
    const shapes = convTensors(s);
    const plain = { shape: shapes.weight, data: plainWeight(weight, [s.inC, s.outC], s) };
    return { y: convTranspose3d({ shape: shapes.x, data: x }, plain, shapes.y, s.stride, s.pad, bias) };
  }),
};
