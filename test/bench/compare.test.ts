import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { readBenchmarkFile } from "../../bench/benchmarkFile.ts";
import { compareCommand } from "../../src/cli/benchCompare.ts";
import { type Comparison, compareRecords } from "../../bench/comparison.ts";
import { condensed } from "../../bench/condense.ts";
import { VoxtwirlError } from "../../src/errors.ts";
import { Random } from "../../src/random.ts";
import { temporaryFolder } from "../temporary.ts";
import { sampleRecord, times } from "./sampleRecords.ts";

const folder = temporaryFolder("compare");

let random = new Random(1);
beforeEach(() => {
  random = new Random(1);
});

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** One case with these times before and after. */
function verdictOf(before: readonly number[], after: readonly number[]) {
  const [a, b] = [before, after].map((samples, i) =>
    readBenchmarkFile(write(`pair-${i}.json`, sampleRecord([{ case: "conv3d/A", times: samples }]))),
  );
  return compareRecords(a!, b!, { time: "gpu", threshold: 5 }).cases[0]!;
}

/** What the comparison of these is refused with. */
function failure(...args: string[]): VoxtwirlError {
  try {
    compareCommand().parse(args, { from: "user" });
  } catch (error) {
    return error as VoxtwirlError;
  }
  throw new Error("nothing was refused");
}

function run(...args: string[]): { code: typeof process.exitCode; text: string } {
  let text = "";
  const before = process.exitCode;
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => ((text += String(chunk)), true));
  try {
    compareCommand().parse(args, { from: "user" });
    return { code: process.exitCode, text };
  } finally {
    spy.mockRestore();
    process.exitCode = before;
  }
}

test("two samples of one distribution: no change, but for about one in a hundred", () => {
  const changed = Array.from({ length: 200 }, () => verdictOf(times(random, 5, 12), times(random, 5, 12)).verdict);
  expect(changed.filter((verdict) => verdict === "slower" || verdict === "faster").length).toBeLessThanOrEqual(5);
});

test("a planted slow-down of 10 % is found each time, and a speed-up is one", () => {
  for (let i = 0; i < 30; i++) {
    const { verdict, ratio, low, high } = verdictOf(times(random, 5), times(random, 5.5));
    expect(verdict).toBe("slower");
    expect(low).toBeLessThan(ratio);
    expect(high).toBeGreaterThan(ratio);
    expect(ratio).toBeGreaterThan(1.05);
  }
  expect(verdictOf(times(random, 5), times(random, 4)).verdict).toBe("faster");
});

test("an outlier does not matter", () => {
  const [a, b] = [times(random, 5), times(random, 5)];
  const without = verdictOf(a, b);
  const withOutlier = verdictOf(a, [...b.slice(0, -1), 5000]);
  expect([without.verdict, withOutlier.verdict]).toEqual(["none", "none"]);
  expect(withOutlier.ratio).toBeCloseTo(without.ratio, 1);
});

test("a drift during one run is not taken for a change, unless the change is much larger", () => {
  const drifting = times(random, 1, 20, 0.01).map((time, i) => time * (1 + (0.4 * i) / 19));
  const steady = times(random, 1, 20, 0.01);
  expect(verdictOf(steady, drifting).verdict).toBe("drift");
  expect(verdictOf(drifting, steady).verdict).toBe("drift");
  expect(
    verdictOf(
      steady,
      drifting.map((time) => 3 * time),
    ).verdict,
  ).toBe("slower");
});

test("two modes in the same mixture are no change", () => {
  const modes = () => Array.from({ length: 24 }, (_, i) => (i % 2 ? 1 : 1.5) * Math.exp(0.02 * random.normal()));
  for (let i = 0; i < 20; i++) expect(verdictOf(modes(), modes()).verdict).toBe("none");
});

test("three samples a side are too few whatever they are", () => {
  expect(verdictOf([1, 1, 1], [9, 9, 9]).verdict).toBe("few");
});

