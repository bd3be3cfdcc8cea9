import type { Dispatch } from "../gpu/dispatch.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Command } from "../gpu/recorder.ts";
import { median } from "../quantiles.ts";
import type { Graph, Phase } from "./graph.ts";
import { memoryMap, type MemoryMap } from "./memoryMap.ts";
import type { MemoryPlan } from "./planner.ts";
import { profileReplays, type HostTimes, type ProfileOptions, type ReplayTimes } from "./profileReplays.ts";

/** One dispatch of a replay. Times are medians over the profiled replays, in nanoseconds. */
export interface DispatchProfile {
  readonly label: string;
  /** The label up to its first space: `unet/down1/res0/conv1`. */
  readonly layer: string;
  readonly phase: Phase;
  /** The kernel: the shader's name. */
  readonly shader: string;
  /** The shader with its constants, as compiled. */
  readonly variant: string;
  readonly workgroups: readonly [number, number, number];
  readonly tensors: readonly { readonly binding: string; readonly label: string; readonly shape: readonly number[] }[];
  readonly flops: number;
  readonly bytes: number;
  /** Its place among all commands, clears included: the axis of the memory map. */
  readonly command: number;
  /** From the begin of the first dispatch. */
  readonly beginNs: number;
  readonly durationNs: number;
  /** Time before it in which no dispatch ran; 0 for the first. */
  readonly gapNs: number;
}

/** What `plan.profile` finds; plain data. */
export interface PlanProfile {
  readonly label: string;
  readonly adapter: string;
  readonly repeats: number;
  readonly timing: ReplayTimes["timing"];
  readonly dispatches: readonly DispatchProfile[];
  /** Medians over the profiled replays, in nanoseconds: first begin to last end, and how much of it dispatches ran. */
  readonly gpu: { readonly spanNs: number; readonly busyNs: number };
  /** Medians over replays as they always are, in milliseconds. */
  readonly host: {
    /** The first replay of all: drivers may compile in it. */
    readonly firstMs: number;
    readonly prepareMs: number;
    /** Encoding and submitting: what the host itself does. */
    readonly encodeMs: number;
    /** From the begin of encoding until the GPU is known to be done. */
    readonly wallMs: number;
  };
  /** What profiling costs: the same medians of profiled replays, and their wall time over the ordinary one, minus 1. */
  readonly overhead: { readonly encodeMs: number; readonly wallMs: number; readonly share: number };
  /** What the timing finds where nothing is done: part of every duration. */
  readonly emptyNs: number;
  readonly memory: MemoryMap;
  /** Every replay on one clock, for traces. */
  readonly replays: ReplayTimes;
}

/** What a plan is made of, as far as its profile needs it. */
export interface ProfiledPlan {
  readonly gpu: Gpu;
  readonly label: string;
  readonly graph: Graph;
  readonly commands: readonly Command[];
  readonly memory: MemoryPlan;
  variantOf(dispatch: Dispatch): string;
}

export async function profilePlan(plan: ProfiledPlan, options: ProfileOptions): Promise<PlanProfile> {
  const { gpu, label, graph, memory } = plan;
  const replays = await profileReplays(gpu, label, plan.commands, options);
  const { profiled, plain } = replays;
  const gaps = profiled.map(gapsOf);
  const of = (values: (replay: number, dispatch: number) => number, dispatch: number) =>
    median(profiled.map((_, replay) => values(replay, dispatch)));
  const dispatches: DispatchProfile[] = [];
  graph.commands.forEach((command, at) => {
    if (command.kind !== "dispatch") return;
    const { dispatch, phase } = command;
    const i = dispatches.length;
    dispatches.push({
      label: dispatch.label,
      layer: dispatch.label.split(" ", 1)[0]!,
      phase,
      shader: dispatch.shader.name,
      variant: plan.variantOf(dispatch),
      workgroups: dispatch.workgroups,
      tensors: Object.entries(dispatch.bindings).map(([binding, tensor]) => ({
        binding,
        label: tensor.label,
        shape: tensor.shape,
      })),
      flops: dispatch.flops,
      bytes: dispatch.bytes,
      command: at,
      beginNs: of((r, d) => profiled[r]!.begins[d]! - profiled[r]!.begins[0]!, i),
      durationNs: of((r, d) => profiled[r]!.durations[d]!, i),
      gapNs: of((r, d) => gaps[r]![d]!, i),
    });
  });
  const busy = profiled.map((replay, r) => spanOf(replay) - gaps[r]!.reduce((a, b) => a + b, 0));
  const wall = (times: readonly HostTimes[]) => median(times.map(({ encode, done }) => (done - encode) / 1e6));
  const encoding = (times: readonly HostTimes[]) =>
    median(times.map(({ encode, submitted }) => (submitted - encode) / 1e6));
  const wallMs = wall(plain);
  return {
    label,
    adapter: gpu.info.description || gpu.info.device || gpu.info.vendor,
    repeats: profiled.length,
    timing: replays.timing,
    dispatches,
    gpu: { spanNs: median(profiled.map(spanOf)), busyNs: median(busy) },
    host: {
      firstMs: wall([replays.first]),
      prepareMs: median(plain.map(({ prepare, encode }) => (encode - prepare) / 1e6)),
      encodeMs: encoding(plain),
      wallMs,
    },
    overhead: { encodeMs: encoding(profiled), wallMs: wall(profiled), share: wall(profiled) / wallMs - 1 },
    emptyNs: replays.emptyNs,
    memory: memoryMap(graph, memory),
    replays,
  };
}

interface Spans {
  readonly begins: readonly number[];
  readonly durations: readonly number[];
}

function endOf({ begins, durations }: Spans): number {
  return begins.reduce((end, begin, i) => Math.max(end, begin + durations[i]!), -Infinity);
}

function spanOf(spans: Spans): number {
  return spans.begins.length === 0 ? 0 : endOf(spans) - spans.begins[0]!;
}

/** Before each dispatch, the time since everything before it ended; none where they overlap. */
function gapsOf({ begins, durations }: Spans): number[] {
  let end = begins[0] ?? 0;
  return begins.map((begin, i) => {
    const gap = Math.max(begin - end, 0);
    end = Math.max(end, begin + durations[i]!);
    return gap;
  });
}
