// The roofline of one record: what the adapter's two ceilings allow, and where each of our cases lies.
import { CHART_WIDTH } from "../../src/report/chart.ts";
import { attributes, escapeHtml, px } from "../../src/report/html.ts";
import { formatMilliseconds, formatSignificant, formatTick } from "../../src/report/quantities.ts";
import { logDomain, logScale, logTicks } from "../../src/report/scale.ts";
import type { BenchRecord, CaseResult } from "../record.ts";
import { leaderEnd, placeLabels } from "./labels.ts";
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

function rooflineChart(results: readonly CaseResult[], { gbPerSecond, gflops: peak }: Ceilings): string {
  if (results.length === 0 || !(gbPerSecond > 0) || !(peak > 0)) return "";
  const intensity = ({ flops, bytes }: CaseResult): number => flops / bytes;
  const ridge = peak / gbPerSecond;
  const [left, right] = logDomain([
    ...results.flatMap((r) => [intensity(r), 1.6 * intensity(r)]),
    ridge / 4,
    ridge * 4,
  ])!;
  const lowest = Math.min(...results.map(({ gflops }) => gflops), peak / 30);
  const [low, high] = logDomain([lowest, peak * 1.6, ...results.map(({ gflops }) => gflops)])!;
  const plot = {
    ...{ x: MARGIN.left, y: MARGIN.top, height: HEIGHT },
    width: CHART_WIDTH - MARGIN.left - MARGIN.right,
  };
  const x = logScale([left, right], [plot.x, plot.x + plot.width]);
  const y = logScale([low, high], [plot.y + HEIGHT, plot.y]);
  const bottom = plot.y + HEIGHT;
  const end = plot.x + plot.width;

  // The slope enters at the left edge, or at the bottom where it is below the plot there.
  const start = Math.max(left, low / gbPerSecond);
  const corner = { x: px(x(ridge)), y: px(y(peak)) };
  const roof = `M${px(x(start))} ${px(y(start * gbPerSecond))}L${corner.x} ${corner.y}H${end}`;
  const angle = (Math.atan2(corner.y - y(start * gbPerSecond), corner.x - x(start)) * 180) / Math.PI;
  const slope = { x: px((x(start) + corner.x) / 2), y: px((y(start * gbPerSecond) + corner.y) / 2) };
  const peakText = `multiply-adds ${formatSignificant(peak)} GFLOP/s`;
  const ceilings =
    `<path class="under" d="${roof}V${bottom}H${px(x(start))}Z"/><path class="roof" d="${roof}"/>` +
    `<text class="ceiling" transform="translate(${slope.x} ${slope.y}) rotate(${px(angle)})" dy="-8" ` +
    `text-anchor="middle">copy ${formatSignificant(gbPerSecond)} GB/s</text>` +
    `<text class="ceiling" x="${corner.x + 8}" y="${corner.y - 8}">${escapeHtml(peakText)}</text>`;

  const numbered = results.length > MOST_NAMES;
  const points = results.map((result, i) => ({
    ...{ x: x(intensity(result)), y: y(result.gflops), result },
    text: numbered ? String(i + 1) : result.case,
  }));
  // Names keep off the roof.
  const steps = Array.from({ length: 60 }, (_, i) => x(start) + ((end - x(start)) * i) / 59);
  const roofAt = (at: number): number =>
    at > corner.x
      ? corner.y
      : corner.y + ((at - corner.x) * (y(start * gbPerSecond) - corner.y)) / (x(start) - corner.x);
  const obstacles = steps.map((at) => ({ x: at - 7, y: roofAt(at) - 4, width: 14, height: 8 }));
  // The words along the slope, left of it and above.
  for (let along = -52; along <= 52; along += 13) {
    const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    obstacles.push({
      x: slope.x + along * cos + 13 * sin - 8,
      y: slope.y + along * sin - 13 * cos - 8,
      width: 16,
      height: 16,
    });
  }
  obstacles.push({ x: corner.x + 4, y: corner.y - 22, width: peakText.length * 7, height: 20 });
  const labels = placeLabels(points, plot, obstacles);
  const drawn = labels.map((label, i) => point(points[i]!.result, label));
  const axes = drawAxes(x, y, plot);
  const description =
    "Roofline: GFLOP/s of each case over its arithmetic intensity, both logarithmic, with two ceilings";
  const svg = attributes({
    viewBox: `0 0 ${CHART_WIDTH} ${bottom + MARGIN.bottom}`,
    role: "img",
    "aria-label": description,
  });
  const key = results.map((result) => `<li>${escapeHtml(result.case)}</li>`);
  const list = numbered ? `<ol class="key">${key.join("")}</ol>` : "";
  return `<div class="chart roofline"><svg ${svg}>${axes}${ceilings}${drawn.join("")}</svg></div>${list}`;

  function point(result: CaseResult, { x: cx, y: cy, box, text }: (typeof labels)[number]): string {
    const share = result.roofline === undefined ? "" : `, ${formatSignificant(100 * result.roofline)} % of the roof`;
    const time = formatMilliseconds(result.gpuMs ?? result.wallMs);
    const speed = `${formatSignificant(result.gflops)} GFLOP/s at ${formatSignificant(intensity(result))} FLOP/byte`;
    const told = `${result.case}: ${speed}${share}, ${time}`;
    // A leader where the name could not stand at its point.
    const to = leaderEnd({ x: cx, y: cy }, box);
    const distance = Math.hypot(to.x - cx, to.y - cy);
    const leader = distance > 14 ? `<path class="leader" d="M${px(cx)} ${px(cy)}L${px(to.x)} ${px(to.y)}"/>` : "";
    // Names end or begin at their points, whatever the font's widths are.
    const isLeft = box.x + box.width <= cx;
    const place = {
      x: px(isLeft ? box.x + box.width : box.x),
      y: px(box.y + 11),
      "text-anchor": isLeft ? "end" : undefined,
    };
    const key = result.right === false ? "point wrong" : "point";
    return (
      `<g class="${key}"><title>${escapeHtml(told)}</title>${leader}<circle cx="${px(cx)}" cy="${px(cy)}" r="4"/>` +
      `<text ${attributes(place)}>${escapeHtml(text)}</text></g>`
    );
  }
}

