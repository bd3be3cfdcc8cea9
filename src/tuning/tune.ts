import { VoxtwirlError } from "../errors.ts";
import type { GpuCaps } from "../gpu/caps.ts";
import type { KernelCall } from "../gpu/dispatch.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { TunedChoice } from "../gpu/tuning.ts";
import type { Plan } from "../graph/plan.ts";
import { families } from "../kernels/families.ts";
import { race, type RaceResult } from "./race.ts";
import { openTrial, type Difference, type Trial } from "./trial.ts";

/** A distinct call of some plans, and how often it stands in them. */
export interface CountedCall {
  readonly call: KernelCall;
  readonly count: number;
  /** What all of them took together, in milliseconds, where that was measured. */
  readonly ms?: number;
}

/** What came of the variants of one call. */
export interface TuneResult {
  readonly call: KernelCall;
  readonly count: number;
  /** How many variants there were to choose from, the table's included. */
  readonly variants: number;
  /** As of `race`, or "failed" where the table's variant could not be run or gave no numbers. */
  readonly outcome: RaceResult["outcome"] | "failed";
  readonly best?: string;
  readonly bestMs?: number;
  readonly fallbackMs?: number;
  /** Variants whose results differ by more than rounding: never chosen. */
  readonly wrong: readonly (Difference & { readonly variant: string })[];
  /** Variants that do not compile or run here, and why; or why there was no trial at all. */
  readonly refused: readonly { readonly variant: string; readonly why: string }[];
}

export interface TuneOptions {
  /** In this order: the costliest should be first. */
  readonly calls: readonly CountedCall[];
  /** Begins no other call after so many seconds. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
  /** What is being done: `3 of 40, conv3d ...: tiled 4x4x8 w64, round 2`. */
  readonly onProgress?: (text: string) => void;
  /** After each call, so that what was found so far can be kept. */
  readonly onResult?: (result: TuneResult) => void | Promise<void>;
}

export interface TuneRun {
  readonly results: readonly TuneResult[];
  /** Calls that were not begun: out of time, or stopped. */
  readonly left: number;
  readonly stopped: boolean;
}

/**
 * Times the variants of each call on tensors of its own, once their results were found to be right. `signal` ends it early,
 * without an error: what was found stays found.
 */
export function tune(gpu: Gpu, options: TuneOptions): Promise<TuneRun> {
  return tuneCalls(gpu.caps, (call) => openTrial(gpu, call), options);
}

/** `tune` with any source of trials. */
export async function tuneCalls(
  caps: GpuCaps,
  open: (call: KernelCall) => Promise<Trial>,
  { calls, seconds = Infinity, signal, onProgress, onResult }: TuneOptions,
): Promise<TuneRun> {
  const begin = performance.now();
  const results: TuneResult[] = [];
  for (const [i, counted] of calls.entries()) {
    if (signal?.aborted || performance.now() - begin >= 1000 * seconds) break;
    const say = (text: string) => {
      if (signal?.aborted) throw new VoxtwirlError("aborted", "tuning was stopped", "Start it again.");
      onProgress?.(`${i + 1} of ${calls.length}, ${counted.call.key}: ${text}`);
    };
    try {
      const result = await tuneCall(caps, counted, open, say);
      results.push(result);
      await onResult?.(result);
    } catch (error) {
      if (error instanceof VoxtwirlError && error.code === "aborted") break;
      throw error;
    }
  }
  return { results, left: calls.length - results.length, stopped: signal?.aborted === true };
}

async function tuneCall(
  caps: GpuCaps,
  { call, count }: CountedCall,
  open: (call: KernelCall) => Promise<Trial>,
  say: (text: string) => void,
): Promise<TuneResult> {
  const names = variantNames(caps, call);
  const wrong: (Difference & { variant: string })[] = [];
  const refused: { variant: string; why: string }[] = [];
  const summary = { call, count, variants: names.length, wrong, refused };
  say("making its tensors");
  let trial: Trial | undefined;
  try {
    trial = await open(call);
    const right: string[] = [];
    for (const name of names) {
      say(`${name}, result`);
      const difference = await trial.check(name).catch((error: unknown) => {
        refused.push({ variant: name, why: reasonOf(error) });
      });
      if (difference && difference.error <= difference.allowed) right.push(name);
      else {
        if (difference) wrong.push({ variant: name, ...difference });
        trial.drop(name);
      }
      // Without the table's variant there is nothing to compare with.
      if (right[0] !== call.fallback) return { ...summary, outcome: "failed" };
    }
    const made = trial;
    const { outcome, best, bestMs, fallbackMs } = await race(right, {
      time: (name) => made.time(name),
      onTiming: (name, place) => say(`${name}, ${place}`),
      onDrop: (name) => made.drop(name),
    });
    return { ...summary, outcome, best, bestMs, fallbackMs };
  } catch (error) {
    refused.push({ variant: call.fallback, why: reasonOf(error) });
    return { ...summary, outcome: "failed" };
  } finally {
    trial?.destroy();
  }
}

/** The reason in a line; what ends everything is thrown on. */
function reasonOf(error: unknown): string {
  if (!(error instanceof VoxtwirlError)) throw error;
  if (error.code === "aborted" || error.code === "device-lost" || error.code === "internal") throw error;
  return error.message.split("\n", 1)[0]!;
}

/** The table's variant first. */
function variantNames(caps: GpuCaps, call: KernelCall): string[] {
  const family = families.find(({ kernel }) => kernel === call.kernel);
  if (!family) throw new VoxtwirlError("unsupported", `there is nothing to choose for ${call.kernel}`, "Leave it out.");
  const names = family.variants(caps, call.shape).map(({ name }) => name);
  return [call.fallback, ...names.filter((name) => name !== call.fallback)];
}

/** What to keep of a result: a choice, or undefined where the table's variant stays. */
export function choiceOf({ outcome, best, bestMs, fallbackMs, call }: TuneResult): TunedChoice | undefined {
  if (outcome !== "faster") return undefined;
  return { variant: best!, ms: bestMs!, fallback: call.fallback, fallbackMs: fallbackMs! };
}

/** The distinct calls of plans, the costliest first where it is known what each dispatch took. */
export function countCalls(
  plans: readonly { readonly plan: Pick<Plan, "calls">; readonly durationsMs?: readonly number[] }[],
): CountedCall[] {
  const found = new Map<string, { call: KernelCall; count: number; ms?: number }>();
  for (const { plan, durationsMs } of plans) {
    for (const [dispatch, call] of plan.calls) {
      const known = found.get(call.key) ?? { call, count: 0 };
      const ms = durationsMs?.[dispatch];
      found.set(call.key, {
        call,
        count: known.count + 1,
        ...((ms !== undefined || known.ms !== undefined) && { ms: (known.ms ?? 0) + (ms ?? 0) }),
      });
    }
  }
  return [...found.values()].sort((a, b) => (b.ms ?? 0) - (a.ms ?? 0));
}
