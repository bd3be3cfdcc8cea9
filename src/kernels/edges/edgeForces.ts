import edgeForcesGradShader from "../../../shaders/edges/edgeForcesGrad.wgsl";
import edgeForcesShader from "../../../shaders/edges/edgeForces.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { edgesExample } from "./edgeLists.ts";

/** What `edgeForces` takes; N atoms, M slots. */
export interface EdgeForcesArgs {
  label: string;
  /** [N, M, 3], coefficients along x, y and z. */
  c: Tensor;
  /** [N, 1], magnitudes. */
  m: Tensor;
  /** f32 [N, M, 4], unit vector and distance of each edge; free slots are 0. */
  edges: Tensor;
  /** Written, f32 [N, 3]. */
  forces: Tensor;
}

/**
 * forces[i] = m[i] sum over s of c[i, s] * d[i, s], component by component: EScAIP's head (arXiv 2410.24169), the one
 * place where it may lose symmetry.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function edgeForces(ctx: KernelContext, args: EdgeForcesArgs): void {
  requireArgs("edgeForces", ctx, args, "c m edges forces");
  const { label, c, m, edges, forces } = args;
  const params = layout(label, args);
  requireShape(label, "forces", forces, [params.atoms, 3]);
  ctx.dispatch({
    label,
    shader: edgeForcesShader,
    constants: storage(label, { c, m }),
    params,
    bindings: { c, m, edges, forces },
    workgroups: threads1d(params.atoms),
    flops: 2 * elementCount(c.shape),
    bytes: byteLength(c) + byteLength(m) + byteLength(edges) + byteLength(forces),
  });
}

/** What `edgeForcesGrad` takes. */
export interface EdgeForcesGradArgs extends Omit<EdgeForcesArgs, "forces"> {
  /** f32 [N, 3] */
  gradForces: Tensor;
  /** Written, shapes of c and m. */
  gradC: Tensor;
  gradM: Tensor;
}

/**
 * The gradients of `edgeForces` with respect to coefficients and magnitudes; to the edges there is none.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function edgeForcesGrad(ctx: KernelContext, args: EdgeForcesGradArgs): void {
  requireArgs("edgeForcesGrad", ctx, args, "c m edges gradForces gradC gradM");
  const { label, c, m, edges, gradForces, gradC, gradM } = args;
  const params = layout(label, args);
  requireShape(label, "gradForces", gradForces, [params.atoms, 3]);
  requireSameShape(label, { c, gradC });
  requireSameShape(label, { m, gradM });
  ctx.dispatch({
    label,
    shader: edgeForcesGradShader,
    constants: storage(label, { c, m, gradC, gradM }),
    params,
    bindings: { c, m, edges, gradForces, gradC, gradM },
    workgroups: threads1d(params.atoms),
    flops: 4 * elementCount(c.shape),
    bytes: 2 * byteLength(c) + 2 * byteLength(m) + byteLength(edges) + byteLength(gradForces),
  });
}

function layout(label: string, { c, m, edges }: Pick<EdgeForcesArgs, "c" | "m" | "edges">) {
  if (c.shape.length !== 3 || c.shape[2] !== 3) throw badShape(label, "c must be [N, M, 3]", { c });
  const [atoms, slots] = c.shape as [number, number, number];
  requireShape(label, "m", m, [atoms, 1]);
  requireShape(label, "edges", edges, [atoms, slots, 4]);
  return { atoms, slots };
}

/** What the work of a call depends on. */
export interface EdgeForcesShape extends CallShape {
  readonly atoms: number;
  readonly slots: number;
}

const shapes: readonly EdgeForcesShape[] = [
  { atoms: 70, slots: 7 },
  { atoms: 1, slots: 1 },
];

/** What there is to know of `edgeForces`. */
export const edgeForcesKernel: Kernel<EdgeForcesShape> = {
  name: "edgeForces",
  shaders: [edgeForcesShader],
  shapes,
  example({ atoms, slots }) {
    return example({
      tensors: {
        c: activation(input([atoms, slots, 3])),
        m: activation(input([atoms, 1])),
        edges: edgesExample({ atoms, slots }),
        forces: output([atoms, 3]),
      },
      terms: slots,
      emit: (ctx, tensors) => edgeForces(ctx, { label: "edgeForces", ...tensors }),
    });
  },
};

/** What there is to know of `edgeForcesGrad`. */
export const edgeForcesGradKernel: Kernel<EdgeForcesShape> = {
  name: "edgeForcesGrad",
  shaders: [edgeForcesGradShader],
  shapes,
  example({ atoms, slots }) {
    return example({
      tensors: {
        c: activation(input([atoms, slots, 3])),
        m: activation(input([atoms, 1])),
        edges: edgesExample({ atoms, slots }),
        gradForces: input([atoms, 3]),
        gradC: activation(output([atoms, slots, 3])),
        gradM: activation(output([atoms, 1])),
      },
      terms: 3 * slots,
      emit: (ctx, tensors) => edgeForcesGrad(ctx, { label: "edgeForcesGrad", ...tensors }),
    });
  },
};
