import { VoxtwirlError } from "../src/errors.ts";
import type { Gpu } from "../src/gpu/gpu.ts";
import type { Roofline } from "../src/graph/roofline.ts";
import { judge, type BenchCase } from "./case.ts";
import { resultOf, type Entry } from "./caseResult.ts";
import {
  isDone,
  ourContestant,
  PeerFailure,
  runOnce,
  takeTurn,
  timerOf,
  type Contestant,
  type Effort,
} from "./engines.ts";
import type { Peer } from "./peer.ts";
import { loadPeer, writeTensors } from "./peerCase.ts";
import type { RecordBuilder } from "./recordBuilder.ts";

export interface RunnerOptions {
  readonly gpu: Gpu;
  readonly roofline: Roofline;
  readonly peers: readonly Peer[];
  readonly effort: Effort;
  readonly cacheBytes: number;
  /** A folder of this run's own, for the peers' tensors. */
  readonly folder: string;
  readonly record: RecordBuilder;
  readonly signal: AbortSignal;
  /** Told what is being done. */
  readonly onProgress: (text: string) => void;
}

/** Runs one case on our engine and on all peers, in turns, and puts what came out into the record. */
export async function runCase(benchCase: BenchCase, options: RunnerOptions): Promise<void> {
  const { gpu, peers, cacheBytes, signal, onProgress } = options;
  const check = () => {
    if (signal.aborted) throw new VoxtwirlError("aborted", "the benchmark was stopped", "Start it again.");
  };
  onProgress(`${benchCase.name}: inputs`);
  const data = benchCase.data();
  onProgress(`${benchCase.name}: shaders`);
  const opened = await benchCase.open(gpu, data, cacheBytes);
  const timer = timerOf(gpu);
  try {
    check();
    onProgress(`${benchCase.name}: first run`);
    const first = await runOnce(gpu, opened, timer);
    onProgress(`${benchCase.name}: reference`);
    const outputs = await opened.outputs();
    const expected = await benchCase.expected?.(data);
    const ours: Entry = {
      contestant: ourContestant(gpu, opened, timer, first.wallMs),
      compileMs: opened.compileMs,
      memory: opened.memory,
      variant: opened.variant,
      sets: opened.sets,
      ...(expected && { verdict: judge(outputs, expected, benchCase.tolerance) }),
    };
    // Memory that no run has touched yet costs the run that does.
    for (let set = 1; set < opened.sets; set++) await runOnce(gpu, opened, timer);
    const theirs: Entry[] = [];
    if (benchCase.peers && peers.length > 0) {
      const inputs = opened.madeInputs ? new Map([...data, ...opened.madeInputs()]) : data;
      const description = writeTensors(options.folder, benchCase.name, benchCase.peers, inputs);
      for (const peer of peers) {
        check();
        onProgress(`${benchCase.name}: ${peer.name} loads`);
        const entry = await loadPeer(peer, description, expected, benchCase.tolerance, options);
        if (entry) theirs.push(entry);
      }
    }
    await takeTurns(benchCase, [ours, ...theirs], options, check);
  } finally {
    timer?.destroy();
    opened.destroy();
  }
}

/** Rounds in which every contestant that is not done runs for a moment, ours as long as any peer does. */
async function takeTurns(
  benchCase: BenchCase,
  entries: Entry[],
  options: RunnerOptions,
  check: () => void,
): Promise<void> {
  const { effort, record, signal, onProgress } = options;
  const ours = entries[0]!.contestant;
  const failed = new Set<Contestant>();
  try {
    for (let round = 0; ; round++) {
      const waiting = entries.map(({ contestant }) => contestant).filter((c) => !failed.has(c) && !isDone(c, effort));
      if (waiting.length === 0) break;
      for (const contestant of new Set([ours, ...waiting])) {
        check();
        onProgress(`${benchCase.name}: ${contestant.engine}, round ${round + 1}`);
        try {
          // Rounds of all contestants have the same numbers, empty where one takes no part.
          while (contestant.rounds.length < round) contestant.rounds.push([]);
          contestant.rounds.push(await takeTurn(contestant));
        } catch (error) {
          if (!(error instanceof PeerFailure) || signal.aborted) throw error;
          failed.add(contestant);
          record.refuse({ case: benchCase.name, engine: contestant.engine, why: error.why, message: error.message });
        }
      }
    }
  } finally {
    for (const entry of entries) {
      const { contestant } = entry;
      const samples = contestant.rounds.flat();
      if (failed.has(contestant) || samples.length === 0) continue;
      record.add(resultOf(benchCase, entry, ours, options.roofline), samples);
    }
  }
}
