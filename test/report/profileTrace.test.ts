import { expect, test } from "vitest";
import { profileTrace, type TraceEvent } from "../../src/report/profileTrace.ts";
import { profileGroups } from "../../src/report/profileGroups.ts";
import { roofline, sampleProfile } from "./profileSample.ts";

const spans = (events: readonly TraceEvent[], tid: number) =>
  events.filter((event) => event.ph === "X" && event.tid === tid);
const tids = (events: readonly TraceEvent[]) => {
  const names = events.filter((event) => event.name === "thread_name");
  const of = (pattern: RegExp) => names.find((event) => pattern.test(String(event.args!.name)))!.tid;
  return { host: of(/^host/), gpu: of(/^GPU/) };
};

test("every event has what the format asks of it, and survives JSON", () => {
  const trace = profileTrace(sampleProfile(), roofline);
  const { traceEvents } = JSON.parse(JSON.stringify(trace)) as typeof trace;
  expect(traceEvents.length).toBeGreaterThan(20);
  for (const event of traceEvents) {
    expect(["X", "C", "M"]).toContain(event.ph);
    expect(event.name).not.toBe("");
    expect(Number.isInteger(event.pid) && Number.isInteger(event.tid)).toBe(true);
    if (event.ph !== "M") {
      expect(Number.isFinite(event.ts)).toBe(true);
      expect(event.ts).toBeGreaterThanOrEqual(0);
    }
    if (event.ph === "X") expect(event.dur).toBeGreaterThan(0);
    if (event.ph === "C") expect(Object.values(event.args!).every((value) => typeof value === "number")).toBe(true);
  }
  const metadata = traceEvents.filter((event) => event.ph === "M").map((event) => event.name);
  expect(new Set(metadata)).toEqual(new Set(["process_name", "thread_name", "thread_sort_index"]));
});

test("spans of a track lie beside or within each other, never across", () => {
  const { traceEvents } = profileTrace(sampleProfile(), roofline);
  for (const tid of Object.values(tids(traceEvents))) {
    const track = spans(traceEvents, tid)
      // To the last bit, as viewers add them.
      .map(({ ts, dur }) => ({ from: ts!, to: ts! + dur! }))
      .sort((a, b) => a.from - b.from || b.to - a.to);
    const open: { to: number }[] = [];
    for (const span of track) {
      while (open.length > 0 && open.at(-1)!.to <= span.from) open.pop();
      if (open.length > 0) expect(span.to).toBeLessThanOrEqual(open.at(-1)!.to);
      open.push(span);
    }
  }
});

test("times are microseconds, and dispatches that overlap on the GPU are drawn one after another", () => {
  const profile = sampleProfile();
  const { traceEvents } = profileTrace(profile, roofline);
  const gpu = spans(traceEvents, tids(traceEvents).gpu);
  expect(gpu).toHaveLength(2 * 3);
  // The first profiled replay begins its dispatches at 50, 60 and 64 us; the second ends at 65.
  expect(gpu.slice(0, 3).map(({ ts, dur }) => [ts, dur])).toEqual([
    [50, 8],
    [60, 5],
    [65, 19],
  ]);
});

test("spans without length are left out or given a nanosecond", () => {
  const sample = sampleProfile();
  const profiled = sample.replays.profiled.map((times) => ({
    ...times,
    encode: times.prepare,
    durations: [0, 0, 20_000],
  }));
  const { traceEvents } = profileTrace({ ...sample, replays: { ...sample.replays, profiled } });
  const { host, gpu } = tids(traceEvents);
  expect(spans(traceEvents, host).filter(({ name }) => name === "prepare")).toHaveLength(3);
  expect(spans(traceEvents, gpu)).toHaveLength(6);
  expect(spans(traceEvents, gpu)[0]!.dur).toBeCloseTo(0.001, 4);
});

test("spans carry what is known of their dispatch", () => {
  const { traceEvents, otherData } = profileTrace(sampleProfile(), roofline);
  const [first] = spans(traceEvents, tids(traceEvents).gpu);
  expect(first).toMatchObject({
    name: "net/down/conv",
    cat: "forward",
    args: {
      layer: "net/down/conv",
      phase: "forward",
      kernel: "conv3d",
      variant: "conv3d<KERNEL=3>",
      workgroups: "4 x 1 x 1",
      flops: 16_000,
      bytes: 4_000,
      gflops: 2,
      gbPerSecond: 0.5,
      tensors: { x: "x [1, 2, 2, 2, 3]", y: "y [1, 2, 2, 2, 4]" },
    },
  });
  // 16,000 FLOPs at 10 GFLOP/s take 1.6 us, 4,000 bytes at 5 GB/s 0.8 us; 8 us were taken.
  expect(first!.args!.rooflineShare).toBeCloseTo(0.2, 12);
  expect(otherData.clock).toMatch(/within 40\.0 us/);
});

test("the counter follows the living bytes and ends at nothing", () => {
  const { traceEvents } = profileTrace(sampleProfile(), roofline);
  const counters = traceEvents.filter((event) => event.ph === "C").map((event) => event.args!.bytes);
  expect(counters).toEqual([512, 1024, 256, 0, 512, 1024, 256, 0]);
});

test("without timestamps the track says so", () => {
  const { traceEvents, otherData } = profileTrace({ ...sampleProfile(), timing: "wall" });
  const names = traceEvents.filter((event) => event.name === "thread_name").map((event) => event.args!.name);
  expect(names).toContainEqual(expect.stringMatching(/wall time/));
  expect(otherData.clock).toMatch(/no timestamps/);
});

test("groups are sums, sorted by time, with the roofline of their parts", () => {
  const { dispatches } = sampleProfile();
  const layers = profileGroups(dispatches, "layer", roofline);
  expect(layers.map(({ name, count, ns }) => [name, count, ns])).toEqual([
    ["net/up/conv", 1, 20_000],
    ["net/down/conv", 2, 13_000],
  ]);
  expect(layers[0]!.share).toBeCloseTo(20 / 33, 12);
  // 1.6 us and 1 us (5,000 bytes at 5 GB/s) of 13.
  expect(layers[1]!.roofline).toBeCloseTo(2.6 / 13, 12);
  expect(profileGroups(dispatches, "phase").map(({ name }) => name)).toEqual(["backward", "forward"]);
  expect(profileGroups(dispatches, "phase")[0]!.roofline).toBeUndefined();
  expect(profileGroups([], "phase", roofline)).toEqual([]);
});