test("engines are compared apart; what is in one record only is listed", () => {
  const a = sampleRecord([
    { case: "conv3d/A", times: times(random, 5) },
    { case: "conv3d/A", engine: "tfjs", times: times(random, 90) },
    { case: "conv3d/B", times: times(random, 7) },
  ]);
  const b = sampleRecord([
    { case: "conv3d/A", times: times(random, 6) },
    { case: "conv3d/A", engine: "tfjs", times: times(random, 90) },
    { case: "noise", times: times(random, 7) },
  ]);
  const { code, text } = run(write("a.json", a), write("b.json", b));
  expect(code).toBe(0);
  expect(text).toMatch(/conv3d\/A +gpu +4\.\d+ ms +5\.\d+ ms +\+\d+\.\d % .*SLOWER/);
  expect(text).toMatch(/conv3d\/A\/engine:tfjs +wall .*no change/);
  expect(text).toContain("only in A:\n  conv3d/B");
  expect(text).toContain("only in B:\n  noise");
  expect(text).toContain("1 slower, 1 no change.");
  expect(text).not.toContain("warning");
});

test("--fail-on-regression: 1 for what is slower beyond noise and threshold only", () => {
  const paths = [5, 5.6].map((centre, i) =>
    write(`regression-${i}.json`, sampleRecord([{ case: "conv3d/A", times: times(random, centre) }])),
  );
  expect(run(...paths).code).toBe(0);
  const failed = run(...paths, "--fail-on-regression");
  expect(failed.code).toBe(1);
  expect(failed.text).toContain("Slower by more than 5 %: conv3d/A.");
  expect(run(...paths, "--fail-on-regression", "--threshold", "25").code).toBe(0);
  expect(run(...paths.toReversed(), "--fail-on-regression").code).toBe(0);
});

test("--json has the same as data", () => {
  const path = write("same.json", sampleRecord([{ case: "conv3d/A", times: times(random, 5) }]));
  const data = JSON.parse(run(path, path, "--json").text) as Comparison;
  expect(data.cases).toHaveLength(1);
  expect(data.cases[0]).toMatchObject({ name: "conv3d/A", time: "gpu", ratio: 1, p: 1, verdict: "none" });
  expect(JSON.parse(run(path, path, "--json", "--time", "wall").text)).toMatchObject({ cases: [{ time: "wall" }] });
});

test("other adapters, drivers, processors, a busy machine and unstable samples are warned of", () => {
  const cases = [{ case: "conv3d/A", times: Array.from({ length: 20 }, (_, i) => (i < 10 ? 1 : 1.2)) }];
  const adapter = { name: "NVIDIA H100", driver: "580.1", software: false, features: [] };
  const a = write("here.json", sampleRecord(cases));
  const b = write("there.json", sampleRecord(cases, { adapter, cpu: "Another", load_avg: [3.2, 1, 1] }));
  const { warnings } = JSON.parse(run(a, b, "--json").text) as Comparison;
  expect(warnings).toEqual([
    "the adapters differ: llvmpipe and NVIDIA H100",
    "the drivers differ: Mesa 25.0.7 and 580.1",
    "the processors differ: A processor and Another",
    `the machine had other work when ${b} began (load 3.2)`,
    "two halves of the samples of A differ by more than 5 %: conv3d/A",
    "two halves of the samples of B differ by more than 5 %: conv3d/A",
  ]);
});

