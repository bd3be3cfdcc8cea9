import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import twirlErrorShader from "../../../shaders/twirl/twirlError.wgsl";
import twirlMergeShader from "../../../shaders/twirl/twirlMerge.wgsl";
import twirlSumShader from "../../../shaders/twirl/twirlSum.wgsl";
import { cubeShape, largestDivisor, type CubeShape } from "../cube.ts";
import { requireSameShape, requireShape } from "../shapes.ts";
import { example, input, output, sum } from "../example.ts";
import { choose, type CallShape, type Kernel, type Variant } from "../kernel.ts";
import { twirlMergeVariants, type TwirlShape } from "./twirlVariants.ts";
import { threads1d } from "../threads.ts";
import { requirePredictions } from "./requirePredictions.ts";

/** What `twirlMerge` takes. */
export interface TwirlMergeArgs {
  label: string;
  /** f32 [N * K, D, D, D, C], sample-major: predictions[n K + k] = f(T_k x_n), the order of `rotateOctahedral`. */
  predictions: Tensor;
  /** u32 [K], elements of the group as numbered in src/equivariance/octahedral.ts. */
  rotations: Tensor;
  /** f32 [N, D, D, D, C], running mean of the twisted predictions. */
  mean: Tensor;
  /** f32 [N, D, D, D, C], running sum of squared deviations from it. */
  m2: Tensor;
  /** How many predictions of each sample mean and m2 already hold; with 0 both are written anew. */
  count: number;
  /**
   * With the last chunk: sums over voxels and channels of each sample in the same pass, f32 [N, 4], and m2 is not
   * written any more. sums[n] = (|mean - target|^2, S = sum of m2, |target|^2, 0); from these `decomposeSums` of
   * src/equivariance/estimators.ts makes the loss terms. Without a target, for a plain variance, only S is not 0.
   */
  reduce?: { target?: Tensor; sums: Tensor };
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
  requireArgs("twirlMerge", ctx, args, "predictions rotations mean m2", "count");
  const { label, predictions, rotations, mean, m2, count, reduce } = args;
  requireSameShape(label, { mean, m2, ...(reduce?.target && { target: reduce.target }) });
  const cube = cubeShape(label, "mean", mean);
  const k = requirePredictions(label, predictions, rotations, cube);
  const { samples, size, channels } = cube;
  const elements = size ** 3 * channels;
  const flags = { goesOn: count > 0 ? 1 : 0, reduced: reduce ? 1 : 0, targeted: reduce?.target ? 1 : 0 };
  const { variant, call } = choose(
    ctx.caps,
    twirlMergeVariants,
    { ...cube, rotations: k, ...flags },
    predictions.dtype,
  );
  const layout = mergeLayout(variant, cube);
  const { run, runs, reals } = layout;
  const threads = runs * reals;
  const partial = reduce && ctx.scratch(`${label} partial`, [samples, threads, 4]);
  if (reduce) requireShape(label, "sums", reduce.sums, [samples, 4]);
  const target = reduce?.target;
  const usesM2 = count > 0 || !reduce;
  // The mean and M2 out, or the mean alone; both in where there is something to go on from; the target.
  const grids = k + (reduce ? 1 : 2) + (count > 0 ? 2 : 0) + (target ? 1 : 0);
  ctx.dispatch({
    label,
    call,
    shader: twirlMergeShader,
    constants: {
      RUN: run,
      VEC4: layout.vec4,
      WORKGROUP: layout.workgroup,
      EXACT: layout.exact,
      CONTINUE: count > 0,
      REDUCE: reduce !== undefined,
      TARGET: target !== undefined,
    },
    params: {
      samples,
      rotations: k,
      size,
      channels: reals,
      merged: count,
      columns: layout.columns,
      apart: layout.apart,
      runs,
    },
    bindings: {
      rotations,
      predictions,
      mean,
      ...(usesM2 && { m2 }),
      ...(partial && { partial }),
      ...(target && { targetGrid: target }),
    },
    workgroups: layout.workgroups,
    flops: (6 * k + (target ? 6 : reduce ? 1 : 0)) * samples * elements,
    bytes: 4 * (samples * elements * grids + (reduce ? 4 * samples * threads : 0)),
  });
  if (partial) sumThreads(ctx, label, partial, reduce.sums, { quantities: 4, accumulate: false });
}

/** How `twirlMerge` is cut into threads; see the shader. */
function mergeLayout({ constants }: Variant, { samples, size, channels }: CubeShape) {
  const workgroup = constants.WORKGROUP!;
  const vec4 = channels % 4 === 0;
  const run = largestDivisor(size, constants.longestRun!);
  const columns = size / run;
  const runs = size ** 2 * columns;
  const reals = vec4 ? channels / 4 : channels;
  // Threads that run together cover a piece of memory without gaps.
  const apart = largestDivisor(columns, Math.ceil(constants.together! / reals));
  const threads = samples * runs * reals;
  const workgroups = threads1d(threads, workgroup);
  const exact = threads === workgroups[0] * workgroups[1] * workgroup;
  return { run, runs, columns, apart, vec4, reals, exact, workgroup, workgroups };
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
  requireArgs("twirlError", ctx, args, "predictions rotations target out");
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
    shader: twirlErrorShader,
    params: { samples, rotations: k, size, channels, threads },
    bindings: { rotations, predictions, targetGrid: target, partial },
    workgroups: threads1d(samples * threads),
    flops: 3 * samples * elements,
    bytes: 4 * (samples * elements + samples * voxels * channels + samples * threads),
  });
  sumThreads(ctx, label, partial, out, { quantities: 1, accumulate: true });
}

