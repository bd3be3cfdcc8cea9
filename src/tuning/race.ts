import { median } from "../quantiles.ts";

/** How far two timings of the same may lie apart to count, and what a winner must be ahead by: a share of the time. */
export const AGREEMENT = 0.05;

/** Variants this much slower than the best at first sight are not timed any further. */
const OUT_OF_REACH = 1.5;
const FINALISTS = 4;
const MOST_ROUNDS = 4;
/** A round takes as many samples of each variant as fill this time, within bounds; odd, for their median. */
const ROUND_MS = 40;
const LEAST_SAMPLES = 3;
const MOST_SAMPLES = 15;

export interface RaceResult {
  /**
   * "faster": two timings in a row agree, and another variant is ahead by more than they may differ. "kept": they
   * agree, and none is. "unsure": no two in a row agree.
   */
  readonly outcome: "faster" | "kept" | "unsure";
  /** The fastest found, which may be the first. */
  readonly best: string;
  readonly bestMs: number;
  readonly fallbackMs: number;
  readonly rounds: number;
}

export interface RaceOptions {
  /** Milliseconds of one run of a variant. */
  readonly time: (name: string) => Promise<number>;
  /** Called before each timing; what it throws ends the race. */
  readonly onTiming?: (name: string, place: string) => void;
  /** A variant is out of the race: its plan may go. */
  readonly onDrop?: (name: string) => void;
}

/**
 * Finds the fastest of some variants of a call. All are looked at, the best go on; those take turns, in rounds, until
 * two rounds in a row agree about the best and about the first, which is the one to beat.
 */
export async function race(names: readonly string[], { time, onTiming, onDrop }: RaceOptions): Promise<RaceResult> {
  const fallback = names[0]!;
  const timed = async (name: string, place: string) => {
    onTiming?.(name, place);
    return time(name);
  };
  const looks = new Map<string, number>();
  for (const name of names) {
    await timed(name, "warm-up");
    looks.set(name, Math.min(await timed(name, "first look"), await timed(name, "first look")));
  }
  const fastest = Math.min(...looks.values());
  const ranked = [...looks].sort(([, a], [, b]) => a - b).map(([name]) => name);
  const near = ranked.filter((name) => looks.get(name)! <= OUT_OF_REACH * fastest).slice(0, FINALISTS);
  const finalists = [fallback, ...near.filter((name) => name !== fallback)];
  for (const name of names) if (!finalists.includes(name)) onDrop?.(name);
  if (finalists.length === 1) {
    return { outcome: "kept", best: fallback, bestMs: fastest, fallbackMs: fastest, rounds: 0 };
  }

  const round = async (number: number): Promise<Map<string, number>> => {
    const samples = new Map(finalists.map((name): [string, number[]] => [name, []]));
    const wanted = Math.min(MOST_SAMPLES, Math.max(LEAST_SAMPLES, Math.ceil(ROUND_MS / fastest)));
    const count = wanted % 2 === 1 ? wanted : wanted + 1;
    for (let i = 0; i < count; i++) {
      for (const name of finalists) samples.get(name)!.push(await timed(name, `round ${number}`));
    }
    return new Map([...samples].map(([name, times]) => [name, median(times)]));
  };
  let before = await round(1);
  for (let number = 2; ; number++) {
    const now = await round(number);
    const mean = (name: string) => (before.get(name)! + now.get(name)!) / 2;
    const best = finalists.reduce((a, b) => (mean(b) < mean(a) ? b : a));
    const agreed = agree(before.get(best)!, now.get(best)!) && agree(before.get(fallback)!, now.get(fallback)!);
    const ahead = [before, now].every((times) => times.get(best)! * (1 + AGREEMENT) < times.get(fallback)!);
    const result = { best, bestMs: mean(best), fallbackMs: mean(fallback), rounds: number };
    if (agreed) return { ...result, outcome: ahead ? "faster" : "kept" };
    if (number === MOST_ROUNDS) return { ...result, outcome: "unsure" };
    before = now;
  }
}

/** Whether two timings of the same are one finding. */
export function agree(a: number, b: number): boolean {
  return Math.abs(a - b) <= AGREEMENT * Math.min(a, b);
}
