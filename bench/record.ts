// A benchmark's record: JSON in the shape of Google Benchmark's, so that its tools read and compare two of them.

/**
 * One line of a record: a sample, or a statistic over the samples of one case and engine. A condensed record has for
 * each of these only the row of the median.
 */
export interface RecordRow {
  /** "conv3d/A" for ours, "conv3d/A/engine:tfjs" for a peer's; of aggregates with "_median" and the like behind it. */
  readonly name: string;
  readonly run_name: string;
  readonly run_type: "iteration" | "aggregate";
  /** Which case of the record, and which engine of the case, counted from 0. */
  readonly family_index: number;
  readonly per_family_instance_index: number;
  /** Of aggregates: "median", "p10", "p90". */
  readonly aggregate_name?: string;
  readonly aggregate_unit?: "time";
  readonly repetitions: number;
  readonly repetition_index?: number;
  readonly threads: number;
  readonly iterations: number;
  /** Wall time. */
  readonly real_time: number;
  /** Time on the GPU by timestamp queries where there are any, else the wall time. */
  readonly cpu_time: number;
  readonly time_unit: "ms";
  /** In condensed records, on the row of the median: of `real_time`. */
  readonly real_statistics?: Statistics;
  /** Of `cpu_time`; left out where it is the wall time. */
  readonly cpu_statistics?: Statistics;
}

/** What a condensed record keeps of the n samples of one run, n being `repetitions`; times in milliseconds. */
export interface Statistics {
  readonly mean: number;
  /** Over n - 1; 0 of one sample. */
  readonly stddev: number;
  /** stddev / mean. */
  readonly cv: number;
  /** Median of the second half of the samples, in the order taken, over that of the first; 1 for fewer than four. */
  readonly halves: number;
  /**
   * Samples in ascending order, from the least to the greatest: all of up to 21; of more, 21 of them that stand for the
   * quantiles of 0, 5, 10, ... 100 %, at the ranks i (n - 1) / 20, rounded and counted from 0.
   */
  readonly ordered: readonly number[];
}

/** What is known of one case done by one engine; its rows carry the times. */
export interface CaseResult {
  readonly case: string;
  readonly suite: string;
  readonly engine: string;
  readonly shape: string;
  /** Shader and constants of the heaviest dispatch. Ours only. */
  readonly variant?: string;
  readonly flops: number;
  readonly bytes: number;
  /** Of ours, where activations are stored so; f32 otherwise. */
  readonly precision?: "f16";
  /** Medians in milliseconds. */
  readonly wallMs: number;
  readonly gpuMs?: number;
  readonly p10Ms: number;
  readonly p90Ms: number;
  readonly samples: number;
  /** Whether the medians of two halves of the samples agree within 5 %. */
  readonly stable: boolean;
  readonly gflops: number;
  readonly gbPerSecond: number;
  /** Share of what the roofline allows at this arithmetic intensity. */
  readonly roofline?: number;
  readonly firstMs: number;
  readonly compileMs?: number;
  /** Of a training step, ours only: what its plan takes for its tensors, and the least that any plan could. */
  readonly plannedBytes?: number;
  readonly lowerBoundBytes?: number;
  /** Largest relative error of an output against the reference, by the norm of the reference. */
  readonly error?: number;
  /** Whether the error is within what float32 explains. */
  readonly right?: boolean;
  /** What float32 explains; of outputs that are long sums more. */
  readonly tolerance?: number;
  /** Sets of inputs that runs took in turn, so that none was in the cache. Ours only. */
  readonly sets?: number;
  /** Of a peer: its time / ours, the median over the interleaved rounds. Wall time. */
  readonly ratio?: number;
  readonly workarounds?: readonly string[];
}

/** A peer that did not do a case, with its own words. */
export interface Refusal {
  /** "*" where the engine did not open at all. */
  readonly case: string;
  readonly engine: string;
  readonly why: "missing" | "unsupported" | "failed";
  readonly message: string;
}

export interface BenchRecord {
  readonly context: {
    /** ISO 8601. */
    readonly date: string;
    readonly executable: string;
    readonly num_cpus: number;
    readonly mhz_per_cpu: number;
    readonly cpu: string;
    /** Load averages when the run began: above 0.5 or so others were using the machine. */
    readonly load_avg: readonly number[];
    readonly library_version: string;
    readonly library_build_type: "release";
    readonly json_schema_version: 1;
    /** What the last cache is taken to hold: inputs that would fit into it take turns. */
    readonly cache_bytes: number;
    /** Whether the run was stopped before its end. */
    readonly interrupted?: boolean;
    readonly commit: string;
    /** Whether the sources differed from that commit. */
    readonly dirty: boolean;
    readonly node: string;
    /** Version of the npm package webgpu. */
    readonly dawn: string;
    readonly adapter: {
      readonly name: string;
      readonly driver: string;
      readonly software: boolean;
      /** Not in old records. */
      readonly features?: readonly string[];
      /** How many calls `voxtwirl tune` had found other variants for; left out where none. */
      readonly tuned?: number;
    };
    /** Ceilings measured in the same run: a large copy, and fused multiply-adds in registers. */
    readonly roofline: { readonly gbPerSecond: number; readonly gflops: number };
    readonly peers: readonly {
      readonly name: string;
      readonly version: string;
      /** Not in old records. */
      readonly notes?: readonly string[];
    }[];
  };
  readonly benchmarks: readonly RecordRow[];
  readonly results: readonly CaseResult[];
  readonly refusals: readonly Refusal[];
}