test("any Google Benchmark file: units, aggregates left out, no run_type, errors, one sample", () => {
  const google = (scale: number, unit: string) => ({
    context: { date: "2026-01-01T00:00:00+00:00", host_name: "here", num_cpus: 8, mhz_per_cpu: 3000 },
    benchmarks: [
      ...Array.from({ length: 8 }, (_, i) => ({
        ...{ name: "BM_Copy/8", run_name: "BM_Copy/8", run_type: "iteration", iterations: 10, threads: 1 },
        ...{ real_time: scale * (10 + 0.1 * i), cpu_time: scale * 3, time_unit: unit },
      })),
      { name: "BM_Copy/8_mean", run_name: "BM_Copy/8", run_type: "aggregate", real_time: 1e9, time_unit: unit },
      { name: "BM_Old", iterations: 1, real_time: 5, cpu_time: 5 },
      { name: "BM_Broken", run_type: "iteration", error_occurred: true, error_message: "no such file" },
    ],
  });
  const a = write("google-a.json", google(1000, "us"));
  const data = (b: string) => JSON.parse(run(a, b, "--json").text) as Comparison;
  const seconds = data(write("google-b.json", google(0.002, "s")));
  expect(seconds.cases[0]).toMatchObject({ name: "BM_Copy/8", time: "wall", verdict: "slower" });
  expect(seconds.cases[0]!.a.median).toBeCloseTo(10.35, 10);
  expect(seconds.cases[0]!.ratio).toBeCloseTo(0.002 * 1000, 10);
  expect(seconds.cases[1]).toMatchObject({ name: "BM_Old", verdict: "few" });
  expect(seconds.cases[1]!.a.median).toBeCloseTo(5e-6, 12);
  expect(seconds.failed[0]).toBe(`BM_Broken in ${a}: no such file`);
  const nano = data(write("google-c.json", google(1e6, "ns")));
  expect(nano.cases[0]!.ratio).toBeCloseTo(1, 10);
  expect(data(write("google-d.json", google(1, "ms"))).cases[0]!.ratio).toBeCloseTo(1, 10);
});

test("condensed records: what their samples say, or that too little was kept; and against full ones", () => {
  // 200 times from 1 to 1.1, without a drift.
  const even = Array.from({ length: 200 }, (_, i) => 1 + ((7 * i) % 200) / 2000);
  const cases = (slow: number) => [
    { case: "few", times: times(random, 5 * slow, 12) },
    { case: "many", times: times(random, 5 * slow, 60) },
    { case: "slightly", times: even.map((time) => time * (1 + 0.07 * (slow - 1))) },
    { case: "drifting", times: times(random, 5, 60).map((time, i) => time * (1 + (slow - 1) * (i / 60))) },
  ];
  const records = [sampleRecord(cases(1)), sampleRecord(cases(1.2))];
  const full = records.map((record, i) => write(`full-${i}.json`, record));
  const small = records.map((record, i) => write(`small-${i}.json`, condensed(record)));
  const data = (a: string, b: string) => JSON.parse(run(a, b, "--json").text) as Comparison;
  const exact = data(full[0]!, full[1]!);
  expect(exact.cases.map(({ verdict }) => verdict)).toEqual(["slower", "slower", "slower", "drift"]);
  for (const [a, b] of [small, [full[0], small[1]], [small[0], full[1]]]) {
    const { cases: found, warnings } = data(a!, b!);
    expect(found.map(({ verdict }) => verdict)).toEqual(["slower", "slower", "open", "drift"]);
    expect(warnings).toEqual(exact.warnings);
    found.forEach((one, i) => {
      expect(one.ratio).toBeCloseTo(exact.cases[i]!.ratio, 4);
      expect(one.p).toBeGreaterThanOrEqual(exact.cases[i]!.p);
    });
    // All of twelve samples are kept.
    expect(found[0]!.p).toBe(exact.cases[0]!.p);
  }
  const { text } = run(small[0]!, small[1]!);
  expect(text).toMatch(/slightly .* not enough kept: no telling/);
  expect(text).toMatch(/^Samples of 3 cases were not kept: .* whatever they were\.$/m);
  expect(run(full[0]!, full[1]!).text).not.toContain("not kept");
  expect(run(small[0]!, small[0]!).text).toContain("4 no change.");
});

