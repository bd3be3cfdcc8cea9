import { workgroups1d, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
import errorCode from "../../shaders/twirlError.wgsl";
import mergeCode from "../../shaders/twirlMerge.wgsl";
import reduceCode from "../../shaders/twirlReduce.wgsl";
import sumCode from "../../shaders/twirlSum.wgsl";
import { channelBlocks, cubeShape, type CubeShape } from "./cube.ts";
import { badShape, requireSameShape, requireShape } from "./shapes.ts";

export interface TwirlMergeArgs {
  label: string;
  /** f32 [N * K, D, D, D, C], sample-major: predictions[n K + k] = f(T_k x_n), the order of `rotateOctahedral`. */
  predictions: Tensor;
  /** u32 [K]: elements of the group as numbered in src/equivariance/octahedral.ts. */
  rotations: Tensor;
  /** f32 [N, D, D, D, C]: running mean of the twisted predictions. */
  mean: Tensor;
  /** f32 [N, D, D, D, C]: running sum of squared deviations from it. */
  m2: Tensor;
  /** How many predictions of each sample mean and m2 already hold; with 0 both are written anew. */
  count: number;
}

/**
 * Un-rotates K predictions of each sample, f_k = T_k^-1 predictions[n K + k], and merges them into the running mean
 * and M2 of every voxel and channel. The twisted predictions are never stored, so a large set of rotations can be
 * merged in chunks: first with count 0, then K, and so on. Welford's update, which stays accurate when deviations are
 * small beside the mean.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together.
 */
export function twirlMerge(ctx: KernelContext, args: TwirlMergeArgs): void {
  const { label, predictions, rotations, mean, m2, count } = args;
  requireSameShape(label, { mean, m2 });
  const cube = cubeShape(label, "mean", mean);
  const k = requirePredictions(label, predictions, rotations, cube);
  const { samples, size, channels } = cube;
  const { block, blocks } = channelBlocks(channels);
  const voxels = samples * size ** 3;
  ctx.dispatch({
    label,
    shader: { name: "twirlMerge", code: mergeCode },
    constants: { CHANNELS: block, CONTINUE: count > 0 },
    params: { samples, rotations: k, size, channels, blocks, merged: count },
    bindings: { rotations, predictions, mean, m2 },
    workgroups: workgroups1d(Math.ceil((voxels * blocks) / 64)),
    flops: 6 * voxels * channels * k,
    bytes: 4 * voxels * channels * (k + (count > 0 ? 4 : 2)),
  });
}

/**
 * Sums over voxels and channels of each sample, [N, 4]: sums[n] = (|mean - target|^2, S = sum of m2, |target|^2, 0).
 * From these `decomposeSums` of src/equivariance/estimators.ts makes the loss terms.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together.
 */
export function twirlReduce(
  ctx: KernelContext,
  args: { label: string; mean: Tensor; m2: Tensor; target: Tensor; sums: Tensor },
): void {
  const { label, mean, m2, target, sums } = args;
  requireSameShape(label, { mean, m2, target });
  const { samples, size, channels } = cubeShape(label, "mean", mean);
  requireShape(label, "sums", sums, [samples, 4]);
  const elements = size ** 3 * channels;
  const threads = Math.ceil(elements / sharePerThread(elements));
  const partial = ctx.scratch(`${label} partial`, [samples, threads, 4]);
  ctx.dispatch({
    label: `${label} partial`,
    shader: { name: "twirlReduce", code: reduceCode },
    params: { samples, elements, threads },
    bindings: { mean, m2, targetGrid: target, partial },
    workgroups: workgroups1d(Math.ceil((samples * threads) / 64)),
    flops: 6 * samples * elements,
    bytes: 4 * (3 * samples * elements + 4 * samples * threads),
  });
  sumThreads(ctx, label, partial, sums, { quantities: 4, accumulate: false });
}

/**
 * out[n] += sum over k, voxels and channels of |f_k - target|^2, straight from the twisted predictions
 * f_k = T_k^-1 predictions[n K + k]; out is f32 [N], cleared by the caller. Divided by the number of rotations this is
 * lossTotal's sum, computed independently of the mean and M2: the check of Lh = |m - y|^2 + S/N.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together.
 */
export function twirlError(
  ctx: KernelContext,
  args: { label: string; predictions: Tensor; rotations: Tensor; target: Tensor; out: Tensor },
): void {
  const { label, predictions, rotations, target, out } = args;
  const cube = cubeShape(label, "target", target);
  const k = requirePredictions(label, predictions, rotations, cube);
  const { samples, size, channels } = cube;
  requireShape(label, "out", out, [samples]);
  const voxels = size ** 3;
  const elements = voxels * k * channels;
  const threads = Math.ceil(voxels / Math.ceil(sharePerThread(elements) / (k * channels)));
  const partial = ctx.scratch(`${label} partial`, [samples, threads]);
  ctx.dispatch({
    label: `${label} partial`,
    shader: { name: "twirlError", code: errorCode },
    params: { samples, rotations: k, size, channels, threads },
    bindings: { rotations, predictions, targetGrid: target, partial },
    workgroups: workgroups1d(Math.ceil((samples * threads) / 64)),
    flops: 3 * samples * elements,
    bytes: 4 * (samples * elements + samples * voxels * channels + samples * threads),
  });
  sumThreads(ctx, label, partial, out, { quantities: 1, accumulate: true });
}

/** Balances the two passes: as many elements in a thread as there are threads in a sample, but not fewer than 64. */
function sharePerThread(elements: number): number {
  return Math.max(64, Math.ceil(Math.sqrt(elements)));
}

function sumThreads(
  ctx: KernelContext,
  label: string,
  partial: Tensor,
  out: Tensor,
  { quantities, accumulate }: { quantities: number; accumulate: boolean },
): void {
  const [samples, threads] = partial.shape as [number, number];
  const outputs = samples * quantities;
  ctx.dispatch({
    label: `${label} sum`,
    shader: { name: "twirlSum", code: sumCode },
    constants: { ACCUMULATE: accumulate },
    params: { outputs, quantities, threads },
    bindings: { partial, out },
    workgroups: workgroups1d(Math.ceil(outputs / 64)),
    flops: outputs * threads,
    bytes: 4 * outputs * (threads + 1),
  });
}

/** The number of rotations, once predictions are found to be that many for each sample. */
function requirePredictions(label: string, predictions: Tensor, rotations: Tensor, cube: CubeShape): number {
  const { samples, size, channels } = cube;
  const k = rotations.shape[0] ?? 0;
  if (rotations.shape.length !== 1 || k === 0) {
    throw badShape(label, "'rotations' must be a non-empty list", { rotations });
  }
  requireShape(label, "predictions", predictions, [samples * k, size, size, size, channels]);
  return k;
}
