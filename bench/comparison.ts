// Two benchmark records, case by case.
import { VoxtwirlError } from "../src/errors.ts";
import type { BenchmarkFile } from "./benchmarkFile.ts";
import { difference, LEVEL } from "./difference.ts";
import { peerNames } from "./protocol.ts";
import type { Times } from "./runTimes.ts";
import { AGREEMENT } from "./statistics.ts";

/**
 * What two sets of samples say:
 *
 * - slower, faster: the second by more than the scatter
 * - none: no more than the scatter
 * - drift: one of them moved while it was taken, by so much that the change may be a part of that
 * - few: not even samples without any overlap would show a change
 * - open: samples were not kept, and what was leaves room for a change as well as for none
 */
export type Verdict = "slower" | "faster" | "none" | "drift" | "few" | "open";

/** One side of a compared case. */
interface Side {
  /** Milliseconds. */
  readonly median: number;
  readonly samples: number;
  /** Median of the second half of the samples over that of the first; left out where only aggregates are known. */
  readonly halves?: number;
  /** Whether the file tells all samples, and not only aggregates of them. */
  readonly complete: boolean;
}

export interface ComparedCase {
  /** As in the records: "conv3d/A", "conv3d/A/engine:tfjs". */
  readonly name: string;
  /** Which time was compared. */
  readonly time: "gpu" | "wall";
  readonly a: Side;
  readonly b: Side;
  /** Median of B over median of A with its 99 % bootstrap interval: the widest one where samples are missing. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** Of the Mann-Whitney test: the largest one where samples are missing. */
  readonly p: number;
  readonly verdict: Verdict;
}

export interface Comparison {
  /** What each file is, in a line. */
  readonly a: string;
  readonly b: string;
  readonly warnings: readonly string[];
  readonly cases: readonly ComparedCase[];
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
  /** Benchmarks that ended with an error in one of the files, with its message. */
  readonly failed: readonly string[];
  readonly level: number;
  /** Percent. */
  readonly threshold: number;
  /** Names of what is slower by more than the threshold. */
  readonly regressions: readonly string[];
}

export interface CompareOptions {
  readonly time: "gpu" | "wall";
  /** Percent. */
  readonly threshold: number;
}

/** @throws VoxtwirlError "bad-file" when a median is zero, so that there is no ratio */
export function compareRecords(a: BenchmarkFile, b: BenchmarkFile, options: CompareOptions): Comparison {
  const names = [...a.runs.keys()].filter((name) => b.runs.has(name));
  const cases = names.map((name) => compareCase(a, b, name, options.time));
  const failed = [a, b].flatMap(({ path, failed: list }) =>
    [...list].map(([name, why]) => `${name} in ${path}: ${why}`),
  );
  const slower = cases.filter(({ verdict, ratio }) => verdict === "slower" && ratio > 1 + options.threshold / 100);
  return {
    a: summary(a),
    b: summary(b),
    warnings: [...contextWarnings(a, b), ...driftWarnings(cases)],
    cases,
    onlyInA: [...a.runs.keys()].filter((name) => !b.runs.has(name)),
    onlyInB: [...b.runs.keys()].filter((name) => !a.runs.has(name)),
    failed,
    level: LEVEL,
    threshold: options.threshold,
    regressions: slower.map(({ name }) => name),
  };
}

