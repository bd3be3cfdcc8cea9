import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { measureGpuClock } from "../gpu/gpuClock.ts";
import { replay, type Command } from "../gpu/recorder.ts";
import { ReplayTimer } from "../gpu/replayTimer.ts";
import type { AbortSignal } from "../hostTypes.ts";

/** When the host did its parts of a replay, in nanoseconds since the profile began. */
export interface HostTimes {
  /** The caller's own preparation, such as writing uniforms, begins. */
  readonly prepare: number;
  /** Encoding begins. */
  readonly encode: number;
  /** Everything is submitted; the wait begins. */
  readonly submitted: number;
  /** The GPU is known to be done. */
  readonly done: number;
}

/** One profiled replay: each dispatch with its begin and its length, in nanoseconds on the host's clock. */
export interface ProfiledReplay extends HostTimes {
  readonly begins: readonly number[];
  readonly durations: readonly number[];
}

/** Times of all replays, ordinary and profiled ones. */
export interface ReplayTimes {
  /** "timestamps" of the GPU; or "wall": a submit for each dispatch, from its encoding until the host knew it done. */
  readonly timing: "timestamps" | "wall";
  /** The first replay of all, which may compile. */
  readonly first: HostTimes;
  readonly plain: readonly HostTimes[];
  readonly profiled: readonly ProfiledReplay[];
  /** What timing finds where there is nothing to do: an empty pass, or an empty submit. */
  readonly emptyNs: number;
  /** By how much GPU times may be shifted against the host's. */
  readonly clockUncertaintyNs: number;
}

/** How a plan is profiled. */
export interface ProfileOptions {
  /** Replays of each kind: as they always are, and profiled, in turn; one more goes before them. */
  readonly repeats?: number;
  /** Called before each of the 1 + 2 * repeats replays, by its number: writes what it needs, as for a training step. */
  readonly prepare?: (replay: number) => void;
  /** False: wall times also where the device has timestamps. */
  readonly timestamps?: boolean;
  /** Ends it early: with the replays so far where there is one of each kind. */
  readonly signal?: AbortSignal;
  /** Called after each replay. */
  readonly onProgress?: (done: number, total: number) => void;
}

export const DEFAULT_REPEATS = 5;

/**
 * @throws VoxtwirlError "bad-option" for repeats that are no count, "aborted" when the signal is before there is a
 *   replay of each kind
 */
export async function profileReplays(
  gpu: Gpu,
  label: string,
  commands: readonly Command[],
  options: ProfileOptions,
): Promise<ReplayTimes> {
  const { repeats = DEFAULT_REPEATS, prepare, timestamps = true, signal, onProgress } = options;
  if (!Number.isSafeInteger(repeats) || repeats < 1) {
    throw new VoxtwirlError("bad-option", `${repeats} repeats are none`, "Give a whole number from 1.");
  }
  const start = performance.now();
  const now = () => Math.round((performance.now() - start) * 1e6);
  const total = 1 + 2 * repeats;
  const plain: HostTimes[] = [];
  const profiled: ProfiledReplay[] = [];
  let number = 0;
  const next = () => {
    if (signal?.aborted && profiled.length === 0) {
      const what = "the profile was stopped before a replay of each kind was done";
      throw new VoxtwirlError("aborted", what, "Start it again.");
    }
    if (number > 0) onProgress?.(number, total);
    const begin = now();
    prepare?.(number++);
    return begin;
  };
  const plainReplay = async (): Promise<HostTimes> => {
    const times = { prepare: next(), encode: now() };
    replay(gpu.device, label, commands);
    const submitted = now();
    await gpu.finish();
    return { ...times, submitted, done: now() };
  };

  gpu.check();
  const first = await plainReplay();
  const method =
    timestamps && gpu.device.features.has("timestamp-query") && commands.some(({ kind }) => kind === "dispatch")
      ? await byTimestamps(gpu, label, commands, start)
      : await byWall(gpu, label, commands, now);
  try {
    for (let i = 0; i < repeats && !(i > 0 && signal?.aborted); i++) {
      plain.push(await plainReplay());
      const times = { prepare: next(), encode: now() };
      profiled.push({ ...times, ...(await method.replay(now)) });
    }
    onProgress?.(number, total);
    const { timing, emptyNs, clockUncertaintyNs } = method;
    return { timing, first, plain, profiled, emptyNs, clockUncertaintyNs };
  } finally {
    method.destroy();
  }
}

interface Method {
  readonly timing: ReplayTimes["timing"];
  readonly emptyNs: number;
  readonly clockUncertaintyNs: number;
  replay(now: () => number): Promise<Omit<ProfiledReplay, "prepare" | "encode">>;
  destroy(): void;
}

async function byTimestamps(gpu: Gpu, label: string, commands: readonly Command[], start: number): Promise<Method> {
  const count = commands.filter(({ kind }) => kind === "dispatch").length;
  const { zero, uncertaintyNs, emptyPassNs } = await measureGpuClock(gpu);
  const timer = new ReplayTimer(gpu, "each", count);
  return {
    timing: "timestamps",
    emptyNs: emptyPassNs,
    clockUncertaintyNs: uncertaintyNs,
    async replay(now) {
      timer.replay(label, commands);
      const submitted = now();
      const spans = await timer.read();
      const done = now();
      const origin = Number(timer.origin - zero) - Math.round(start * 1e6);
      return {
        submitted,
        done,
        begins: spans.map(({ begin }) => origin + begin),
        durations: spans.map(({ begin, end }) => Math.max(end - begin, 0)),
      };
    },
    destroy: () => timer.destroy(),
  };
}

async function byWall(gpu: Gpu, label: string, commands: readonly Command[], now: () => number): Promise<Method> {
  const parts = partsOf(commands);
  const empty: number[] = [];
  for (let i = 0; i < 9; i++) {
    const begin = now();
    replay(gpu.device, "empty", []);
    await gpu.finish();
    empty.push(now() - begin);
  }
  return {
    timing: "wall",
    emptyNs: empty.sort((a, b) => a - b)[empty.length >> 1]!,
    clockUncertaintyNs: 0,
    async replay() {
      const begins: number[] = [];
      const durations: number[] = [];
      let encoding = 0;
      const encode = now();
      for (const part of parts) {
        const begin = now();
        replay(gpu.device, label, part);
        encoding += now() - begin;
        await gpu.finish();
        if (part.at(-1)?.kind !== "dispatch") continue;
        begins.push(begin);
        durations.push(now() - begin);
      }
      // The host's own work is spread over the replay: its sum is told as if it came first.
      return { submitted: encode + encoding, done: now(), begins, durations };
    },
    destroy: () => undefined,
  };
}

/** Each dispatch with the clears before it; clears at the end are a part of their own. */
function partsOf(commands: readonly Command[]): Command[][] {
  const parts: Command[][] = [];
  let open: Command[] = [];
  for (const command of commands) {
    open.push(command);
    if (command.kind !== "dispatch") continue;
    parts.push(open);
    open = [];
  }
  return open.length > 0 ? [...parts, open] : parts;
}
