// Reads records of benchmarks: ours, and any JSON that Google Benchmark or a program like it has written.
import { readFileSync } from "node:fs";
import { VoxtwirlError } from "../src/errors.ts";
import { badRecord, type Fields, isObject } from "./badRecord.ts";
import type { BenchRecord } from "./record.ts";
import { readRuns, type Runs } from "./runTimes.ts";

/** What any such file has. */
export interface BenchmarkFile extends Runs {
  readonly path: string;
  readonly context: Fields;
  /** The whole record where the file is one of ours. */
  readonly record: BenchRecord | undefined;
}

/** @throws VoxtwirlError "io" or "bad-file" naming the file and what is wrong with it */
export function readBenchmarkFile(path: string): BenchmarkFile {
  const value = readJson(path);
  if (!isObject(value) || !Array.isArray(value.benchmarks)) throw badRecord(path, `it has no list "benchmarks"`);
  const runs = readRuns(path, value.benchmarks);
  const record = Array.isArray(value.results) ? checkedRecord(path, value) : undefined;
  return { path, context: isObject(value.context) ? value.context : {}, ...runs, record };
}

/** @throws VoxtwirlError also where the file is not a record of `voxtwirl bench` */
export function readRecord(path: string): BenchRecord {
  const value = readJson(path);
  if (!isObject(value)) throw badRecord(path, "it is not an object");
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
    throw badRecord(path, `it is not JSON (${(error as Error).message})`);
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

function checkedRecord(path: string, value: Fields): BenchRecord {
  const { context } = value;
  checkFields(path, "context", context, CONTEXT);
  const { adapter, roofline, peers, load_avg: load, date } = context as Record<string, unknown>;
  checkFields(path, "context.adapter", adapter, { name: "string", driver: "string", software: "boolean" });
  checkFields(path, "context.roofline", roofline, { gbPerSecond: "number", gflops: "number" });
  if (!Number.isFinite(Date.parse(String(date)))) {
    throw badRecord(path, `context.date ${JSON.stringify(date)} is no date`);
  }
  const lists: [string, unknown, Readonly<Record<string, string>>][] = [
    ["results", value.results, RESULT],
    ["refusals", value.refusals, REFUSAL],
    ["context.peers", peers, { name: "string", version: "string" }],
  ];
  for (const [name, list, fields] of lists) {
    if (!Array.isArray(list)) throw badRecord(path, `it has no list ${name}`);
    list.forEach((item, i) => checkFields(path, `${name}[${i}]`, item, fields));
  }
  if (!Array.isArray(load)) throw badRecord(path, "it has no list context.load_avg");
  return value as unknown as BenchRecord;
}

function checkFields(path: string, name: string, item: unknown, fields: Readonly<Record<string, string>>): void {
  if (!isObject(item)) throw badRecord(path, `${name} is missing or not an object`);
  for (const [key, kind] of Object.entries(fields)) {
    // JSON has no NaN: a number that was not finite comes back as null.
    if (typeof item[key] !== kind) {
      throw badRecord(path, `${name}.${key} is ${JSON.stringify(item[key])}, not a ${kind}`);
    }
  }
}