type Scales = ReturnType<typeof logScale>;

function drawAxes(x: Scales, y: Scales, plot: { x: number; y: number; width: number; height: number }): string {
  const bottom = plot.y + plot.height;
  const end = plot.x + plot.width;
  const horizontal = logTicks(y.domain, formatTick).map(({ value, label }) => {
    const at = px(y(value));
    const line = `<path class="grid${label === undefined ? " minor" : ""}" d="M${plot.x} ${at}H${end}"/>`;
    return label === undefined
      ? line
      : `${line}<text x="${plot.x - 9}" y="${px(at + 4)}" text-anchor="end">${label}</text>`;
  });
  const vertical = logTicks(x.domain, formatTick).map(({ value, label }) => {
    const at = px(x(value));
    const line = `<path class="grid${label === undefined ? " minor" : ""}" d="M${at} ${plot.y}V${bottom}"/>`;
    return label === undefined
      ? line
      : `${line}<text x="${at}" y="${bottom + 20}" text-anchor="middle">${label}</text>`;
  });
  const titles =
    `<text x="${plot.x + plot.width / 2}" y="${bottom + 42}" text-anchor="middle">FLOP/byte</text>` +
    `<text transform="translate(14 ${plot.y + plot.height / 2}) rotate(-90)" text-anchor="middle">GFLOP/s</text>`;
  const frame = `<path class="axis" d="M${plot.x} ${bottom}H${end}"/>`;
  return `<g class="axes">${horizontal.join("")}${vertical.join("")}${frame}${titles}</g>`;
}