/** Balances the two passes: as many elements in a thread as there are threads in a sample, but not fewer than 64. */
function sharePerThread(elements: number): number {
  return Math.max(64, Math.ceil(Math.sqrt(elements)));
}

/** Sums of at most so many numbers are made in one pass: longer ones would leave a GPU waiting for one thread. */
const LONGEST_SUM = 256;

function sumThreads(
  ctx: KernelContext,
  label: string,
  first: Tensor,
  out: Tensor,
  { quantities, accumulate }: { quantities: number; accumulate: boolean },
): void {
  const samples = first.shape[0]!;
  let partial = first;
  for (let threads = first.shape[1]!, parts: number; threads > 0; threads = parts > 1 ? parts : 0) {
    parts = threads > LONGEST_SUM ? Math.ceil(Math.sqrt(threads)) : 1;
    const outputs = samples * parts * quantities;
    const target = parts > 1 ? ctx.scratch(`${label} sums`, [samples, parts, quantities]) : out;
    ctx.dispatch({
      label: `${label} sum`,
      shader: twirlSumShader,
      constants: { ACCUMULATE: accumulate && parts === 1 },
      params: { outputs, quantities, threads, parts },
      bindings: { partial, out: target },
      workgroups: threads1d(outputs),
      flops: samples * quantities * threads,
      bytes: 4 * (samples * quantities * threads + outputs),
    });
    partial = target;
  }
}

const cube = (count: number, { size, channels }: { size: number; channels: number }) => {
  return [count, size, size, size, channels];
};

/** What there is to know of `twirlMerge`. */
export const twirlMergeKernel: Kernel<TwirlShape> = {
  name: "twirlMerge",
  shaders: [twirlMergeShader, twirlSumShader],
  variants: twirlMergeVariants,
  shapes: [
    { samples: 2, size: 12, channels: 8, rotations: 5, goesOn: 0, reduced: 1, targeted: 1 },
    { samples: 2, size: 9, channels: 5, rotations: 5, goesOn: 1, reduced: 0, targeted: 0 },
    { samples: 1, size: 9, channels: 5, rotations: 5, goesOn: 1, reduced: 1, targeted: 0 },
    { samples: 1, size: 9, channels: 5, rotations: 5, goesOn: 0, reduced: 0, targeted: 0 },
  ],
  example(shape) {
    const { samples, size, channels, rotations: k, goesOn, reduced, targeted } = shape;
    const grids = cube(samples, shape);
    return example({
      tensors: {
        predictions: input(cube(samples * k, shape)),
        rotations: input([k], "elements"),
        mean: goesOn ? sum(grids) : output(grids),
        // Not written, nor bound, where the sums are made of a set that begins here.
        m2: reduced ? input(grids, "positive") : goesOn ? sum(grids, "positive") : output(grids),
        ...(targeted ? { target: input(grids) } : {}),
        ...(reduced ? { sums: output([samples, 4]) } : {}),
      },
      terms: k + (reduced ? size ** 3 * channels : 0),
      emit: (ctx, { predictions, rotations, mean, m2, target, sums }) =>
        twirlMerge(ctx, {
          ...{ label: "twirlMerge", predictions, rotations, mean, m2, count: goesOn ? k : 0 },
          ...(sums && { reduce: { sums, ...(target && { target }) } }),
        }),
    });
  },
};

/** What the work of a call depends on: sizes and switches. */
export interface TwirlErrorShape extends CallShape {
  readonly samples: number;
  readonly size: number;
  readonly channels: number;
  readonly rotations: number;
}

/** What there is to know of `twirlError`. */
export const twirlErrorKernel: Kernel<TwirlErrorShape> = {
  name: "twirlError",
  shaders: [twirlErrorShader, twirlSumShader],
  shapes: [
    { samples: 2, size: 9, channels: 5, rotations: 5 },
    { samples: 1, size: 1, channels: 1, rotations: 1 },
  ],
  example(shape) {
    const { samples, size, channels, rotations: k } = shape;
    return example({
      tensors: {
        predictions: input(cube(samples * k, shape)),
        rotations: input([k], "elements"),
        target: input(cube(samples, shape)),
        out: sum([samples]),
      },
      terms: k * size ** 3 * channels,
      emit: (ctx, tensors) => twirlError(ctx, { label: "twirlError", ...tensors }),
    });
  },
};
