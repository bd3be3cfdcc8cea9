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

/** A software adapter without subgroups. */
export const PLAIN_SOFTWARE: Partial<GpuCaps> = {
  ...{ adapterClass: "software", subgroups: false, subgroupMinSize: 1, subgroupMaxSize: 1, subgroupMatrices: [] },
};

/** A graphics card of which nothing but WebGPU's minimum is known. */
export const PLAIN_GPU: Partial<GpuCaps> = {
  ...PLAIN_SOFTWARE,
  ...{ adapterClass: "discrete", maxWorkgroupInvocations: 256, maxBindingBytes: 2 ** 27 },
};

/** What kernels choose by: this adapter as it is, and one of which nothing but WebGPU's minimum is known. */
export const ADAPTERS: Readonly<Record<string, Partial<GpuCaps>>> = {
  "as it is": {},
  "as hardware without subgroups": { ...PLAIN_SOFTWARE, adapterClass: "discrete" },
};
