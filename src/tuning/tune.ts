import { requireArray, requireGpu, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { GpuCaps } from "../gpu/caps.ts";
import type { KernelCall } from "../gpu/dispatch.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { TunedChoice } from "../gpu/tuning.ts";
import type { Plan } from "../graph/plan.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { kernelWithVariants } from "../kernels/list.ts";
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
  /**
   * As of `race`: "faster" in two of them, or else "unsure"; "failed" where the table's variant could not be run or
   * gave no numbers.
   */
  readonly outcome: RaceResult["outcome"] | "failed";
  readonly best?: string;
  readonly bestMs?: number;
  readonly fallbackMs?: number;
  /** Variants whose results differ by more than rounding: never chosen. */
  readonly wrong: readonly (Difference & { readonly variant: string })[];
  /** Variants that do not compile or run here, and why; or why there was no trial at all. */
  readonly refused: readonly { readonly variant: string; readonly why: string }[];
}

/** How calls are timed. */
export interface TuneOptions {
  /** In this order: the costliest should be first. */
  readonly calls: readonly CountedCall[];
  /**
   * Opens the adapter once more: a variant that is ahead must be so again there, with pipelines compiled anew, since
   * times also depend on where a driver puts its code. Without it the same device is used twice. The caller's to
   * destroy.
   */
  readonly again?: () => Promise<Gpu>;
  /** Begins no other call after so many seconds. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
  /** What is being done: `3 of 40, conv3d ...: direct 4x4x8 w64, round 2`. */
  readonly onProgress?: (text: string) => void;
  /** After each call, so that what was found so far can be kept. */
  readonly onResult?: (result: TuneResult) => void | Promise<void>;
}

/** What tuning found, as far as it came. */
export interface TuneRun {
  readonly results: readonly TuneResult[];
  /** Calls that were not begun: out of time, or stopped. */
  readonly left: number;
  readonly stopped: boolean;
}

/**
 * Times the variants of each call on tensors of its own, once their results were found to be right. `signal` ends it
 * early, without an error: what was found stays found.
 */
export async function tune(gpu: Gpu, options: TuneOptions): Promise<TuneRun> {
  requireGpu(gpu);
  requireObject("options", options, "Give { calls }: see countCalls.");
  requireArray("calls", options.calls, "Give what countCalls returns.");
  let second: Promise<Gpu> | undefined;
  const again = async () => (second ??= options.again?.() ?? Promise.resolve(gpu));
  const open: OpenTrial = async (call, repeated) => openTrial(repeated ? await again() : gpu, call);
  return tuneCalls(gpu.caps, open, options);
}

/** `repeated`: to find out whether what was found is so again. */
export type OpenTrial = (call: KernelCall, repeated: boolean) => Promise<Trial>;

/** `tune` with any source of trials. */
export async function tuneCalls(
  caps: GpuCaps,
  open: OpenTrial,
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
  open: OpenTrial,
  say: (text: string) => void,
): Promise<TuneResult> {
  const names = variantNames(caps, call);
  const wrong: (Difference & { variant: string })[] = [];
  const refused: { variant: string; why: string }[] = [];
  const summary = { call, count, variants: names.length, wrong, refused };
  try {
    const first = await raceOf(names, false);
    if (first?.outcome !== "faster") return { ...summary, outcome: "failed", ...first };
    const second = await raceOf([call.fallback, first.best], true);
    if (second?.outcome !== "faster") return { ...summary, ...first, outcome: "unsure" };
    const mean = (of: "bestMs" | "fallbackMs") => (first[of] + second[of]) / 2;
    return { ...summary, ...first, bestMs: mean("bestMs"), fallbackMs: mean("fallbackMs") };
  } catch (error) {
    refused.push({ variant: call.fallback, why: reasonOf(error) });
    return { ...summary, outcome: "failed" };
  }

  /** Undefined where there is nothing to compare with. */
  async function raceOf(among: readonly string[], repeated: boolean): Promise<Finding | undefined> {
    const place = repeated ? "once more, " : "";
    say(`${place}making its tensors`);
    const trial = await open(call, repeated);
    try {
      const right = await rightOnes(trial, among, place);
      if (right[0] !== call.fallback) return undefined;
      const { outcome, best, bestMs, fallbackMs } = await race(right, {
        time: (name) => trial.time(name),
        onTiming: (name, at) => say(`${name}, ${place}${at}`),
        onDrop: (name) => trial.drop(name),
      });
      return { outcome, best, bestMs, fallbackMs };
    } finally {
      trial.destroy();
    }
  }

  /**
   * Those whose results are the table's but for rounding; only the table's own is looked at where it gives no numbers.
   */
  async function rightOnes(trial: Trial, among: readonly string[], place: string): Promise<string[]> {
    const right: string[] = [];
    for (const name of among) {
      say(`${name}, ${place}result`);
      const difference = await trial.check(name).catch((error: unknown) => {
        refused.push({ variant: name, why: reasonOf(error) });
      });
      if (difference && difference.error <= difference.allowed) right.push(name);
      else {
        if (difference) wrong.push({ variant: name, ...difference });
        trial.drop(name);
      }
      if (right.length === 0) break;
    }
    return right;
  }
}

type Finding = Pick<RaceResult, "outcome" | "best" | "bestMs" | "fallbackMs">;

/** The reason in a line; what ends everything is thrown on. */
function reasonOf(error: unknown): string {
  if (!(error instanceof VoxtwirlError)) throw error;
  if (
    error.code === "aborted" ||
    error.code === "device-lost" ||
    error.code === "destroyed" ||
    error.code === "internal"
  ) {
    throw error;
  }
  return error.message.split("\n", 1)[0]!;
}

/** The table's variant first. */
function variantNames(caps: GpuCaps, call: KernelCall): string[] {
  const names = kernelWithVariants(call.kernel)
    .variants.of(caps, call.shape, call.dtype)
    .map(({ name }) => name);
  return [call.fallback, ...names.filter((name) => name !== call.fallback)];
}

/** What to keep of a result: a choice, or undefined where the table's variant stays. */
export function choiceOf(result: TuneResult): TunedChoice | undefined {
  requireObject("result", result, "Give a result of tune.");
  const { outcome, best, bestMs, fallbackMs, call } = result;
  if (outcome !== "faster") return undefined;
  return { variant: best!, ms: bestMs!, fallback: call.fallback, fallbackMs: fallbackMs! };
}

/** The distinct calls of plans, the costliest first where it is known what each dispatch took. */
export function countCalls(
  plans: readonly { readonly plan: Pick<Plan, "calls">; readonly durationsMs?: readonly number[] }[],
): CountedCall[] {
  requireArray("plans", plans, "Give [{ plan }, ...].");
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
