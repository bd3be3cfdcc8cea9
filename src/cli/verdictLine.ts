import { takenAway } from "../frames/frameGains.ts";
import type { FloorSource } from "../frames/floor.ts";
import type { FrameTermResult } from "../frames/termResult.ts";
import { isKnown, jumpOf, type Judged } from "../frames/verdict.ts";
import { formatLoss, formatPercent } from "../report/format.ts";

const AVERAGED = 8;
const FAR = 1e5;

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
  term: Pick<FrameTermResult, "unit" | "percentEquiv" | "percentEquivInterval" | "gains" | "verdicts"> & Judged,
): string {
  const { spreadRms, floor, unit, verdicts, percentEquiv, percentEquivInterval, gains } = term;
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
    const away = formatPercent(takenAway(gain));
    parts.push(`averaging ${AVERAGED} poses would take away ${away} %, for ${gain.cost} times the work`);
  }
  return `${name}: ${parts.join("; ")}`;
}
