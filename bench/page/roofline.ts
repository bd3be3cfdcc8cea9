// The roofline of one record: what the adapter's two ceilings allow, and where each of our cases lies.
import { bottomAxis, CHART_WIDTH, leftAxis, type Plot } from "../../src/report/axes.ts";
import { attributes, escapeHtml, px } from "../../src/report/html.ts";
import { type Box, boxAround, boxesAlong, drawLabel, type PlacedLabel, placeLabels } from "../../src/report/labels.ts";
import { formatMilliseconds, formatSignificant, formatTick } from "../../src/report/quantities.ts";
import { logDomain, logScale, logTicks, type Scale } from "../../src/report/scale.ts";
import type { BenchRecord, CaseResult } from "../record.ts";
import { ownResults, partsOf } from "./model.ts";

const MARGIN = { left: 84, right: 24, top: 14, bottom: 48 };
const HEIGHT = 460;

type Ceilings = BenchRecord["context"]["roofline"];

/** What can be drawn: work, memory and time above zero. */
const isDrawable = ({ flops, bytes, gflops }: CaseResult): boolean => flops > 0 && bytes > 0 && gflops > 0;

/** Cases of ours that a roofline cannot show, since they count no arithmetic. */
export const withoutArithmetic = (record: BenchRecord): CaseResult[] =>
  ownResults(record).filter((result) => !isDrawable(result));

/** More names than this do not fit: points then have numbers, and a list below says whose. */
const MOST_NAMES = 60;

/** A chart for all small suites, and one for each large one; an empty string where no case can be drawn. */
export function rooflineCharts(record: BenchRecord): string {
  const parts = partsOf(ownResults(record).filter(isDrawable), ({ suite }) => suite);
  const charts = parts.map(({ suite, items }) => {
    const chart = rooflineChart(items, record.context.roofline);
    return suite === undefined ? chart : `<h3 class="part">${escapeHtml(suite)}</h3>${chart}`;
  });
  return charts.join("");
}

const intensity = ({ flops, bytes }: CaseResult): number => flops / bytes;

function rooflineChart(results: readonly CaseResult[], ceilings: Ceilings): string {
  const { gbPerSecond, gflops: peak } = ceilings;
  if (results.length === 0 || !(gbPerSecond > 0) || !(peak > 0)) return "";
  const ridge = peak / gbPerSecond;
  const xDomain = logDomain([...results.flatMap((r) => [intensity(r), 1.6 * intensity(r)]), ridge / 4, ridge * 4])!;
  const lowest = Math.min(...results.map(({ gflops }) => gflops), peak / 30);
  const yDomain = logDomain([lowest, peak * 1.6, ...results.map(({ gflops }) => gflops)])!;
  const plot: Plot = {
    ...{ left: MARGIN.left, right: CHART_WIDTH - MARGIN.right },
    ...{ top: MARGIN.top, bottom: MARGIN.top + HEIGHT },
  };
  const x = logScale(xDomain, [plot.left, plot.right]);
  const y = logScale(yDomain, [plot.bottom, plot.top]);
  const roof = drawRoof(ceilings, plot, x, y);
  const numbered = results.length > MOST_NAMES;
  const points = results.map((result, i) => ({
    ...{ x: x(intensity(result)), y: y(result.gflops) },
    text: numbered ? String(i + 1) : result.case,
  }));
  const area = { x: plot.left, y: plot.top, width: plot.right - plot.left, height: HEIGHT };
  const drawn = placeLabels(points, area, roof.obstacles).map((label, i) => drawPoint(results[i]!, label));
  const axes =
    leftAxis(plot, { scale: y, ticks: logTicks(yDomain, formatTick), name: "GFLOP/s" }) +
    bottomAxis(plot, { scale: x, ticks: logTicks(xDomain, formatTick), name: "FLOP/byte" }, { grid: true });
  const description =
    "Roofline: GFLOP/s of each case over its arithmetic intensity, both logarithmic, with two ceilings";
  const svg = attributes({
    viewBox: `0 0 ${CHART_WIDTH} ${plot.bottom + MARGIN.bottom}`,
    role: "img",
    "aria-label": description,
  });
  const key = results.map((result) => `<li>${escapeHtml(result.case)}</li>`);
  const list = numbered ? `<ol class="key">${key.join("")}</ol>` : "";
  return `<div class="chart roofline"><svg ${svg}>${axes}${roof.svg}${drawn.join("")}</svg></div>${list}`;
}

function drawPoint(result: CaseResult, label: PlacedLabel): string {
  const share = result.roofline === undefined ? "" : `, ${formatSignificant(100 * result.roofline)} % of the roof`;
  const time = formatMilliseconds(result.gpuMs ?? result.wallMs);
  const speed = `${formatSignificant(result.gflops)} GFLOP/s at ${formatSignificant(intensity(result))} FLOP/byte`;
  const told = `${result.case}: ${speed}${share}, ${time}`;
  const key = result.right === false ? "point wrong" : "point";
  return (
    `<g class="${key}"><title>${escapeHtml(told)}</title>${drawLabel(label)}` +
    `<circle cx="${px(label.x)}" cy="${px(label.y)}" r="4"/></g>`
  );
}

/** Both ceilings with their names, and what names of points keep off. */
function drawRoof(
  { gbPerSecond, gflops: peak }: Ceilings,
  { right, bottom }: Plot,
  x: Scale,
  y: Scale,
): { svg: string; obstacles: Box[] } {
  // The slope enters at the left edge, or at the bottom where it is below the plot there.
  const start = Math.max(x.domain[0], y.domain[0] / gbPerSecond);
  const foot = { x: x(start), y: y(start * gbPerSecond) };
  const corner = { x: px(x(peak / gbPerSecond)), y: px(y(peak)) };
  const roof = `M${px(foot.x)} ${px(foot.y)}L${corner.x} ${corner.y}H${right}`;
  const angle = Math.atan2(corner.y - foot.y, corner.x - foot.x);
  const slope = { x: px((foot.x + corner.x) / 2), y: px((foot.y + corner.y) / 2) };
  const peakText = `multiply-adds ${formatSignificant(peak)} GFLOP/s`;
  const svg =
    `<path class="under" d="${roof}V${bottom}H${px(foot.x)}Z"/><path class="roof" d="${roof}"/>` +
    `<text class="ceiling" transform="translate(${slope.x} ${slope.y}) rotate(${px((angle * 180) / Math.PI)})" ` +
    `dy="-8" text-anchor="middle">copy ${formatSignificant(gbPerSecond)} GB/s</text>` +
    `<text class="ceiling" x="${corner.x + 8}" y="${corner.y - 8}">${escapeHtml(peakText)}</text>`;

  const obstacles = [...boxesAlong(foot, corner), ...boxesAlong(corner, { x: right, y: corner.y })];
  // The words along the slope, left of it and above.
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let along = -52; along <= 52; along += 13) {
    obstacles.push(boxAround(slope.x + along * cos + 13 * sin, slope.y + along * sin - 13 * cos, 8));
  }
  obstacles.push({ x: corner.x + 4, y: corner.y - 22, width: peakText.length * 7, height: 20 });
  return { svg, obstacles };
}
