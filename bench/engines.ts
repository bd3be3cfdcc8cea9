import type { Gpu } from "../src/gpu/gpu.ts";
import { ReplayTimer } from "../src/gpu/replayTimer.ts";
import type { OpenCase } from "./case.ts";
import type { Peer } from "./peer.ts";
import { isStable, MIN_SAMPLES } from "./statistics.ts";

export interface Sample {
  readonly wallMs: number;
  /** Missing without timestamp queries, and of peers. */
  readonly gpuMs?: number;
}

/** Something that runs a loaded case, and what it took so far. */
export interface Contestant {
  readonly engine: string;
  readonly rounds: Sample[][];
  readonly firstMs: number;
  /** Milliseconds of runs that do not count. */
  uncountedMs: number;
  /** Runs a few times more; throws what went wrong. */
  sample(count: number): Promise<Sample[]>;
}

export interface Effort {
  /** Milliseconds a case and engine may take, beyond its first run. */
  readonly budgetMs: number;
  readonly maxSamples: number;
}

/** A round takes about so long, in as many runs as that needs: short rounds interleave better. */
const ROUND_MS = 60;
const MAX_PER_ROUND = 25;

/** How often a contestant whose last run took `ms` runs in a round. */
function runsOfRound(ms: number): number {
  return Math.max(1, Math.min(MAX_PER_ROUND, Math.floor(ROUND_MS / Math.max(ms, 1e-3))));
}

/**
 * A contestant whose runs take no longer than this begins each turn with a run that does not count. What ran before has
 * the caches, and the system has put idle threads anywhere: those of a software adapter may share a core until it looks
 * again, which made every third step of `tiny` a fifth longer. Who trains runs step after step.
 */
const WARM_MS = 500;

/** Times of the next round. */
export async function takeTurn(contestant: Contestant): Promise<Sample[]> {
  const { rounds, firstMs } = contestant;
  const uncounted = (sample: Sample) => (contestant.uncountedMs += sample.wallMs);
  if (!rounds.some((round) => round.length > 0) && firstMs > WARM_MS) {
    // Slow, or its first run compiled.
    const [only] = (await contestant.sample(1)) as [Sample];
    if (only.wallMs > WARM_MS) return [only];
    uncounted(only);
  }
  const last = rounds.findLast((round) => round.length > 0)?.at(-1)?.wallMs ?? Math.min(firstMs, WARM_MS);
  if (last > WARM_MS) return contestant.sample(1);
  const [first, ...counted] = (await contestant.sample(1 + runsOfRound(last))) as [Sample, ...Sample[]];
  uncounted(first);
  return counted;
}

/** Whether a contestant's samples agree or its budget is spent; never before its first sample. */
export function isDone(contestant: Contestant, { budgetMs, maxSamples }: Effort): boolean {
  const samples = contestant.rounds.flat();
  if (samples.length === 0) return false;
  const spent = samples.reduce((sum, { wallMs }) => sum + wallMs, contestant.uncountedMs);
  if (spent >= budgetMs || samples.length >= maxSamples) return true;
  // Three rounds at least: what disturbs the machine may last longer than one.
  const enough = samples.length >= MIN_SAMPLES && contestant.rounds.length >= 3;
  return enough && isStable(samples.map(timeOf)) && isStable(samples.map(({ wallMs }) => wallMs));
}

/** Time on the GPU where it is known. */
export function timeOf({ gpuMs, wallMs }: Sample): number {
  return gpuMs ?? wallMs;
}

/** Our engine on an open case, whose first run is over. */
export function ourContestant(gpu: Gpu, opened: OpenCase, timer: ReplayTimer | undefined, firstMs: number): Contestant {
  return {
    engine: "voxtwirl",
    rounds: [],
    firstMs,
    uncountedMs: 0,
    sample: async (count) => {
      const samples: Sample[] = [];
      for (let i = 0; i < count; i++) samples.push(await runOnce(gpu, opened, timer));
      return samples;
    },
  };
}

/** One run, from the call until the result is there. */
export async function runOnce(gpu: Gpu, opened: OpenCase, timer: ReplayTimer | undefined): Promise<Sample> {
  const start = performance.now();
  await opened.run(timer);
  await gpu.finish();
  const wallMs = performance.now() - start;
  if (!timer || opened.untimed) return { wallMs };
  const [span] = await timer.read();
  return { wallMs, gpuMs: (span!.end - span!.begin) / 1e6 };
}

/** A timer where the device has timestamps. */
export function timerOf(gpu: Gpu): ReplayTimer | undefined {
  return gpu.device.features.has("timestamp-query") ? new ReplayTimer(gpu, "whole") : undefined;
}

/** A peer on the case it has loaded. */
export function peerContestant(peer: Peer, firstMs: number): Contestant {
  return {
    engine: peer.name,
    rounds: [],
    firstMs,
    uncountedMs: 0,
    sample: async (count) => {
      const reply = await peer.run(count);
      if (!reply.ok) throw new PeerFailure(reply.why, reply.message);
      const ms = reply.ms ?? [];
      if (ms.length === 0 || ms.some((value) => !(value > 0))) {
        throw new PeerFailure("failed", `gave no times: ${JSON.stringify(reply)}`);
      }
      return ms.map((wallMs) => ({ wallMs }));
    },
  };
}

/** A peer's own words. */
export class PeerFailure extends Error {
  readonly why: "missing" | "unsupported" | "failed";

  constructor(why: PeerFailure["why"], message: string) {
    super(message);
    this.why = why;
  }
}
