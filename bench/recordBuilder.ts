import { median, quantile } from "../src/quantiles.ts";
import { timeOf, type Sample } from "./engines.ts";
import type { BenchRecord, CaseResult, RecordRow, Refusal } from "./record.ts";
import { writeRecord } from "./recordFile.ts";

type Context = BenchRecord["context"];

/** Collects what is measured; at any time `record` is all of it so far. */
export class RecordBuilder {
  #context: Context;
  readonly #rows: RecordRow[] = [];
  readonly #results: CaseResult[] = [];
  readonly #refusals: Refusal[] = [];
  readonly #families: string[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  get results(): readonly CaseResult[] {
    return this.#results;
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals;
  }

  /** Changes what is said of the run. */
  note(changes: Partial<Context>): void {
    this.#context = { ...this.#context, ...changes };
  }

  /** An engine that did not open at all is refused once. */
  refuse(refusal: Refusal): void {
    const known = (r: Refusal) => r.engine === refusal.engine && (r.case === "*" || r.case === refusal.case);
    if (!this.#refusals.some(known)) this.#refusals.push(refusal);
  }

  add(result: CaseResult, samples: readonly Sample[]): void {
    const instance = this.#results.filter((other) => other.case === result.case).length;
    this.#results.push(result);
    if (!this.#families.includes(result.case)) this.#families.push(result.case);
    const ours = result.engine === "voxtwirl";
    const run = ours ? result.case : `${result.case}/engine:${result.engine}`;
    const common = {
      run_name: run,
      family_index: this.#families.indexOf(result.case),
      per_family_instance_index: instance,
      repetitions: samples.length,
      threads: 1,
      time_unit: "ms",
    } as const;
    samples.forEach((sample, index) => {
      this.#rows.push({
        name: run,
        run_type: "iteration",
        ...common,
        repetition_index: index,
        iterations: 1,
        real_time: sample.wallMs,
        cpu_time: timeOf(sample),
      });
    });
    const statistics = { median, p10: at(0.1), p90: at(0.9) };
    for (const [aggregate, statistic] of Object.entries(statistics)) {
      this.#rows.push({
        name: `${run}_${aggregate}`,
        run_type: "aggregate",
        ...common,
        aggregate_name: aggregate,
        aggregate_unit: "time",
        iterations: samples.length,
        real_time: statistic(samples.map(({ wallMs }) => wallMs)),
        cpu_time: statistic(samples.map(timeOf)),
      });
    }
  }

  get record(): BenchRecord {
    return { context: this.#context, benchmarks: this.#rows, results: this.#results, refusals: this.#refusals };
  }

  /** Writes the record so far; the path holds a whole one at any time. */
  async write(path: string): Promise<void> {
    await writeRecord(path, this.record);
  }
}

function at(q: number): (samples: readonly number[]) => number {
  return (samples) => quantile(samples, q);
}
