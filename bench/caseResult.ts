// What a record says of one case done by one engine.
import { rooflineShare, type Roofline } from "../src/graph/roofline.ts";
import type { BenchCase, PlannedMemory } from "./case.ts";
import { timeOf, type Contestant } from "./engines.ts";
import type { CaseResult } from "./record.ts";
import { ratioOfRounds, summarise } from "./statistics.ts";

/** What is known of a contestant before it is timed. */
export interface Entry {
  readonly contestant: Contestant;
  readonly compileMs?: number;
  readonly memory?: PlannedMemory | undefined;
  readonly verdict?: { readonly error: number; readonly right: boolean };
  readonly variant?: string;
  readonly sets?: number;
  readonly workarounds?: readonly string[];
}

/** @param ours the contestant of our engine, with which peers are compared */
export function resultOf(benchCase: BenchCase, entry: Entry, ours: Contestant, roofline: Roofline): CaseResult {
  const { contestant, compileMs, memory, verdict, variant, sets, workarounds } = entry;
  const { engine, rounds, firstMs } = contestant;
  const samples = rounds.flat();
  const wall = summarise(samples.map(({ wallMs }) => wallMs));
  const times = summarise(samples.map(timeOf));
  const hasGpu = samples.every(({ gpuMs }) => gpuMs !== undefined);
  const { flops, bytes, tolerance } = benchCase;
  const seconds = times.median / 1000;
  const isOurs = contestant === ours;
  return {
    case: benchCase.name,
    suite: benchCase.suite,
    engine,
    shape: benchCase.shape,
    ...(variant !== undefined && { variant }),
    ...(benchCase.precision && { precision: benchCase.precision }),
    flops,
    bytes,
    wallMs: wall.median,
    ...(hasGpu && { gpuMs: times.median }),
    p10Ms: times.p10,
    p90Ms: times.p90,
    samples: samples.length,
    stable: times.stable,
    gflops: flops / seconds / 1e9,
    gbPerSecond: bytes / seconds / 1e9,
    ...(isOurs && { roofline: rooflineShare(roofline, { flops, bytes, seconds }) }),
    firstMs,
    ...(compileMs !== undefined && { compileMs }),
    ...memory,
    ...(verdict && { ...verdict, tolerance }),
    ...(sets !== undefined && { sets }),
    ...(!isOurs && { ratio: ratioOfRounds(wallOf(ours), wallOf(contestant)) }),
    ...(workarounds && workarounds.length > 0 && { workarounds }),
  };
}

function wallOf({ rounds }: Contestant): number[][] {
  return rounds.map((round) => round.map(({ wallMs }) => wallMs));
}
