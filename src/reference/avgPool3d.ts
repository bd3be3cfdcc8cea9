import { forEachTap, zeros } from "./conv3d.ts";
import { twin, type Twins } from "./twin.ts";

/** A pooling by its numbers; grids are [N, D, H, W, C]. */
export interface Pooling {
  whole: readonly number[];
  pooled: readonly number[];
  kernel: number;
  stride: number;
  padding: number;
}

/** Twin of shaders/avgPool3d.wgsl: the mean over windows, the padding counting as zeros. */
export function avgPool3d(x: ArrayLike<number>, { whole, pooled, kernel, stride, padding }: Pooling): Float64Array {
  const y = zeros(pooled).data;
  const channels = pooled[4]!;
  forEachTap(whole, pooled, kernel, stride, padding, (input, _, output) => {
    for (let c = 0; c < channels; c++) y[output * channels + c]! += x[input * channels + c]! / kernel ** 3;
  });
  return y;
}

/** Gradient of `avgPool3d` with respect to x. */
export function avgPool3dGrad(
  gradY: ArrayLike<number>,
  { whole, pooled, kernel, stride, padding }: Pooling,
): Float64Array {
  const gradX = zeros(whole).data;
  const channels = pooled[4]!;
  forEachTap(whole, pooled, kernel, stride, padding, (input, _, output) => {
    for (let c = 0; c < channels; c++) gradX[input * channels + c]! += gradY[output * channels + c]! / kernel ** 3;
  });
  return gradX;
}

type Sizes = "samples" | "depth" | "size" | "channels" | "kernel" | "stride" | "padding";

function pooling({ samples, depth, size, channels, ...windows }: Readonly<Record<Sizes, number>>): Pooling {
  const { kernel, stride, padding } = windows;
  const out = (n: number) => Math.floor((n + 2 * padding - kernel) / stride) + 1;
  const whole = [samples, depth, size, size, channels];
  return { whole, pooled: [samples, out(depth), out(size), out(size), channels], kernel, stride, padding };
}

export const twins: Twins = {
  avgPool3d: twin<"x", Sizes>(({ x }, shape) => ({ y: avgPool3d(x, pooling(shape)) })),
  avgPool3dGrad: twin<"gradY", Sizes>(({ gradY }, shape) => ({ gradX: avgPool3dGrad(gradY, pooling(shape)) })),
};
