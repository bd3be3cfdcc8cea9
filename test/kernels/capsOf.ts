import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { KernelContext } from "../../src/gpu/dispatch.ts";

/** The same context to a kernel that looks for another adapter, so that paths meant for others run on this one. */
export function withCaps(ctx: KernelContext, caps: Partial<GpuCaps>): KernelContext {
  return {
    caps: { ...ctx.caps, ...caps },
    dispatch: (d) => ctx.dispatch(d),
    clear: (tensor) => ctx.clear(tensor),
    scratch: (label, shape, dtype) => ctx.scratch(label, shape, dtype),
  };
}

/** What kernels choose by: this adapter as it is, and one of which nothing but WebGPU's minimum is known. */
export const ADAPTERS: Readonly<Record<string, Partial<GpuCaps>>> = {
  "as it is": {},
  "as hardware without subgroups": { adapterClass: "discrete", subgroups: false, subgroupMinSize: 1, subgroupMaxSize: 1 },
};
