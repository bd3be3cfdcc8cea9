// A record that is small enough to keep, with aggregates in place of samples.
import { median } from "../src/quantiles.ts";
import { halvesRatio } from "./difference.ts";
import type { BenchRecord, RecordRow, Statistics } from "./record.ts";
import { keptRanks } from "./sampleBounds.ts";

/** The record with one row for each run, its median, in place of samples; one that is condensed stays as it is. */
export function condensed(record: BenchRecord): BenchRecord {
  const runs = new Map<string, RecordRow[]>();
  for (const row of record.benchmarks) runs.set(row.run_name, [...(runs.get(row.run_name) ?? []), row]);
  return {
    ...record,
    benchmarks: [...runs.values()].flatMap((rows) => {
      const samples = rows.filter(({ run_type }) => run_type === "iteration");
      return samples.length > 0 ? [medianRow(samples)] : rows;
    }),
    results: record.results.map(withShortNumbers),
  };
}

function medianRow(samples: readonly RecordRow[]): RecordRow {
  const { repetition_index: _, ...first } = samples[0]!;
  const real = samples.map(({ real_time }) => real_time);
  const cpu = samples.map(({ cpu_time }) => cpu_time);
  const same = real.every((time, i) => time === cpu[i]);
  return {
    ...first,
    name: `${first.run_name}_median`,
    run_type: "aggregate",
    aggregate_name: "median",
    aggregate_unit: "time",
    repetitions: samples.length,
    iterations: samples.length,
    real_time: short(median(real)),
    cpu_time: short(median(cpu)),
    real_statistics: statistics(real),
    ...(!same && { cpu_statistics: statistics(cpu) }),
  };
}

function statistics(samples: readonly number[]): Statistics {
  const count = samples.length;
  const sorted = [...samples].sort((a, b) => a - b);
  const mean = samples.reduce((sum, time) => sum + time, 0) / count;
  const squares = samples.reduce((sum, time) => sum + (time - mean) ** 2, 0);
  const stddev = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  return withShortNumbers({
    mean,
    stddev,
    cv: stddev / mean,
    halves: halvesRatio(samples),
    ordered: keptRanks(count).map((rank) => short(sorted[rank]!)),
  });
}

/** Six digits, which is more than times are good for. Whole numbers stay as they are. */
const short = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(6)));

function withShortNumbers<T extends object>(fields: T): T {
  const shortened = Object.entries(fields).map(([key, value]: [string, unknown]) => [
    key,
    typeof value === "number" ? short(value) : value,
  ]);
  return Object.fromEntries(shortened) as T;
}
