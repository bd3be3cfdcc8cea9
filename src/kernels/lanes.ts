import type { GpuCaps } from "../gpu/caps.ts";

/** Lanes of the subgroups that shaders for software adapters were measured with, lavapipe's. */
export const LANES = 8;

/** Whether the adapter is of the kind that those shaders are for: software, all subgroups of that size. */
export function hasLanes(caps: GpuCaps): boolean {
  const { adapterClass, subgroups, subgroupMinSize, subgroupMaxSize } = caps;
  return adapterClass === "software" && subgroups && subgroupMinSize === LANES && subgroupMaxSize === LANES;
}
