import edgeSumGradShader from "../../../shaders/edges/edgeSumGrad.wgsl";
import edgeSumShader from "../../../shaders/edges/edgeSum.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { edgeSizes, listsExample, requireWords, type EdgeSizes, type ReverseList } from "./edgeLists.ts";

/** What `edgeSum` takes; N atoms, M slots. */
export interface EdgeSumArgs {
  label: string;
  /** [N, M, C], what the edges have themselves. Left out it is nothing. */
  x?: Tensor | undefined;
  /** [N, C], what an atom gives to the edges whose neighbour it is. */
  source: Tensor;
  /** [N, C], what it gives to its own edges. */
  target: Tensor;
  /** u32 [..., M], atoms, FREE_SLOT where there is none. */
  neighbours: Tensor;
  /** Written, [N, M, C]. */
  y: Tensor;
}

/**
 * y[i, s] = x[i, s] + source[neighbours[i, s]] + target[i]. Free slots have nothing of a neighbour.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function edgeSum(ctx: KernelContext, args: EdgeSumArgs): void {
  requireArgs("edgeSum", ctx, args, "source target neighbours y");
  const { label, x, source, target, neighbours, y } = args;
  const { atoms, slots, columns, vec4 } = layout(label, neighbours, source);
  requireShape(label, "target", target, [atoms, columns]);
  requireShape(label, "y", y, [atoms, slots, columns]);
  if (x) requireShape(label, "x", x, y.shape);
  const reals = vec4 ? columns / 4 : columns;
  ctx.dispatch({
    label,
    shader: edgeSumShader,
    constants: { EDGES: x !== undefined, VEC4: vec4, ...storage(label, { source, target, y, ...(x && { x }) }) },
    params: { atoms, slots, columns: reals },
    bindings: { source, targets: target, neighbours, y, ...(x && { x }) },
    workgroups: threads1d(atoms * slots * reals),
    flops: (x ? 2 : 1) * elementCount(y.shape),
    bytes: (x ? 2 : 1) * byteLength(y) + byteLength(source) + byteLength(target) + byteLength(neighbours),
  });
}

/** What `edgeSumGrad` takes. */
export interface EdgeSumGradArgs extends ReverseList {
  label: string;
  /** [N, M, C] */
  gradY: Tensor;
  neighbours: Tensor;
  /** Written, [N, C]. */
  gradSource: Tensor;
  /** Written, [N, C]. */
  gradTarget: Tensor;
}

/**
 * The gradients of `edgeSum` with respect to what the atoms give; that of x is gradY.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function edgeSumGrad(ctx: KernelContext, args: EdgeSumGradArgs): void {
  const tensors = "gradY neighbours starts inDegrees edges gradSource gradTarget";
  requireArgs("edgeSumGrad", ctx, args, tensors);
  const { label, gradY, neighbours, starts, inDegrees, edges, gradSource, gradTarget } = args;
  const { atoms, slots, columns, vec4 } = layout(label, neighbours, gradSource);
  requireShape(label, "gradY", gradY, [atoms, slots, columns]);
  requireShape(label, "gradTarget", gradTarget, [atoms, columns]);
  requireWords(label, "starts", starts, atoms);
  requireWords(label, "inDegrees", inDegrees, atoms);
  requireWords(label, "edges", edges, atoms * slots);
  const reals = vec4 ? columns / 4 : columns;
  ctx.dispatch({
    label,
    shader: edgeSumGradShader,
    constants: { VEC4: vec4, ...storage(label, { gradY, gradSource, gradTarget }) },
    params: { atoms, slots, columns: reals },
    bindings: { gradY, starts, inDegrees, edges, gradSource, gradTarget },
    workgroups: threads1d(atoms * reals),
    flops: 2 * elementCount(gradY.shape),
    bytes: byteLength(gradY) + 2 * byteLength(gradSource) + 2 * byteLength(starts) + byteLength(edges),
  });
}

function layout(label: string, neighbours: Tensor, ofAtoms: Tensor): EdgeSizes & { columns: number; vec4: boolean } {
  const { atoms, slots } = edgeSizes(label, neighbours);
  const columns = ofAtoms.shape[ofAtoms.shape.length - 1]!;
  requireShape(label, "what the atoms give", ofAtoms, [atoms, columns]);
  return { atoms, slots, columns, vec4: columns % 4 === 0 };
}

/** What the work of a call depends on: sizes and switches. */
export interface EdgeSumShape extends CallShape {
  readonly atoms: number;
  readonly slots: number;
  readonly columns: number;
  /** 1: the edges have something themselves. */
  readonly own: number;
}

const shapes: readonly EdgeSumShape[] = [
  { atoms: 23, slots: 7, columns: 20, own: 1 },
  { atoms: 9, slots: 8, columns: 5, own: 0 },
  { atoms: 1, slots: 1, columns: 1, own: 1 },
];

/** What there is to know of `edgeSum`. */
export const edgeSumKernel: Kernel<EdgeSumShape> = {
  name: "edgeSum",
  shaders: [edgeSumShader],
  shapes,
  example({ atoms, slots, columns, own }) {
    const { neighbours } = listsExample({ atoms, slots });
    return example({
      tensors: {
        ...(own === 1 && { x: activation(input([atoms, slots, columns])) }),
        source: activation(input([atoms, columns])),
        target: activation(input([atoms, columns])),
        neighbours,
        y: activation(output([atoms, slots, columns])),
      },
      terms: 3,
      emit: (ctx, tensors) => edgeSum(ctx, { label: "edgeSum", ...tensors }),
    });
  },
};

/** What there is to know of `edgeSumGrad`. */
export const edgeSumGradKernel: Kernel<EdgeSumShape> = {
  name: "edgeSumGrad",
  shaders: [edgeSumGradShader],
  shapes,
  example({ atoms, slots, columns }) {
    const { neighbours, starts, inDegrees, edges } = listsExample({ atoms, slots });
    return example({
      tensors: {
        gradY: activation(input([atoms, slots, columns])),
        ...{ neighbours, starts, inDegrees, edges },
        gradSource: activation(output([atoms, columns])),
        gradTarget: activation(output([atoms, columns])),
      },
      terms: 4 * slots,
      emit: (ctx, tensors) => edgeSumGrad(ctx, { label: "edgeSumGrad", ...tensors }),
    });
  },
};
