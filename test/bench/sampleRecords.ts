import { Random } from "../../src/random.ts";
import { median } from "../../src/quantiles.ts";
import type { BenchRecord, CaseResult, RecordRow, Refusal } from "../../bench/record.ts";

/** One case of one engine of a made-up record. */
export interface SampleCase {
  readonly case: string;
  /** Ours unless given. */
  readonly engine?: string;
  /** Wall times in milliseconds; times on the GPU are nine tenths of them. */
  readonly times: readonly number[];
  readonly flops?: number;
  readonly bytes?: number;
  readonly changes?: Partial<CaseResult>;
}

/** `count` times about `centre` with a relative scatter. */
export function times(random: Random, centre: number, count = 20, scatter = 0.03): number[] {
  return Array.from({ length: count }, () => centre * Math.exp(scatter * random.normal()));
}

export function rows({ case: name, engine, times: samples }: SampleCase): RecordRow[] {
  const full = engine === undefined ? name : `${name}/engine:${engine}`;
  return samples.map((real, i) => ({
    ...{ name: full, run_name: full, run_type: "iteration" as const, repetitions: samples.length, repetition_index: i },
    ...{ family_index: 0, per_family_instance_index: 0 },
    ...{ threads: 1, iterations: 1, real_time: real, cpu_time: engine ? real : 0.9 * real, time_unit: "ms" as const },
  }));
}

function result({ case: name, engine, times: samples, flops = 2e9, bytes = 1e7, changes }: SampleCase): CaseResult {
  const sorted = [...samples].sort((a, b) => a - b);
  const wallMs = median(samples);
  return {
    ...{ case: name, suite: name.split("/")[0]!, engine: engine ?? "voxtwirl", shape: "1 x 32 -> 32 at 32^3" },
    ...(engine === undefined && { variant: "conv3d lanes", gpuMs: 0.9 * wallMs, roofline: 0.5, compileMs: 40 }),
    ...{ flops, bytes, wallMs, p10Ms: sorted[0]!, p90Ms: sorted.at(-1)!, samples: samples.length, stable: true },
    ...{
      gflops: flops / wallMs / 1e6,
      gbPerSecond: bytes / wallMs / 1e6,
      firstMs: 3 * wallMs,
      error: 4e-7,
      right: true,
    },
    ...changes,
  };
}

export function sampleRecord(
  cases: readonly SampleCase[],
  context: Partial<BenchRecord["context"]> = {},
  refusals: readonly Refusal[] = [],
): BenchRecord {
  const engines = [...new Set(cases.flatMap(({ engine }) => engine ?? []))];
  return {
    context: {
      ...{ date: "2026-01-02T03:04:05Z", executable: "voxtwirl bench", num_cpus: 2, cpu: "A processor" },
      ...{ load_avg: [0.1, 0.1, 0.1], library_version: "0.1.0", commit: "0123456789abcdef", dirty: false },
      ...{ node: "v20.20.0", dawn: "0.6.2", mhz_per_cpu: 2000, cache_bytes: 2 ** 25 },
      ...{ library_build_type: "release" as const, json_schema_version: 1 as const },
      adapter: { name: "llvmpipe", driver: "Mesa 25.0.7", software: true, features: ["subgroups", "timestamp-query"] },
      roofline: { gbPerSecond: 12, gflops: 150 },
      peers: engines.map((name) => ({ name, version: "1.2.3", notes: ["with the nap"] })),
      ...context,
    },
    benchmarks: cases.flatMap(rows),
    results: cases.map(result),
    refusals,
  };
}
