import sumScalarShader from "../../shaders/sumScalar.wgsl";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { threads1d } from "./threads.ts";

/** Partial sums that one thread adds up. */
const FAN = 256;

export const SUM_SCALAR_SHADER = sumScalarShader;

/** out[0] += scale * sum of partials, in as many passes as FAN asks for. */
export function addSum(ctx: KernelContext, label: string, partials: Tensor, out: Tensor, scale: number): void {
  let from = partials;
  for (;;) {
    const count = elementCount(from.shape);
    const final = count <= FAN;
    const to = final ? out : ctx.scratch(`${label} sums`, [Math.ceil(count / FAN)]);
    ctx.dispatch({
      label: `${label} sum`,
      shader: sumScalarShader,
      constants: { RUN: FAN, FINAL: final },
      params: { count, ...(final && { scale }) },
      bindings: { partials: from, sums: to },
      workgroups: threads1d(elementCount(to.shape)),
      flops: count,
      bytes: byteLength(from) + byteLength(to),
    });
    if (final) return;
    from = to;
  }
}
