import type { TunedChoice } from "../gpu/tuning.ts";
import { columns } from "../report/columns.ts";
import { formatCount } from "../report/format.ts";
import { fitText } from "../report/liveLine.ts";
import { formatMilliseconds } from "../report/quantities.ts";
import type { TuneResult } from "../tuning/tune.ts";

const OUTCOMES: Record<TuneResult["outcome"], string> = {
  faster: "faster",
  kept: "table's kept",
  unsure: "unsure: kept",
  failed: "failed",
};

/** A row for each call: the table's variant, the best one, and by how much a call becomes faster. */
export function resultLines(results: readonly TuneResult[]): string[] {
  const rows = results.map(({ call, count, variants, outcome, best, bestMs, fallbackMs }) => [
    call.key,
    `${count}x`,
    call.fallback,
    formatMilliseconds(fallbackMs),
    best === undefined || best === call.fallback ? "" : best,
    best === undefined || best === call.fallback ? "" : formatMilliseconds(bestMs),
    bestMs === undefined || best === call.fallback ? "" : `${(100 * (1 - bestMs / fallbackMs!)).toFixed(0)} %`,
    `${OUTCOMES[outcome]} (${variants})`,
  ]);
  const head = ["call", "calls", "table's variant", "time", "best", "time", "less", "outcome (variants)"];
  return [...columns([head, ...rows], (i) => ![1, 3, 5, 6].includes(i)), "", savings(results)];
}

function savings(results: readonly TuneResult[]): string {
  let before = 0;
  let after = 0;
  for (const { outcome, count, bestMs, fallbackMs = 0 } of results) {
    before += count * fallbackMs;
    after += count * (outcome === "faster" ? bestMs! : fallbackMs);
  }
  const faster = results.filter(({ outcome }) => outcome === "faster").length;
  const times =
    before > 0 ? `; all calls together ${formatMilliseconds(after)} instead of ${formatMilliseconds(before)}` : "";
  return `${faster} of ${formatCount(results.length)} calls have a faster variant${times}`;
}

/** What else is to be known: wrong variants, refused ones, calls that were left. */
export function remarkLines(results: readonly TuneResult[], run: { left: number; stopped: boolean }): string[] {
  const lines: string[] = [];
  for (const { call, wrong, refused } of results) {
    for (const { variant, error, allowed } of wrong) {
      const by = `off by ${error.toExponential(1)}, rounding allows ${allowed.toExponential(1)}`;
      lines.push(`WRONG: ${variant} of ${call.key} is ${by}; it is not used. Please report it with the driver's name.`);
    }
    for (const { variant, why } of refused) lines.push(`not run: ${variant} of ${call.key}: ${why}`);
  }
  const unsure = results.filter(({ outcome }) => outcome === "unsure").length;
  if (unsure > 0) {
    const keep = unsure === 1 ? "call keeps" : "calls keep";
    lines.push(`${unsure} ${keep} the table's variant because no two timings agreed: is the machine busy?`);
  }
  if (run.left > 0) lines.push(`${run.left} calls were not timed${run.stopped ? "" : " for want of time (--seconds)"}`);
  return lines;
}

/** Columns of a reason that are shown however narrow the terminal is. */
const LEAST_REASON = 24;

export interface ListedCall {
  readonly key: string;
  readonly count: number;
  readonly fallback: string;
  readonly chosen: TunedChoice | undefined;
  /** Of the table's variant, and on what adapter of this class that was measured. */
  readonly why: string | undefined;
  readonly measured: string | undefined;
  readonly variants: readonly string[];
}

/** A row for each call. Reasons are cut where the terminal ends, if its width is given, but keep some columns. */
export function callLines(calls: readonly ListedCall[], width = Infinity): string[] {
  const rows = calls.map(({ key, count, fallback, chosen, why, measured, variants }) => [
    key,
    `${count}x`,
    chosen ? `${chosen.variant}, instead of ${fallback}` : fallback,
    `${variants.length}`,
    chosen
      ? `timed here: ${formatMilliseconds(chosen.ms)} instead of ${formatMilliseconds(chosen.fallbackMs)}`
      : `${measured ?? "reasoned"}: ${why ?? "the first of its list"}`,
  ]);
  const lines = columns([["call", "calls", "variant", "of", "why"], ...rows], (i) => i !== 1 && i !== 3);
  const whole = Math.max(width, lines[0]!.indexOf("why") + LEAST_REASON);
  return lines.map((line) => fitText(line, whole));
}
