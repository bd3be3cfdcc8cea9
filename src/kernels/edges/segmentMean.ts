import segmentMeanGradShader from "../../../shaders/edges/segmentMeanGrad.wgsl";
import segmentMeanShader from "../../../shaders/edges/segmentMean.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { requireWords } from "./edgeLists.ts";

/** How segments become one number: their mean, with `eps` added to the count, or their sum. */
export type SegmentReduction = { readonly mean: true; readonly eps: number } | { readonly mean: false };

/** What `segmentMean` takes; G segments of up to S entries. */
export interface SegmentMeanArgs {
  label: string;
  /** [G, S, C] */
  x: Tensor;
  /** u32, G of them: entries of each segment, from the first. */
  counts: Tensor;
  reduction: SegmentReduction;
  /** Written, [G, C]. */
  y: Tensor;
}

/**
 * y[g] = sum over the first counts[g] entries of x[g], divided by counts[g] + eps for the mean; 0 for none.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function segmentMean(ctx: KernelContext, args: SegmentMeanArgs): void {
  requireArgs("segmentMean", ctx, args, "x counts y", "", "reduction");
  const { label, x, counts, reduction, y } = args;
  const { params, constants } = layout(label, x, counts, reduction);
  requireShape(label, "y", y, [x.shape[0]!, x.shape[2]!]);
  ctx.dispatch({
    label,
    shader: segmentMeanShader,
    constants: { ...constants, ...storage(label, { x, y }) },
    params,
    bindings: { x, counts, y },
    workgroups: threads1d(params.segments * params.columns),
    flops: elementCount(x.shape),
    bytes: byteLength(x) + byteLength(y) + byteLength(counts),
  });
}

/** What `segmentMeanGrad` takes. */
export interface SegmentMeanGradArgs {
  label: string;
  /** [G, C] */
  gradY: Tensor;
  counts: Tensor;
  reduction: SegmentReduction;
  /** Written, [G, S, C]. */
  gradX: Tensor;
  /** Added to gradX: another gradient of the same tensor. */
  addend?: Tensor | undefined;
}

/**
 * The gradient of `segmentMean`: each entry's share of gradY, 0 for those beyond the count.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function segmentMeanGrad(ctx: KernelContext, args: SegmentMeanGradArgs): void {
  requireArgs("segmentMeanGrad", ctx, args, "gradY counts gradX", "", "reduction");
  const { label, gradY, counts, reduction, gradX, addend } = args;
  const { params, constants } = layout(label, gradX, counts, reduction);
  requireShape(label, "gradY", gradY, [gradX.shape[0]!, gradX.shape[2]!]);
  if (addend) requireShape(label, "addend", addend, gradX.shape);
  ctx.dispatch({
    label,
    shader: segmentMeanGradShader,
    constants: {
      ...constants,
      ADDEND: addend !== undefined,
      ...storage(label, { gradY, gradX, ...(addend && { addend }) }),
    },
    params,
    bindings: { gradY, counts, gradX, ...(addend && { addend }) },
    workgroups: threads1d(params.segments * params.slots * params.columns),
    flops: (addend ? 2 : 1) * elementCount(gradX.shape),
    bytes: (addend ? 2 : 1) * byteLength(gradX) + byteLength(gradY) + byteLength(counts),
  });
}

function layout(label: string, x: Tensor, counts: Tensor, reduction: SegmentReduction) {
  if (x.shape.length !== 3) throw badShape(label, "segments must be [G, S, C]", { x });
  const [segments, slots, columns] = x.shape as [number, number, number];
  requireWords(label, "counts", counts, segments);
  const vec4 = columns % 4 === 0;
  const eps = reduction.mean ? reduction.eps : 0;
  return {
    params: { segments, slots, columns: vec4 ? columns / 4 : columns, eps },
    constants: { SUM: !reduction.mean, VEC4: vec4 },
  };
}

/** What the work of a call depends on: sizes and switches. */
export interface SegmentShape extends CallShape {
  readonly segments: number;
  readonly slots: number;
  readonly columns: number;
  /** 1: means, not sums. */
  readonly mean: number;
}

const shapes: readonly SegmentShape[] = [
  { segments: 9, slots: 7, columns: 20, mean: 1 },
  { segments: 40, slots: 3, columns: 5, mean: 0 },
  { segments: 1, slots: 1, columns: 1, mean: 1 },
];

const reductionOf = ({ mean }: SegmentShape): SegmentReduction => {
  return mean === 1 ? { mean: true, eps: 1e-5 } : { mean: false };
};

const exampleCounts = ({ segments, slots }: SegmentShape) =>
  input(
    [segments],
    Uint32Array.from({ length: segments }, (_, g) => (g + slots) % (slots + 1)),
  );

/** What there is to know of `segmentMean`. */
export const segmentMeanKernel: Kernel<SegmentShape> = {
  name: "segmentMean",
  shaders: [segmentMeanShader],
  shapes,
  example(shape) {
    const { segments, slots, columns } = shape;
    return example({
      tensors: {
        x: activation(input([segments, slots, columns])),
        counts: exampleCounts(shape),
        y: activation(output([segments, columns])),
      },
      terms: slots,
      emit: (ctx, tensors) => segmentMean(ctx, { label: "segmentMean", ...tensors, reduction: reductionOf(shape) }),
    });
  },
};

/** What there is to know of `segmentMeanGrad`. */
export const segmentMeanGradKernel: Kernel<SegmentShape> = {
  name: "segmentMeanGrad",
  shaders: [segmentMeanGradShader],
  shapes,
  example(shape) {
    const { segments, slots, columns } = shape;
    return example({
      tensors: {
        gradY: activation(input([segments, columns])),
        counts: exampleCounts(shape),
        gradX: activation(output([segments, slots, columns])),
      },
      terms: 1,
      emit: (ctx, tensors) =>
        segmentMeanGrad(ctx, { label: "segmentMeanGrad", ...tensors, reduction: reductionOf(shape) }),
    });
  },
};
