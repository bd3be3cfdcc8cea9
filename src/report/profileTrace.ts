import { formatShape } from "../gpu/tensor.ts";
import type { PlanProfile } from "../graph/profile.ts";
import type { HostTimes } from "../graph/profileReplays.ts";
import { rooflineShare, type Roofline } from "../graph/roofline.ts";

/** One event of the Chrome trace format, which Perfetto and speedscope read. Times are microseconds. */
export interface TraceEvent {
  readonly ph: "X" | "C" | "M";
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface Trace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: "ns";
  readonly otherData: Readonly<Record<string, string>>;
}

const PID = 1;
const HOST = 1;
const GPU = 2;

/**
 * A profile as a trace: every replay on the host's track, the dispatches of the profiled ones on the GPU's, and the
 * bytes of living tensors as a counter. Both tracks are on the clock of performance.now(), from the profile's begin;
 * the GPU's were moved there by `alignClocks`.
 */
export function profileTrace(profile: PlanProfile, roofline?: Roofline): Trace {
  const { replays, dispatches, memory, label, timing } = profile;
  const events: TraceEvent[] = [
    named("process_name", 0, `voxtwirl ${label}`),
    named("thread_name", HOST, "host"),
    named(
      "thread_name",
      GPU,
      timing === "timestamps" ? `GPU: ${profile.adapter}` : `dispatches by wall time: ${profile.adapter}`,
    ),
    { ...named("thread_sort_index", HOST, ""), args: { sort_index: 0 } },
    { ...named("thread_sort_index", GPU, ""), args: { sort_index: 1 } },
  ];
  const host = (times: HostTimes, kind: string) => {
    const spans = [
      span(HOST, "host", `${kind} replay`, times.prepare, times.done),
      span(HOST, "host", "prepare", times.prepare, times.encode),
      span(HOST, "host", "encode and submit", times.encode, times.submitted),
      span(HOST, "host", "wait", times.submitted, times.done),
    ];
    // Of spans without length viewers cannot tell the end from the begin.
    events.push(...spans.filter(({ dur }) => dur! > 0));
  };
  host(replays.first, "first");
  const inOrder = replays.profiled.flatMap((times, i) => [
    { times: replays.plain[i]!, kind: "ordinary" },
    { times, kind: "profiled" },
  ]);
  for (const { times, kind } of inOrder) host(times, kind);
  for (const { begins, durations } of replays.profiled) {
    let end = -Infinity;
    dispatches.forEach((dispatch, i) => {
      // Spans of one track may not overlap: where the GPU began one before the last had ended, it is drawn from there.
      const begin = Math.max(begins[i]!, end);
      end = Math.max(begins[i]! + durations[i]!, begin + 1);
      const seconds = durations[i]! / 1e9;
      events.push({
        ...span(GPU, dispatch.phase, dispatch.label, begin, end),
        args: {
          layer: dispatch.layer,
          phase: dispatch.phase,
          kernel: dispatch.shader,
          variant: dispatch.variant,
          workgroups: dispatch.workgroups.join(" x "),
          flops: dispatch.flops,
          bytes: dispatch.bytes,
          gflops: seconds > 0 ? dispatch.flops / seconds / 1e9 : null,
          gbPerSecond: seconds > 0 ? dispatch.bytes / seconds / 1e9 : null,
          ...(roofline && seconds > 0 ? { rooflineShare: rooflineShare(roofline, { ...dispatch, seconds }) } : {}),
          tensors: Object.fromEntries(dispatch.tensors.map((t) => [t.binding, `${t.label} ${formatShape(t.shape)}`])),
        },
      });
      events.push(counter(begin, memory.liveBytes[dispatch.command]!));
    });
    if (end > -Infinity) events.push(counter(end, 0));
  }
  const clock =
    timing === "timestamps"
      ? "GPU times are on the clock of performance.now(): no work begins before it is submitted or ends after the " +
        `host sees its end, which fixes the shift within ${(replays.clockUncertaintyNs / 1000).toFixed(1)} us`
      : "no timestamps: each dispatch from its encoding until the host knew it done";
  return { traceEvents: events, displayTimeUnit: "ns", otherData: { adapter: profile.adapter, timing, clock } };
}

/**
 * Microseconds in steps of 1/1024: sums of these are exact in a double, so a span's end is the next one's begin to the
 * last bit. Viewers take spans that cross by a rounding error apart.
 */
const us = (ns: number) => Math.round(ns * 1.024) / 1024;

function named(name: string, tid: number, text: string): TraceEvent {
  return { ph: "M", name, pid: PID, tid, args: { name: text } };
}

function span(tid: number, cat: string, name: string, from: number, to: number): TraceEvent {
  return { ph: "X", name, cat, pid: PID, tid, ts: us(from), dur: Math.max(us(to) - us(from), 0) };
}

function counter(at: number, bytes: number): TraceEvent {
  return { ph: "C", name: "living tensors", pid: PID, tid: GPU, ts: us(at), args: { bytes } };
}
