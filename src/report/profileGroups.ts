import type { DispatchProfile, PlanProfile } from "../graph/profile.ts";
import { rooflineSeconds, type Roofline } from "../graph/roofline.ts";

/** Dispatches that belong together: of one kernel, layer or phase. */
export interface ProfileGroup {
  readonly name: string;
  readonly count: number;
  readonly ns: number;
  /** Of the time of all dispatches. */
  readonly share: number;
  readonly flops: number;
  readonly bytes: number;
  /** What the roofline allows each of its dispatches, in all, over the time taken; undefined without a roofline. */
  readonly roofline: number | undefined;
}

export type GroupBy = "shader" | "layer" | "phase" | "label";

/** The dispatches of a profile in groups, those that take most time first. */
export function profileGroups(dispatches: readonly DispatchProfile[], by: GroupBy, roofline?: Roofline): ProfileGroup[] {
  const whole = dispatches.reduce((sum, { durationNs }) => sum + durationNs, 0);
  const groups = new Map<string, DispatchProfile[]>();
  for (const dispatch of dispatches) {
    const group = groups.get(dispatch[by]);
    if (group) group.push(dispatch);
    else groups.set(dispatch[by], [dispatch]);
  }
  const sum = (group: readonly DispatchProfile[], of: (dispatch: DispatchProfile) => number) => group.reduce((all, d) => all + of(d), 0);
  const made = [...groups].map(([name, group]): ProfileGroup => {
    const ns = sum(group, ({ durationNs }) => durationNs);
    const allowed = roofline && 1e9 * sum(group, (dispatch) => rooflineSeconds(roofline, dispatch));
    return {
      name,
      count: group.length,
      ns,
      share: whole > 0 ? ns / whole : 0,
      flops: sum(group, ({ flops }) => flops),
      bytes: sum(group, ({ bytes }) => bytes),
      roofline: allowed === undefined || ns === 0 ? undefined : allowed / ns,
    };
  });
  return made.sort((a, b) => b.ns - a.ns);
}

/** Why memory peaks where it does: what is alive there, by label, largest first. */
export function peakTensors({ memory }: PlanProfile): { label: string; shape: readonly number[]; bytes: number; first: number; last: number; kept: boolean }[] {
  return memory.peak.tensors.map((i) => memory.tensors[i]!);
}
