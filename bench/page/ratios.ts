// Bars of ratios: each peer's time over ours, case by case, from the line of equal times.
import { CHART_WIDTH } from "../../src/report/axes.ts";
import { attributes, escapeHtml, px } from "../../src/report/html.ts";
import { formatMilliseconds, formatSignificant, formatTick } from "../../src/report/quantities.ts";
import { logDomain, logScale, logTicks, type Scale } from "../../src/report/scale.ts";
import { type CaseOutcome, isNative, type PeerOutcome } from "./model.ts";

const LEFT = 130;
/** Room for a figure left of the longest bar. */
const VALUE = 66;
const RIGHT = 92;
const ROW = 17;
const BAR = 11;
const CASE_GAP = 15;
const HEADING = 20;
const AXIS = 26;

const ratioLabel = (value: number): string => (value < 1 ? `1/${formatTick(1 / value)}` : formatTick(value));

/** A ratio with its sign: "4.12×", "0.31×". */
export const timesText = (ratio: number): string => `${formatSignificant(ratio)}×`;

/** The chart of all cases that have a peer; an empty string where none has. */
export function ratioChart(cases: readonly CaseOutcome[]): string {
  const compared = cases.filter(({ peers }) => peers.length > 0);
  if (compared.length === 0) return "";
  const ratios = compared.flatMap(({ peers }) => peers.flatMap(({ ratio }) => ratio ?? []));
  const x = logScale(logDomain([...ratios, 0.9, 1 / 0.9])!, [LEFT + VALUE, CHART_WIDTH - RIGHT]);
  let top = AXIS;
  const parts: string[] = [];
  for (const outcome of compared) {
    parts.push(caseHeading(outcome, top));
    top += HEADING;
    for (const peer of outcome.peers) {
      parts.push(row(outcome, peer, x, top));
      top += ROW;
    }
    top += CASE_GAP;
  }
  const end = top - CASE_GAP + 6;
  const ticks = logTicks(x.domain, ratioLabel).map(({ value, label }) => {
    const at = px(x(value));
    const words = (text: string): string =>
      [AXIS - 12, end + 18].map((y) => `<text x="${at}" y="${y}" text-anchor="middle">${text}</text>`).join("");
    if (value === 1) return words("1");
    const line = `<path class="grid${label === undefined ? " minor" : ""}" d="M${at} ${AXIS - 4}V${end}"/>`;
    return label === undefined ? line : line + words(label);
  });
  const one = px(x(1));
  const line = `<path class="one" d="M${one} ${AXIS - 4}V${end}"/>`;
  const foot =
    `<text x="${one - 9}" y="${end + 38}" text-anchor="end">◂ the peer is faster</text>` +
    `<text x="${one + 9}" y="${end + 38}">voxtwirl is faster ▸</text>`;
  const description = "Bars: the time of each peer over the time of voxtwirl on each case, on a logarithmic axis";
  const svg = attributes({ viewBox: `0 0 ${CHART_WIDTH} ${end + 46}`, role: "img", "aria-label": description });
  return (
    `<div class="chart ratios"><svg ${svg}><defs>${HATCH}</defs><g class="axes">${ticks.join("")}${foot}</g>` +
    `${parts.join("")}${line}</svg></div>`
  );
}

const HATCH =
  `<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
  `<path class="hatch" d="M0 0V5"/></pattern>`;

function caseHeading({ name, ours }: CaseOutcome, top: number): string {
  const time = `ours ${formatMilliseconds(ours.wallMs)}`;
  const wrong = ours.right === false ? ", WRONG RESULT" : "";
  const unstable = ours.stable ? "" : ", unstable";
  return (
    `<text class="case" x="0" y="${top + 12}">${escapeHtml(name)}` +
    `<tspan class="soft" dx="8">${escapeHtml(`${ours.shape}, ${time}${unstable}${wrong}`)}</tspan></text>`
  );
}

function row(
  { name, ours }: CaseOutcome,
  { engine, result, refusal, ratio }: PeerOutcome,
  x: Scale,
  top: number,
): string {
  const middle = top + ROW / 2;
  const native = isNative(engine) ? " native" : "";
  const place = `x="${LEFT - 10}" y="${middle + 4}" text-anchor="end"`;
  const label = `<text class="engine${native}" ${place}>${escapeHtml(engine)}</text>`;
  const one = px(x(1));
  const words = (at: number, text: string, key: string): string =>
    `<text class="${key}" x="${px(at)}" y="${middle + 4}">${escapeHtml(text)}</text>`;
  if (refusal || !result) {
    const { why = "failed", message = "" } = refusal ?? {};
    const room = Math.max(24, Math.floor((CHART_WIDTH - one - 10) / 6.3));
    const short = words(one + 8, shorten(`${why}: ${message}`, room), "refused");
    return `<g>${title(`${engine} on ${name}, ${why}: ${message}`)}${label}${short}</g>`;
  }
  const times = `${formatMilliseconds(result.wallMs)} against our ${formatMilliseconds(ours.wallMs)}`;
  if (ratio === undefined) {
    const error = result.error === undefined ? "" : `, relative error ${result.error.toPrecision(2)}`;
    const text = `wrong result${error} (in ${formatMilliseconds(result.wallMs)})`;
    const box = `<rect class="wrong-bar" x="${one}" y="${px(middle - BAR / 2)}" width="26" height="${BAR}"/>`;
    const told = title(`${engine} on ${name}: ${text}; no ratio is drawn`);
    return `<g>${told}${label}${box}${words(one + 33, text, "wrong")}</g>`;
  }
  const at = px(x(ratio));
  const key = ratio >= 1 ? "faster" : "slower";
  const bar = `<rect class="bar ${key}${native}" ${attributes({
    x: Math.min(one, at),
    y: px(middle - BAR / 2),
    width: Math.max(1, px(Math.abs(at - one))),
    height: BAR,
  })}/>`;
  const marks = `${result.stable && ours.stable ? "" : " ~"}${result.workarounds?.length ? " *" : ""}`;
  const value =
    ratio >= 1
      ? words(at + 6, timesText(ratio) + marks, "value")
      : `<text class="value" x="${px(at - 6)}" y="${middle + 4}" text-anchor="end">${timesText(ratio) + marks}</text>`;
  const workarounds = result.workarounds?.length ? `; workarounds: ${result.workarounds.join("; ")}` : "";
  return `<g>${title(`${engine} on ${name}: ${times}, ${timesText(ratio)}${workarounds}`)}${label}${bar}${value}</g>`;
}

const title = (text: string): string => `<title>${escapeHtml(text)}</title>`;

/** The first line, cut where there is no more room; the whole is in the list below the chart. */
export function shorten(text: string, length: number): string {
  const line = text.split("\n")[0]!.trim();
  return line.length <= length && !text.trim().includes("\n") ? line : `${line.slice(0, length - 1).trimEnd()}…`;
}
