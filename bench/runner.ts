import { mkdirSync, writeFileSync, rmSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { VoxtwirlError } from "../src/errors.ts";
import { elementCount } from "../src/gpu/tensor.ts";
import type { Gpu } from "../src/gpu/gpu.ts";
import { rooflineShare, type Roofline } from "../src/graph/roofline.ts";
import { judge, type BenchCase, type CaseData, type Expected, type PeerTask } from "./case.ts";
import {
  isDone,
  ourContestant,
  peerContestant,
  PeerFailure,
  runOnce,
  takeTurn,
  timeOf,
  timerOf,
  type Contestant,
  type Effort,
} from "./engines.ts";
import type { Peer } from "./peer.ts";
import type { CaseDescription, PeerReply, TensorFile } from "./protocol.ts";
import type { CaseResult } from "./record.ts";
import type { RecordBuilder } from "./recordBuilder.ts";
import { ratioOfRounds, summarise } from "./statistics.ts";

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

/** What is known of a contestant before it is timed. */
interface Entry {
  readonly contestant: Contestant;
  readonly compileMs?: number;
  readonly verdict?: { readonly error: number; readonly right: boolean };
  readonly variant?: string;
  readonly sets?: number;
  readonly workarounds?: readonly string[];
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
      variant: opened.variant,
      sets: opened.sets,
      ...(expected && { verdict: judge(outputs, expected, benchCase.tolerance) }),
    };
    // Memory that no run has touched yet costs the run that does.
    for (let set = 1; set < opened.sets; set++) await runOnce(gpu, opened, timer);
    const theirs: Entry[] = [];
    if (benchCase.peers && peers.length > 0) {
      const description = writeTensors(options.folder, benchCase.name, benchCase.peers, data);
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

function resultOf(benchCase: BenchCase, entry: Entry, ours: Contestant, roofline: Roofline): CaseResult {
  const { contestant, compileMs, verdict, variant, sets, workarounds } = entry;
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
    ...(verdict && { ...verdict, tolerance }),
    ...(sets !== undefined && { sets }),
    ...(!isOurs && { ratio: ratioOfRounds(wallOf(ours), wallOf(contestant)) }),
    ...(workarounds && workarounds.length > 0 && { workarounds }),
  };
}

function wallOf({ rounds }: Contestant): number[][] {
  return rounds.map((round) => round.map(({ wallMs }) => wallMs));
}

/** Lets a peer prepare the case and checks what its first run gave; undefined, and refused, where it cannot. */
async function loadPeer(
  peer: Peer,
  description: CaseDescription,
  expected: readonly Expected[] | undefined,
  tolerance: number,
  { record, signal }: RunnerOptions,
): Promise<Entry | undefined> {
  const refused = (reply: PeerReply, caseName = description.name): boolean => {
    if (reply.ok) return false;
    // What ends a peer then is the end of the run.
    if (!signal.aborted) record.refuse({ case: caseName, engine: peer.name, why: reply.why, message: reply.message });
    return true;
  };
  const unopened = await peer.open();
  if (unopened && refused(unopened, "*")) return undefined;
  const loaded = await peer.load(description);
  if (!loaded.ok) {
    refused(loaded);
    return undefined;
  }
  if (refused(await peer.save())) return undefined;
  let verdict: Entry["verdict"];
  try {
    verdict = expected && judge(readOutputs(description), expected, tolerance);
  } catch (problem) {
    refused({ ok: false, why: "failed", message: `its outputs cannot be read: ${(problem as Error).message}` });
    return undefined;
  }
  return {
    contestant: peerContestant(peer, loaded.firstMs ?? 0),
    ...(loaded.prepareMs !== undefined && { compileMs: loaded.prepareMs }),
    ...(verdict && { verdict }),
    ...(loaded.workarounds && { workarounds: loaded.workarounds }),
  };
}

/** Writes the inputs of a case in place of those of the case before. */
function writeTensors(folder: string, name: string, task: PeerTask, data: CaseData): CaseDescription {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = (kind: string, index: number) => join(folder, `${kind}${index}.f32`);
  const inputs = task.inputs.map(({ name: tensor, shape }, i): TensorFile => {
    const values = data.get(tensor)!;
    writeFileSync(file("input", i), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return { name: tensor, shape, file: file("input", i) };
  });
  const outputs = task.outputs.map(({ name: tensor, shape }, i): TensorFile => ({
    name: tensor,
    shape,
    file: file("output", i),
  }));
  return { name, operation: task.operation, attributes: task.attributes, inputs, outputs };
}

function readOutputs({ outputs }: CaseDescription): ReadonlyMap<string, Float32Array> {
  return new Map(
    outputs.map(({ name, shape, file }) => {
      const bytes = readFileSync(file);
      const wanted = 4 * elementCount(shape);
      if (bytes.byteLength !== wanted) throw new Error(`${name} has ${bytes.byteLength} bytes, not ${wanted}`);
      // Read once: the next case's outputs must not be this one's.
      rmSync(file);
      return [name, new Float32Array(new Uint8Array(bytes).buffer)];
    }),
  );
}
