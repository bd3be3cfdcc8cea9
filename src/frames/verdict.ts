import { formatLoss, formatPercent } from "../report/format.ts";
import type { Floor, FloorSource, NearAxis } from "./floor.ts";
import type { FrameTermResult } from "./termResult.ts";

/**
 * "rounding": what changes under rotations is below 3 times the floor; "not-symmetric": from 10 times on; "undecided":
 * between. "not-deterministic": the same frame twice has other predictions, by more than 3 times what digits and number
 * type explain. "not-smooth": turning an edge away from an axis by a small angle changes predictions by at least 10 times
 * the floor, and by at least a third of what the next angle, ten times as large, does: of a smooth function it is a
 * tenth.
 *
 * Where neither repeats nor a tolerance are known, the floor is that of digits and number types alone, which programs
 * that iterate are above: then it takes a spread of 1e-4 of the signal as well to be "not-symmetric".
 */
export type Verdict = "rounding" | "undecided" | "not-symmetric" | "not-deterministic" | "not-smooth";

const ROUNDING_BELOW = 3;
const ABOVE_FROM = 10;
const JUMP = 1 / 3;
const AVERAGED = 8;
const FAR = 1e5;

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
function isKnown({ from, repeats }: Floor): boolean {
  return from === "tolerance" || repeats !== null;
}

/** Where predictions jump. */
function jumpOf({ floor, nearAxes }: Judged): { axis: string; angle: number; rms: number } | undefined {
  for (const { axis, away } of nearAxes) {
    const jump = away.find(({ rms }, i) => {
      const next = away[i + 1];
      return next !== undefined && rms > 0 && rms >= ABOVE_FROM * floor.value && rms >= JUMP * next.rms;
    });
    if (jump !== undefined) return { axis, ...jump };
  }
  return undefined;
}

const SOURCES: Readonly<Record<FloorSource, string>> = {
  digits: "the digits written",
  type: "the type of the numbers",
  repeats: "the same frame twice",
  jitter: "the last digits of the positions",
  tolerance: "the tolerance given",
};

/** A term's verdict in one line: how far it is from symmetric, what of the loss that is, and what averaging gains. */
export function verdictLine(
  name: string,
  term: Pick<FrameTermResult, "unit" | "percentEquiv" | "percentEquivInterval" | "gains"> & Judged,
): string {
  const { spreadRms, floor, unit, percentEquiv, percentEquivInterval, gains } = term;
  const verdicts = verdictsOf(term);
  const size = (value: number) => `${formatLoss(value)}${unit === null ? "" : ` ${unit}`}`;
  const times = spreadRms / floor.value;
  const far = times < FAR ? `${formatLoss(times)} times` : "far above";
  const above = `rotations change it by ${size(spreadRms)}, ${far} the floor of ${size(floor.value)}`;
  const spread = `${above} (${SOURCES[floor.from]})`;
  const parts: string[] = [];
  if (verdicts.includes("not-symmetric")) {
    const interval = percentEquivInterval?.map(formatPercent).join(" to ");
    const share =
      interval === undefined ? "" : `${formatPercent(percentEquiv)} % (${interval}) of the loss is lost symmetry; `;
    parts.push(`not symmetric: ${share}${spread}`);
  } else {
    parts.push(`${verdicts.includes("rounding") ? "rounding" : "undecided"}: ${spread}`);
    if (verdicts.includes("undecided") && !isKnown(floor)) {
      parts.push("of an unknown convergence: give --tolerance, or frames by voxtwirl rotate --repeats");
    }
  }
  if (verdicts.includes("not-deterministic")) {
    parts.push(`not deterministic: the same frame twice differs by ${size(floor.repeats!)}`);
  }
  const jump = jumpOf(term);
  if (jump !== undefined) {
    const { axis, angle, rms } = jump;
    parts.push(`not smooth: an edge along ${axis}, turned by ${angle} radians, changes it by ${size(rms)}`);
  }
  const gain = gains.find(({ count }) => count === AVERAGED);
  if (verdicts.includes("not-symmetric") && percentEquivInterval !== null && gain !== undefined) {
    const { percentPredicted, cost } = gain;
    parts.push(
      `averaging ${AVERAGED} poses would take away ${formatPercent(percentPredicted)} %, for ${cost} times the work`,
    );
  }
  return `${name}: ${parts.join("; ")}`;
}
