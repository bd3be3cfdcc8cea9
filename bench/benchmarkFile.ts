// Reads records of benchmarks: ours, and any JSON that Google Benchmark or a program like it has written.
import { readFileSync } from "node:fs";
import { VoxtwirlError } from "../src/errors.ts";
import type { BenchRecord } from "./record.ts";

/** Times of one benchmark, in milliseconds and in the order taken. */
export interface Samples {
  readonly name: string;
  readonly real: readonly number[];
  readonly cpu: readonly number[];
}

/** What any such file has. */
export interface BenchmarkFile {
  readonly path: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly samples: ReadonlyMap<string, Samples>;
  /** Names with the message of the error that ended them. */
  readonly failed: ReadonlyMap<string, string>;
  /** The whole record where the file is one of ours. */
  readonly record: BenchRecord | undefined;
}

const MILLISECONDS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1e3 };

/** @throws VoxtwirlError "io" or "bad-file" naming the file and what is wrong with it */
export function readBenchmarkFile(path: string): BenchmarkFile {
  const value = readJson(path);
  if (!isObject(value) || !Array.isArray(value.benchmarks)) throw broken(path, `it has no list "benchmarks"`);
  const samples = new Map<string, { name: string; real: number[]; cpu: number[] }>();
  const failed = new Map<string, string>();
  value.benchmarks.forEach((row: unknown, i) => {
    if (!isObject(row)) throw broken(path, `benchmarks[${i}] is not an object`);
    // Files older than run_type have the aggregates marked by their names only, and one row for each sample.
    if ((row.run_type ?? "iteration") !== "iteration") return;
    const name = row.run_name ?? row.name;
    if (typeof name !== "string") throw broken(path, `benchmarks[${i}] has no name`);
    if (row.error_occurred === true) {
      failed.set(name, typeof row.error_message === "string" ? row.error_message : "no message");
      return;
    }
    const unit = row.time_unit ?? "ns";
    const factor = typeof unit === "string" ? MILLISECONDS[unit] : undefined;
    if (factor === undefined) throw broken(path, `benchmarks[${i}] has the time_unit ${JSON.stringify(row.time_unit)}`);
    const time = (key: string): number => {
      const number = row[key];
      if (typeof number === "number" && Number.isFinite(number) && number >= 0) return number * factor;
      throw broken(path, `${key} of benchmarks[${i}] (${name}) is not a time`);
    };
    const entry = samples.get(name) ?? { name, real: [], cpu: [] };
    entry.real.push(time("real_time"));
    entry.cpu.push(row.cpu_time === undefined ? time("real_time") : time("cpu_time"));
    samples.set(name, entry);
  });
  if (samples.size === 0 && failed.size === 0) {
    throw broken(path, `"benchmarks" has no row of run_type "iteration", so there are no samples`);
  }
  const record = Array.isArray(value.results) ? checkedRecord(path, value) : undefined;
  return { path, context: isObject(value.context) ? value.context : {}, samples, failed, record };
}

/** @throws VoxtwirlError also where the file is not a record of `voxtwirl bench` */
export function readRecord(path: string): BenchRecord {
  const value = readJson(path);
  if (!isObject(value)) throw broken(path, "it is not an object");
  return checkedRecord(path, value);
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error);
    throw new VoxtwirlError("io", `${path} cannot be read: ${why}.`, "Name a file that `voxtwirl bench --json` wrote.");
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw broken(path, `it is not JSON (${(error as Error).message})`);
  }
}

/** The fields that are drawn, by their kind. */
const CONTEXT = { date: "string", commit: "string", cpu: "string", num_cpus: "number" } as const;
const RESULT = {
  ...{ case: "string", suite: "string", engine: "string", shape: "string" },
  ...{ flops: "number", bytes: "number", wallMs: "number", p10Ms: "number", p90Ms: "number", samples: "number" },
  ...{ stable: "boolean", gflops: "number", gbPerSecond: "number", firstMs: "number" },
} as const;
const REFUSAL = { case: "string", engine: "string", why: "string", message: "string" } as const;

function checkedRecord(path: string, value: Readonly<Record<string, unknown>>): BenchRecord {
  const { context } = value;
  checkFields(path, "context", context, CONTEXT);
  const { adapter, roofline, peers, load_avg: load, date } = context as Record<string, unknown>;
  checkFields(path, "context.adapter", adapter, { name: "string", driver: "string", software: "boolean" });
  checkFields(path, "context.roofline", roofline, { gbPerSecond: "number", gflops: "number" });
  if (!Number.isFinite(Date.parse(String(date)))) throw broken(path, `context.date ${JSON.stringify(date)} is no date`);
  const lists: [string, unknown, Readonly<Record<string, string>>][] = [
    ["results", value.results, RESULT],
    ["refusals", value.refusals, REFUSAL],
    ["context.peers", peers, { name: "string", version: "string" }],
  ];
  for (const [name, list, fields] of lists) {
    if (!Array.isArray(list)) throw broken(path, `it has no list ${name}`);
    list.forEach((item, i) => checkFields(path, `${name}[${i}]`, item, fields));
  }
  if (!Array.isArray(load)) throw broken(path, "it has no list context.load_avg");
  return value as unknown as BenchRecord;
}

function checkFields(path: string, name: string, item: unknown, fields: Readonly<Record<string, string>>): void {
  if (!isObject(item)) throw broken(path, `${name} is missing or not an object`);
  for (const [key, kind] of Object.entries(fields)) {
    // JSON has no NaN: a number that was not finite comes back as null.
    if (typeof item[key] !== kind) throw broken(path, `${name}.${key} is ${JSON.stringify(item[key])}, not a ${kind}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function broken(path: string, why: string): VoxtwirlError {
  const fix = "Make it anew with `voxtwirl bench --json FILE`, or move it elsewhere.";
  return new VoxtwirlError("bad-file", `${path} is not a benchmark's record: ${why}.`, fix);
}
