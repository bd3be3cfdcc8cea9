import gaussianBasisShader from "../../../shaders/edges/gaussianBasis.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { edgesExample } from "./edgeLists.ts";

/** What `gaussianBasis` takes. */
export interface GaussianBasisArgs {
  label: string;
  /** f32 [N, M, 4], unit vector and distance of each edge; free slots are 0. */
  edges: Tensor;
  /** Of the last Gaussian's centre, in Angstrom; the first one's is 0. */
  cutoff: number;
  /** Standard deviation in units of the spacing. */
  width: number;
  /** Written, [N, M, K], K Gaussians, at least two. */
  y: Tensor;
}

/**
 * Distances as K Gaussians, centred at cutoff k / (K - 1) (SchNet: arXiv 1706.08566); 0 in free slots.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function gaussianBasis(ctx: KernelContext, args: GaussianBasisArgs): void {
  requireArgs("gaussianBasis", ctx, args, "edges y", "cutoff width");
  const { label, edges, cutoff, width, y } = args;
  const gaussians = y.shape[y.shape.length - 1]!;
  if (y.shape.length !== 3 || gaussians < 2) throw badShape(label, "y must be [N, M, K], K at least 2", { y });
  requireShape(label, "edges", edges, [y.shape[0]!, y.shape[1]!, 4]);
  const count = y.shape[0]! * y.shape[1]!;
  const vec4 = gaussians % 4 === 0;
  const columns = vec4 ? gaussians / 4 : gaussians;
  const spacing = cutoff / (gaussians - 1);
  ctx.dispatch({
    label,
    shader: gaussianBasisShader,
    constants: { VEC4: vec4, ...storage(label, { y }) },
    params: { count, columns, spacing, inverseWidth: 1 / (width * spacing) },
    bindings: { edges, y },
    workgroups: threads1d(count * columns),
    flops: 5 * elementCount(y.shape),
    bytes: byteLength(edges) + byteLength(y),
  });
}

/** What the work of a call depends on. */
export interface GaussianBasisShape extends CallShape {
  readonly atoms: number;
  readonly slots: number;
  readonly gaussians: number;
}

/** What there is to know of `gaussianBasis`. */
export const gaussianBasisKernel: Kernel<GaussianBasisShape> = {
  name: "gaussianBasis",
  shaders: [gaussianBasisShader],
  shapes: [
    { atoms: 9, slots: 7, gaussians: 64 },
    { atoms: 3, slots: 2, gaussians: 5 },
    { atoms: 1, slots: 1, gaussians: 2 },
  ],
  example({ atoms, slots, gaussians }) {
    return example({
      tensors: { edges: edgesExample({ atoms, slots }), y: activation(output([atoms, slots, gaussians])) },
      // Arguments of the exponential go to some hundreds where the result is as good as 0.
      terms: 2 ** 8,
      emit: (ctx, tensors) => gaussianBasis(ctx, { label: "gaussianBasis", ...tensors, cutoff: 12, width: 2 }),
    });
  },
};
