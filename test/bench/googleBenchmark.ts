import { expect } from "vitest";
import type { BenchRecord, RecordRow } from "../../bench/record.ts";
import { median } from "../../src/quantiles.ts";

/**
 * What Google Benchmark's tools expect of a file: compare.py pairs runs by name and reads times, units and aggregates.
 */
export function expectGoogleBenchmark(record: BenchRecord): void {
  const { context, benchmarks } = JSON.parse(JSON.stringify(record)) as BenchRecord;
  expect(Date.parse(context.date)).not.toBeNaN();
  expect(context.num_cpus).toBeGreaterThan(0);
  expect(context.load_avg).toHaveLength(3);
  expect(context.json_schema_version).toBe(1);
  const runs = new Map<string, typeof benchmarks>();
  for (const row of benchmarks) {
    expect(["iteration", "aggregate"]).toContain(row.run_type);
    expect(row.time_unit).toBe("ms");
    for (const value of [row.real_time, row.cpu_time]) expect(value).toBeGreaterThan(0);
    for (const value of [row.threads, row.iterations, row.repetitions]) {
      expect(Number.isInteger(value) && value > 0).toBe(true);
    }
    runs.set(row.run_name, [...(runs.get(row.run_name) ?? []), row]);
  }
  for (const [run, rows] of runs) {
    const iterations = rows.filter(({ run_type }) => run_type === "iteration");
    const aggregates = rows.filter(({ run_type }) => run_type === "aggregate");
    expect(iterations.map(({ name }) => name)).toEqual(iterations.map(() => run));
    expect(iterations.map(({ repetition_index }) => repetition_index)).toEqual([...iterations.keys()]);
    for (const row of rows) expect(row.repetitions).toBe(iterations.length);
    expect(aggregates.map(({ aggregate_name }) => aggregate_name)).toEqual(["median", "p10", "p90"]);
    for (const { name, aggregate_name, aggregate_unit } of aggregates) {
      expect(name).toBe(`${run}_${aggregate_name}`);
      expect(aggregate_unit).toBe("time");
    }
    expect(aggregates[0]!.real_time).toBe(median(iterations.map(({ real_time }) => real_time)));
    // One family a case, engines numbered within it.
    expect(new Set(rows.map(placeOf)).size).toBe(1);
  }
  const places = [...runs.values()].map(([row]) => placeOf(row!));
  expect(new Set(places).size).toBe(runs.size);
}

function placeOf({ family_index, per_family_instance_index }: RecordRow): string {
  return `${family_index}/${per_family_instance_index}`;
}
