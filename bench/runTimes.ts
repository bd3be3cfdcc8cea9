// The times of a record's rows: samples, or what aggregates tell of samples that were not kept.
import { median } from "../src/quantiles.ts";
import { badRecord, type Fields, isObject } from "./badRecord.ts";
import { halvesRatio } from "./difference.ts";
import { boundsOfKept, boundsOfMoments, boundsOfSamples, keptRanks, type SampleBounds } from "./sampleBounds.ts";

/** Times of one run, in milliseconds. */
export interface Times {
  readonly count: number;
  readonly median: number;
  /** Median of the second half of the samples, in the order taken, over that of the first; left out where unknown. */
  readonly halves?: number;
  readonly bounds: SampleBounds;
  /** Whether all samples are known. */
  readonly complete: boolean;
}

export interface RunTimes {
  readonly real: Times;
  readonly cpu: Times;
}

export interface Runs {
  readonly runs: ReadonlyMap<string, RunTimes>;
  /** Names with the message of the error that ended them, or with what else leaves them without times. */
  readonly failed: ReadonlyMap<string, string>;
}

const MILLISECONDS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1e3 };

/**
 * Reads the list "benchmarks" of any file in the shape of Google Benchmark's. Of runs without samples it takes the
 * aggregates.
 *
 * @throws VoxtwirlError "bad-file"
 */
export function readRuns(path: string, rows: readonly unknown[]): Runs {
  const samples = new Map<string, { real: number[]; cpu: number[] }>();
  const aggregates = new Map<string, Map<string, Row>>();
  const failed = new Map<string, string>();
  rows.forEach((fields, i) => {
    if (!isObject(fields)) throw badRecord(path, `benchmarks[${i}] is not an object`);
    const name = fields.run_name ?? fields.name;
    if (typeof name !== "string") throw badRecord(path, `benchmarks[${i}] has no name`);
    const row = new Row(path, `benchmarks[${i}] (${name})`, fields);
    if (fields.error_occurred === true) {
      failed.set(name, typeof fields.error_message === "string" ? fields.error_message : "no message");
    } else if ((fields.run_type ?? "iteration") === "iteration") {
      // Files older than run_type have the aggregates marked by their names only, and one row for each sample.
      const entry = samples.get(name) ?? { real: [], cpu: [] };
      entry.real.push(row.time("real"));
      entry.cpu.push(row.time("cpu"));
      samples.set(name, entry);
    } else {
      const entry = aggregates.get(name) ?? new Map<string, Row>();
      entry.set(String(fields.aggregate_name), row);
      aggregates.set(name, entry);
    }
  });
  const runs = new Map<string, RunTimes>();
  for (const [name, { real, cpu }] of samples) runs.set(name, { real: ofSamples(real), cpu: ofSamples(cpu) });
  for (const [name, entry] of aggregates) {
    if (runs.has(name) || failed.has(name)) continue;
    if (entry.has("median")) runs.set(name, { real: ofAggregates(entry, "real"), cpu: ofAggregates(entry, "cpu") });
    else failed.set(name, "it has neither samples nor a median");
  }
  if (runs.size === 0 && failed.size === 0) {
    throw badRecord(path, `"benchmarks" has no row of run_type "iteration" or "aggregate", so there are no samples`);
  }
  return { runs, failed };
}

function ofSamples(samples: readonly number[]): Times {
  const halves = halvesRatio(samples);
  return { count: samples.length, median: median(samples), halves, bounds: boundsOfSamples(samples), complete: true };
}

function ofAggregates(rows: ReadonlyMap<string, Row>, which: "real" | "cpu"): Times {
  const row = rows.get("median")!;
  const count = row.count();
  const middle = row.time(which);
  const kept = row.statistics(which, count);
  if (!kept) {
    const [mean, stddev] = [rows.get("mean")?.time(which), rows.get("stddev")?.time(which)];
    const moments = mean === undefined || stddev === undefined ? undefined : { mean, stddev };
    return { count, median: middle, bounds: boundsOfMoments(count, middle, moments), complete: count === 1 };
  }
  const { ordered, halves } = kept;
  const complete = ordered.length === count;
  const bounds = complete ? boundsOfSamples(ordered) : boundsOfKept(ordered, count, middle);
  return { count, median: middle, halves, bounds, complete };
}

/** One row of "benchmarks", its times in milliseconds. */
class Row {
  readonly #path: string;
  readonly #what: string;
  readonly #fields: Fields;

  constructor(path: string, what: string, fields: Fields) {
    this.#path = path;
    this.#what = what;
    this.#fields = fields;
  }

  get #factor(): number {
    const unit = this.#fields.time_unit ?? "ns";
    const factor = typeof unit === "string" ? MILLISECONDS[unit] : undefined;
    if (factor === undefined) throw this.#broken(`the time_unit is ${JSON.stringify(unit)}`);
    return factor;
  }

  /** The wall time, or the time of processor or GPU; files without the second have the wall time for it. */
  time(which: "real" | "cpu"): number {
    const key = this.#fields[`${which}_time`] === undefined ? "real_time" : `${which}_time`;
    const number = this.#fields[key];
    if (isTime(number)) return number * this.#factor;
    throw this.#broken(`${key} is not a time`);
  }

  /** How many samples an aggregate is of. */
  count(): number {
    const count = this.#fields.repetitions ?? this.#fields.iterations;
    if (typeof count === "number" && Number.isInteger(count) && count > 0) return count;
    throw this.#broken(`repetitions is ${JSON.stringify(count)}`);
  }

  /** What a condensed record of ours keeps of `count` samples; undefined in other files. */
  statistics(which: "real" | "cpu", count: number): { halves: number; ordered: number[] } | undefined {
    const key = this.#fields[`${which}_statistics`] === undefined ? "real_statistics" : `${which}_statistics`;
    const value = this.#fields[key];
    if (value === undefined) return undefined;
    const { ordered, halves } = isObject(value) ? value : {};
    const sorted = Array.isArray(ordered) && ordered.every((time, i) => isTime(time) && !(time < ordered[i - 1]));
    if (!sorted || ordered.length !== keptRanks(count).length) {
      throw this.#broken(`${key}.ordered does not hold the sorted times of ${count} samples`);
    }
    if (!isTime(halves)) throw this.#broken(`${key}.halves is not a ratio`);
    return { halves, ordered: (ordered as number[]).map((time) => time * this.#factor) };
  }

  #broken(why: string): Error {
    return badRecord(this.#path, `${this.#what}: ${why}`);
  }
}

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
