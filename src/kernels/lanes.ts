import type { GpuCaps } from "../gpu/caps.ts";

/** Lanes of the subgroups that shaders for software adapters were measured with, lavapipe's. */
export const LANES = 8;

/** Lanes of SwiftShader's subgroups. */
export const QUAD_LANES = 4;

/** Whether all subgroups have so many lanes. */
export function hasSubgroupsOf(caps: GpuCaps, lanes: number): boolean {
  return caps.subgroups && caps.subgroupMinSize === lanes && caps.subgroupMaxSize === lanes;
}

/** Whether the adapter is of the kind that those shaders are for: software, all subgroups of that size. */
export function hasLanes(caps: GpuCaps): boolean {
  return caps.adapterClass === "software" && hasSubgroupsOf(caps, LANES);
}

/** Whether it is as SwiftShader, on which a subgroup is a quad. */
export function hasQuads(caps: GpuCaps): boolean {
  return caps.adapterClass === "software" && hasSubgroupsOf(caps, QUAD_LANES);
}
