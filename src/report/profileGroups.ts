import { requireArray } from "../check.ts";
import type { MemoryTensor } from "../graph/memoryMap.ts";
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

/** What dispatches of a group have in common. */
export type GroupBy = "shader" | "layer" | "phase" | "label";

/** The dispatches of a profile in groups, those that take most time first. */
export function profileGroups(
  dispatches: readonly DispatchProfile[],
  by: GroupBy,
  roofline?: Roofline,
): ProfileGroup[] {
  requireArray("dispatches", dispatches, "Give profile.dispatches.");
  const whole = dispatches.reduce((sum, { durationNs }) => sum + durationNs, 0);
  const groups = new Map<string, DispatchProfile[]>();
  for (const dispatch of dispatches) {
    const group = groups.get(dispatch[by]);
    if (group) group.push(dispatch);
    else groups.set(dispatch[by], [dispatch]);
  }
  const sum = (group: readonly DispatchProfile[], of: (dispatch: DispatchProfile) => number) =>
    group.reduce((all, d) => all + of(d), 0);
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

/** The phase of each command, from the dispatches; a clear belongs to the dispatch after it. */
export function commandPhases({ memory, dispatches }: PlanProfile): string[] {
  const phases = new Array<string>(memory.commands.length).fill("");
  for (const { command, phase } of dispatches) phases[command] = phase;
  for (let i = phases.length - 2; i >= 0; i--) phases[i] ||= phases[i + 1]!;
  return phases;
}

/**
 * What is alive where memory peaks, largest first, and how much of it each phase uses last: the reason why it is kept.
 */
export function memoryPeak(profile: PlanProfile): { tensors: MemoryTensor[]; lastUsedIn: Map<string, number> } {
  const { memory } = profile;
  const phases = commandPhases(profile);
  const tensors = memory.peak.tensors.map((i) => memory.tensors[i]!);
  const lastUsedIn = new Map<string, number>();
  for (const { last, bytes, kept } of tensors) {
    const phase = kept ? "the end" : phases[last]!;
    lastUsedIn.set(phase, (lastUsedIn.get(phase) ?? 0) + bytes);
  }
  return { tensors, lastUsedIn: new Map([...lastUsedIn].sort(([, a], [, b]) => b - a)) };
}
