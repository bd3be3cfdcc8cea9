import concatChannelsShader from "../../shaders/concatChannels.wgsl";
import copyChannelsShader from "../../shaders/copyChannels.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementBytes, elementCount, type Tensor } from "../gpu/tensor.ts";
import { badShape, voxelShape } from "./shapes.ts";
import { storagePair } from "./storage.ts";
import { activation, example, input, output } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { threads1d } from "./threads.ts";

/** Voxels that one thread copies, as a division by the number of columns costs as much as a few copies. */
const RUN = 8;

/** What `concatChannels` and `splitChannels` takes. */
export interface ConcatChannelsArgs {
  label: string;
  /** [N, ..., Ca] */
  a: Tensor;
  /** [N, ..., Cb] */
  b: Tensor;
  /** [N, ..., Ca + Cb] */
  y: Tensor;
}

/**
 * y = [a, b] along channels; y is written.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function concatChannels(ctx: KernelContext, args: ConcatChannelsArgs): void {
  requireArgs("concatChannels", ctx, args, "a b y");
  const { label, a, b, y } = args;
  if (isOneDispatch(a, b)) {
    dispatchConcat(ctx, { label, a, b, y }, false);
    return;
  }
  const [first, second] = checkedWidths(label, a, b, y);
  copyChannels(ctx, `${label} first`, a, 0, y, 0, first);
  copyChannels(ctx, `${label} second`, b, 0, y, first, second);
}

/**
 * The adjoint of `concatChannels`: a and b are written with the first and the remaining channels of y.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function splitChannels(ctx: KernelContext, args: ConcatChannelsArgs): void {
  requireArgs("splitChannels", ctx, args, "a b y");
  const { label, a, b, y } = args;
  if (isOneDispatch(a, b)) {
    dispatchConcat(ctx, { label, a, b, y }, true);
    return;
  }
  const [first, second] = checkedWidths(label, a, b, y);
  copyChannels(ctx, `${label} first`, y, 0, a, 0, first);
  copyChannels(ctx, `${label} second`, y, first, b, 0, second);
}

/** The shader has one type for both, and no tensor can be bound twice. */
function isOneDispatch(a: Tensor, b: Tensor): boolean {
  return a.dtype === b.dtype && a.id !== b.id;
}

function dispatchConcat(ctx: KernelContext, { label, a, b, y }: ConcatChannelsArgs, backwards: boolean): void {
  const [widthA, widthB] = checkedWidths(label, a, b, y);
  const unit = [widthA, widthB].every((count) => count % 4 === 0) ? 4 : 1;
  const voxels = elementCount(a.shape) / widthA;
  const runs = Math.ceil(voxels / RUN);
  const total = (runs * (widthA + widthB)) / unit;
  ctx.dispatch({
    label,
    shader: concatChannelsShader,
    constants: { VEC4: unit === 4, RUN, GRAD: backwards, ...storagePair(a, y) },
    params: { voxels, aWidth: widthA / unit, bWidth: widthB / unit, aThreads: (runs * widthA) / unit, total },
    bindings: { a, b, y },
    workgroups: threads1d(total),
    flops: 0,
    bytes: byteLength(a) + byteLength(b) + byteLength(y),
  });
}

function checkedWidths(label: string, a: Tensor, b: Tensor, y: Tensor): [number, number] {
  const [widthA, widthB, widthY] = [a, b, y].map((tensor, i) => voxelShape(label, "aby"[i]!, tensor).channels);
  const outer = (tensor: Tensor) => tensor.shape.slice(0, -1).join();
  if (outer(a) !== outer(b) || outer(a) !== outer(y) || widthA! + widthB! !== widthY) {
    throw badShape(label, "y must have the channels of a and b together and their other axes", { a, b, y });
  }
  return [widthA!, widthB!];
}

/**
 * Channels `sourceFirst`.. of every voxel of `source` to channels `targetFirst`.. of `target`, `width` of them,
 * converted where the types differ; so many copies of them, side by side.
 */
export function copyChannels(
  ctx: KernelContext,
  label: string,
  source: Tensor,
  sourceFirst: number,
  target: Tensor,
  targetFirst: number,
  width: number,
  copies = 1,
): void {
  const from = voxelShape(label, "source", source);
  const to = voxelShape(label, "target", target);
  const vec4 = [from.channels, to.channels, sourceFirst, targetFirst, width].every((count) => count % 4 === 0);
  const unit = vec4 ? 4 : 1;
  const voxels = from.samples * from.voxels;
  const columns = width / unit;
  const total = Math.ceil(voxels / RUN) * columns;
  const [x, y] = threads1d(total);
  ctx.dispatch({
    label,
    shader: copyChannelsShader,
    constants: { VEC4: vec4, RUN, ...storagePair(source, target) },
    params: {
      voxels,
      columns,
      total,
      sourceWidth: from.channels / unit,
      sourceFirst: sourceFirst / unit,
      targetWidth: to.channels / unit,
      targetFirst: targetFirst / unit,
    },
    bindings: { source, destination: target },
    workgroups: [x, y, copies],
    flops: 0,
    bytes: voxels * width * (elementBytes(source) + copies * elementBytes(target)),
  });
}

/** What the work of a call depends on: sizes and switches. */
export interface ConcatShape extends CallShape {
  readonly samples: number;
  readonly voxels: number;
  readonly channelsA: number;
  readonly channelsB: number;
}

const shapes: readonly ConcatShape[] = [
  { samples: 2, voxels: 35, channelsA: 6, channelsB: 3 },
  { samples: 1, voxels: 64, channelsA: 8, channelsB: 4 },
  { samples: 1, voxels: 1, channelsA: 1, channelsB: 1 },
];

const sides = ({ samples, voxels, channelsA, channelsB }: ConcatShape) => ({
  a: [samples, voxels, channelsA],
  b: [samples, voxels, channelsB],
  y: [samples, voxels, channelsA + channelsB],
});

/** What there is to know of `concatChannels`. */
export const concatChannelsKernel: Kernel<ConcatShape> = {
  name: "concatChannels",
  shaders: [concatChannelsShader, copyChannelsShader],
  shapes,
  example(shape) {
    const { a, b, y } = sides(shape);
    return example({
      tensors: { a: activation(input(a)), b: activation(input(b)), y: activation(output(y)) },
      terms: 1,
      emit: (ctx, tensors) => concatChannels(ctx, { label: "concatChannels", ...tensors }),
    });
  },
};

/** What there is to know of `splitChannels`. */
export const splitChannelsKernel: Kernel<ConcatShape> = {
  name: "splitChannels",
  shaders: [concatChannelsShader, copyChannelsShader],
  shapes,
  example(shape) {
    const { a, b, y } = sides(shape);
    return example({
      tensors: { y: activation(input(y)), a: activation(output(a)), b: activation(output(b)) },
      terms: 1,
      emit: (ctx, tensors) => splitChannels(ctx, { label: "splitChannels", ...tensors }),
    });
  },
};