test("Google Benchmark's --benchmark_report_aggregates_only: large changes are told, the others left open", () => {
  const google = (factor: number, repetitions = 10) => ({
    context: { date: "2026-01-01T00:00:00+00:00", num_cpus: 8 },
    benchmarks: Object.entries({ mean: 10.2, median: 10, stddev: 0.4, cv: 0.04 }).map(([name, value]) => ({
      ...{ name: `BM_Copy/8_${name}`, run_name: "BM_Copy/8", run_type: "aggregate", aggregate_name: name },
      ...{ repetitions, iterations: repetitions, threads: 1, time_unit: name === "cv" ? undefined : "us" },
      ...{ real_time: value * factor, cpu_time: value },
    })),
  });
  const a = write("aggregates-a.json", google(1));
  const compared = (b: unknown) => JSON.parse(run(a, write("aggregates-b.json", b), "--json").text) as Comparison;
  const large = compared(google(2)).cases[0]!;
  expect(large).toMatchObject({ verdict: "slower", ratio: 2, a: { median: 0.01, samples: 10, complete: false } });
  expect(large.a).not.toHaveProperty("halves");
  expect(compared(google(1.05)).cases[0]!.verdict).toBe("open");
  expect(compared(google(1.05, 2)).cases[0]!.verdict).toBe("few");
  // Against samples that lie far from all that the aggregates allow.
  const samples = Array.from({ length: 10 }, (_, i) => ({
    name: "BM_Copy/8",
    real_time: 20 + 0.1 * i,
    time_unit: "us",
  }));
  expect(compared({ benchmarks: samples }).cases[0]!.verdict).toBe("slower");
  expect(run(a, a).text).toMatch(/^Samples of 1 case were not kept: .*, and drifts may be hidden\.$/m);
  const { benchmarks, context } = google(2);
  const only = (...names: string[]) => ({
    context,
    benchmarks: benchmarks.filter(({ aggregate_name: name }) => names.includes(name)),
  });
  expect(compared(only("median")).cases[0]).toMatchObject({ verdict: "open", high: null });
  expect(run(a, write("aggregates-b.json", only("median"))).text).toMatch(/\+100\.0 % +not enough kept/);
  expect(compared(only("mean"))).toMatchObject({
    ...{ cases: [], onlyInA: ["BM_Copy/8"], failed: [expect.stringContaining("neither samples nor a median")] },
  });
});

test("files that are no records say so", () => {
  const good = write("good.json", sampleRecord([{ case: "conv3d/A", times: [1, 2] }]));
  const { context, benchmarks, refusals, results } = sampleRecord([{ case: "conv3d/A", times: [1, 2] }]);
  const median = { name: "x", run_type: "aggregate", aggregate_name: "median", repetitions: 2, real_time: 1 };
  const bad: [string, unknown, RegExp][] = [
    ["text.json", "{", /is not JSON/],
    ["list.json", [], /no list "benchmarks"/],
    ["empty.json", { benchmarks: [] }, /no samples/],
    ["unit.json", { benchmarks: [{ name: "x", real_time: 1, time_unit: "min" }] }, /time_unit is "min"/],
    ["count.json", { benchmarks: [{ ...median, repetitions: 0 }] }, /\(x\): repetitions is 0/],
    ["kept.json", { benchmarks: [{ ...median, real_statistics: { ordered: [1], halves: 1 } }] }, /times of 2 samples/],
    ["order.json", { benchmarks: [{ ...median, real_statistics: { ordered: [2, 1], halves: 1 } }] }, /sorted times/],
    ["halves.json", { benchmarks: [{ ...median, real_statistics: { ordered: [1, 2] } }] }, /halves is not a ratio/],
    [
      "null.json",
      { benchmarks: [{ name: "x", real_time: null, time_unit: "ms" }] },
      /benchmarks\[0\] \(x\): real_time is not/,
    ],
    ["zero.json", { benchmarks: [{ name: "conv3d/A", real_time: 0, time_unit: "ms" }] }, /median wall time .* is zero/],
    [
      "result.json",
      { context, benchmarks, refusals, results: [{ ...results[0], wallMs: null }] },
      /results\[0\].wallMs/,
    ],
    ["context.json", { context: {}, benchmarks, refusals, results }, /context.date/],
  ];
  for (const [name, content, message] of bad) {
    const error = failure(good, write(name, content));
    expect(error, name).toBeInstanceOf(VoxtwirlError);
    expect(error.code).toBe("bad-file");
    expect(error.message).toMatch(message);
    expect(error.message).toContain(name);
  }
  expect(failure(good, join(folder, "none.json")).code).toBe("io");
  expect(failure(good).code).toBe("bad-option");
  expect(failure(good, good, good).code).toBe("bad-option");
});
