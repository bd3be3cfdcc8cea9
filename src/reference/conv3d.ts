import { addScaled, float64, product } from "./rows.ts";
import { mapped, twin, type Twins } from "./twin.ts";

/** A tensor of the float64 twins, channels-last. */
export interface Array64 {
  shape: readonly number[];
  data: ArrayLike<number>;
}

export function zeros(shape: readonly number[]): { shape: readonly number[]; data: Float64Array } {
  return { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) };
}

/** y = conv(x, weight) + bias + addend; see src/kernels/conv3d/conv3d.ts. */
export function conv3d(
  x: Array64,
  weight: Array64,
  yShape: readonly number[],
  stride: number,
  padding: number,
  bias?: ArrayLike<number>,
  addend?: ArrayLike<number>,
): Float64Array {
  const y = zeros(yShape).data;
  const [xs, weights] = [float64(x.data), float64(weight.data)];
  const [channelsIn, channelsOut] = weight.shape.slice(3) as [number, number];
  for (let i = 0; i < y.length; i++) y[i] = (bias?.[i % channelsOut] ?? 0) + (addend?.[i] ?? 0);
  forEachTap(x.shape, yShape, weight.shape[0]!, stride, padding, (input, tap, output) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      const row = (tap * channelsIn + ci) * channelsOut;
      addScaled([y, output * channelsOut], [weights, row], channelsOut, xs[input * channelsIn + ci]!);
    }
  });
  return y;
}

/** Gradient of `conv3d` with respect to x. */
export function conv3dGradInput(
  gradY: Array64,
  weight: Array64,
  xShape: readonly number[],
  stride: number,
  padding: number,
): Float64Array {
  const gradX = zeros(xShape).data;
  const [grads, weights] = [float64(gradY.data), float64(weight.data)];
  const [channelsIn, channelsOut] = weight.shape.slice(3) as [number, number];
  forEachTap(xShape, gradY.shape, weight.shape[0]!, stride, padding, (input, tap, output) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      const row = (tap * channelsIn + ci) * channelsOut;
      gradX[input * channelsIn + ci]! += product([grads, output * channelsOut], [weights, row], channelsOut);
    }
  });
  return gradX;
}

/** Gradient of `conv3d` with respect to the weights. */
export function conv3dGradWeight(
  x: Array64,
  gradY: Array64,
  weightShape: readonly number[],
  stride: number,
  padding: number,
): Float64Array {
  const gradWeight = zeros(weightShape).data;
  const [xs, grads] = [float64(x.data), float64(gradY.data)];
  const [channelsIn, channelsOut] = weightShape.slice(3) as [number, number];
  forEachTap(x.shape, gradY.shape, weightShape[0]!, stride, padding, (input, tap, output) => {
    for (let ci = 0; ci < channelsIn; ci++) {
      const row = (tap * channelsIn + ci) * channelsOut;
      addScaled([gradWeight, row], [grads, output * channelsOut], channelsOut, xs[input * channelsIn + ci]!);
    }
  });
  return gradWeight;
}

/** Gradient of a bias: gradY summed over all axes but the last. */
export function conv3dGradBias(gradY: ArrayLike<number>, channels: number): Float64Array {
  const gradBias = new Float64Array(channels);
  for (let i = 0; i < gradY.length; i++) gradBias[i % channels]! += gradY[i]!;
  return gradBias;
}

/** Calls visit(flat input voxel, flat tap, flat output voxel) for every pair of voxels that a tap connects. */
export function forEachTap(
  inputShape: readonly number[],
  outputShape: readonly number[],
  kernel: number,
  stride: number,
  padding: number,
  visit: (input: number, tap: number, output: number) => void,
): void {
  const [, inD, inH, inW] = inputShape as [number, number, number, number];
  const [batch, outD, outH, outW] = outputShape as [number, number, number, number];
  for (let n = 0; n < batch; n++) {
    for (let output = 0; output < outD * outH * outW; output++) {
      const [oz, oy, ox] = [Math.floor(output / (outH * outW)), Math.floor(output / outW) % outH, output % outW];
      for (let tap = 0; tap < kernel ** 3; tap++) {
        const iz = oz * stride - padding + Math.floor(tap / kernel ** 2);
        const iy = oy * stride - padding + (Math.floor(tap / kernel) % kernel);
        const ix = ox * stride - padding + (tap % kernel);
        if (iz < 0 || iy < 0 || ix < 0 || iz >= inD || iy >= inH || ix >= inW) continue;
        visit(((n * inD + iz) * inH + iy) * inW + ix, tap, n * outD * outH * outW + output);
      }
    }
  }
}

type Sizes =
  | ("batch" | "inD" | "inH" | "inW" | "inC" | "outD" | "outH" | "outW" | "outC")
  | ("kernel" | "stride" | "pad" | "exchanged" | "flipped" | "transposed");

export interface ConvTensors {
  x: readonly number[];
  y: readonly number[];
  /** [k, k, k, Ci, Co] */
  weight: readonly number[];
}

export function convTensors(s: Readonly<Record<Sizes, number>>): ConvTensors {
  return {
    x: [s.batch, s.inD, s.inH, s.inW, s.inC],
    y: [s.batch, s.outD, s.outH, s.outW, s.outC],
    weight: [s.kernel, s.kernel, s.kernel, s.inC, s.outC],
  };
}

/** Weights [k, k, k, Co, Ci], or read from the last tap to the first, as [k, k, k, Ci, Co]; and the other way. */
export function plainWeight(
  weight: ArrayLike<number>,
  [inC, outC]: readonly [number, number],
  { exchanged, flipped }: { readonly exchanged: number; readonly flipped: number },
): Float64Array {
  const area = inC * outC;
  const taps = weight.length / area;
  return Float64Array.from({ length: weight.length }, (_, i) => {
    const tap = flipped ? taps - 1 - Math.floor(i / area) : Math.floor(i / area);
    const [ci, co] = [Math.floor((i % area) / outC), i % outC];
    return weight[tap * area + (exchanged ? co * inC + ci : ci * outC + co)]!;
  });
}

export const twins: Twins = {
  conv3d: twin<"x" | "weight" | "bias", Sizes>(({ x, weight, bias }, s) => {
    const shapes = convTensors(s);
    const plain = { shape: shapes.weight, data: plainWeight(weight, [s.inC, s.outC], s) };
    return { y: conv3d({ shape: shapes.x, data: x }, plain, shapes.y, s.stride, s.pad, bias) };
  }),
  conv3dGradWeight: twin<"x" | "gradY" | "gradWeight", Sizes>(({ x, gradY, gradWeight }, s) => {
    const shapes = convTensors(s);
    const [input, output] = [
      { shape: shapes.x, data: x },
      { shape: shapes.y, data: gradY },
    ];
    const delta = conv3dGradWeight(input, output, shapes.weight, s.stride, s.pad);
    const stored = plainWeight(delta, [s.outC, s.inC], { exchanged: s.transposed, flipped: 0 });
    return { gradWeight: mapped(s.transposed ? stored : delta, (value, i) => gradWeight[i]! + value) };
  }),
};