function compareCase(a: BenchmarkFile, b: BenchmarkFile, name: string, wanted: "gpu" | "wall"): ComparedCase {
  const time = wanted === "wall" ? "wall" : hasGpuTime(a, name) && hasGpuTime(b, name) ? "gpu" : "wall";
  const timesOf = (file: BenchmarkFile): Times => {
    const run = file.runs.get(name)!;
    const times = time === "gpu" ? run.cpu : run.real;
    if (times.median > 0) return times;
    const fix = time === "gpu" ? "Compare with --time wall." : "Measure it with more work in one sample.";
    throw new VoxtwirlError("bad-file", `The median ${time} time of ${name} in ${file.path} is zero.`, fix);
  };
  const [before, after] = [timesOf(a), timesOf(b)];
  const ratio = after.median / before.median;
  const { low, high, p, smallestP, differs, mayDiffer } = difference(before.bounds, after.bounds);
  const drift = Math.max(...[before, after].map(({ halves = 1 }) => Math.abs(Math.log(halves))));
  // A steady drift moves the median by as much as its halves are apart, and has moved the last samples twice as far.
  const hidden = drift > Math.log(1 + AGREEMENT) && Math.abs(Math.log(ratio)) < 2 * drift;
  const told = hidden ? "drift" : ratio > 1 ? "slower" : "faster";
  const untold = mayDiffer ? "open" : "none";
  const verdict = smallestP >= LEVEL ? "few" : differs ? told : untold;
  return { name, time, a: side(before), b: side(after), ratio, low, high, p, verdict };
}

function side({ count, median, halves, complete }: Times): Side {
  return { median, samples: count, ...(halves !== undefined && { halves }), complete };
}

/** Our records say for which case and engine `cpu_time` is a GPU's time; in others it is the processor's. */
function hasGpuTime({ record }: BenchmarkFile, name: string): boolean {
  const [, ofCase, engine] = /^(.*?)(?:\/engine:(.+))?$/.exec(name)!;
  const ours = (other: string) => !(peerNames as readonly string[]).includes(other);
  const result = record?.results.find((r) => r.case === ofCase && (engine ? r.engine === engine : ours(r.engine)));
  return typeof result?.gpuMs === "number";
}

function summary({ record, context }: BenchmarkFile): string {
  const host = typeof context.host_name === "string" ? ` on ${context.host_name}` : "";
  if (!record) return `${typeof context.date === "string" ? context.date : "no date"}${host}`;
  const { adapter, date, commit, dirty } = record.context;
  return `${adapter.name}, ${date}, commit ${commit.slice(0, 10)}${dirty ? " with changes" : ""}`;
}

/** Fields of the context that make times differ whatever the code does. */
function contextWarnings(a: BenchmarkFile, b: BenchmarkFile): string[] {
  const get = (file: BenchmarkFile, path: string): unknown =>
    path
      .split(".")
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], file.context);
  const fields: Readonly<Record<string, string>> = {
    "adapter.name": "adapters",
    "adapter.driver": "drivers",
    cpu: "processors",
    num_cpus: "numbers of cores",
    mhz_per_cpu: "clock rates",
    host_name: "machines",
    node: "versions of Node",
    dawn: "versions of Dawn",
    library_build_type: "builds of the benchmark library",
  };
  const differing = Object.entries(fields).flatMap(([path, words]) => {
    const [left, right] = [get(a, path), get(b, path)];
    return left === right ? [] : [`the ${words} differ: ${show(left)} and ${show(right)}`];
  });
  const load = [a, b].flatMap((file) => {
    const [first] = Array.isArray(file.context.load_avg) ? (file.context.load_avg as unknown[]) : [];
    const busy = typeof first === "number" && first > 0.5;
    return busy ? [`the machine had other work when ${file.path} began (load ${first.toFixed(1)})`] : [];
  });
  return [...differing, ...load];
}

const show = (value: unknown): string =>
  value === undefined ? "not told" : typeof value === "string" ? value : JSON.stringify(value);

function driftWarnings(cases: readonly ComparedCase[]): string[] {
  const moved = (side: "a" | "b") =>
    cases.filter((c) => Math.abs(Math.log(c[side].halves ?? 1)) > Math.log(1 + AGREEMENT));
  return (["a", "b"] as const).flatMap((side) => {
    const names = moved(side).map(({ name }) => name);
    if (names.length === 0) return [];
    const shown = names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
    return [`two halves of the samples of ${side.toUpperCase()} differ by more than 5 %: ${shown}`];
  });
}
