import { requireArray, requireObject } from "../check.ts";
import type { Floor, NearAxis } from "./floor.ts";

/**
 * "rounding": what changes under rotations is below 3 times the floor; "not-symmetric": from 10 times on; "undecided":
 * between. "not-deterministic": the same frame twice has other predictions, by more than 3 times what digits and number
 * type explain. "not-smooth": turning an edge away from an axis by a small angle changes predictions by at least 10
 * times the floor, and by at least a third of what the next angle, ten times as large, does: of a smooth function it is
 * a tenth.
 *
 * Where neither repeats nor a tolerance are known, the floor is that of digits and number types alone, which programs
 * that iterate are above: then it takes a spread of 1e-4 of the signal as well to be "not-symmetric".
 */
export type Verdict = "rounding" | "undecided" | "not-symmetric" | "not-deterministic" | "not-smooth";

const ROUNDING_BELOW = 3;
const ABOVE_FROM = 10;
const JUMP = 1 / 3;

/** Of the signal, what convergence and sums may leave. */
const UNCONVERGED = 1e-4;

/** What a verdict is of. */
export interface Judged {
  readonly spreadRms: number;
  readonly signalRms: number;
  readonly floor: Floor;
  readonly nearAxes: readonly NearAxis[];
}

/** All that holds: one on symmetry, and what else is wrong. */
export function verdictsOf(judged: Judged): Verdict[] {
  requireObject("judged", judged, "Give { spreadRms, signalRms, floor, nearAxes }.");
  requireObject("floor", judged.floor, "Give the floor of a term.");
  requireArray("nearAxes", judged.nearAxes, "Give those of a term, or [].");
  const { spreadRms, signalRms, floor } = judged;
  const { digits, type, repeats } = floor;
  const verdicts: Verdict[] = [];
  if (spreadRms < ROUNDING_BELOW * floor.value || spreadRms === 0) verdicts.push("rounding");
  else {
    const above = spreadRms >= ABOVE_FROM * floor.value && (isKnown(floor) || !(spreadRms < UNCONVERGED * signalRms));
    verdicts.push(above ? "not-symmetric" : "undecided");
  }
  if ((repeats ?? 0) > ROUNDING_BELOW * Math.max(digits, type)) verdicts.push("not-deterministic");
  if (jumpOf(judged) !== undefined) verdicts.push("not-smooth");
  return verdicts;
}

/** Whether more than digits and types tell the floor. */
export function isKnown({ from, repeats }: Floor): boolean {
  return from === "tolerance" || repeats !== null;
}

/** Where predictions jump. */
export function jumpOf({ floor, nearAxes }: Judged): { axis: string; angle: number; rms: number } | undefined {
  for (const { axis, away } of nearAxes) {
    const jump = away.find(({ rms }, i) => {
      const next = away[i + 1];
      return next !== undefined && rms > 0 && rms >= ABOVE_FROM * floor.value && rms >= JUMP * next.rms;
    });
    if (jump !== undefined) return { axis, ...jump };
  }
  return undefined;
}
