import { bottomAxis, CHART_WIDTH, leftAxis, type Plot } from "./axes.ts";
import { attributes, escapeHtml, px } from "./html.ts";
import { linearScale, linearTicks, type Scale } from "./scale.ts";

/** Values whose shares are shown; `key` is a class name that the style sheet colours. */
export interface HistogramSeries {
  readonly key: string;
  readonly label: string;
  readonly values: readonly number[];
}

export interface HistogramSpec {
  /** One sentence for people who cannot see the chart. */
  readonly description: string;
  readonly xLabel: string;
  /** From where to where; what lies beyond is counted at the ends. */
  readonly range: readonly [number, number];
  readonly bins: number;
  readonly series: readonly HistogramSeries[];
}

const LEFT = 64;
const TOP = 34;
const HEIGHT = 150;
/** Of the page's small letters, in pixels a character. */
const CHARACTER = 7;

/** What shares of several kinds of values lie where, as outlines on one axis: inline SVG that reads without script. */
export function histogram({ description, xLabel, range, bins, series }: HistogramSpec): string {
  const plot: Plot = { left: LEFT, right: CHART_WIDTH - 16, top: TOP, bottom: TOP + HEIGHT };
  const shares = series.map(({ values }) => sharesOf(values, range, bins));
  const most = Math.max(0.01, ...shares.flat());
  const x = linearScale(range, [plot.left, plot.right]);
  const y = linearScale([0, 1.05 * most], [plot.bottom, plot.top]);
  const percent = (value: number) => `${Number((100 * value).toPrecision(3))} %`;
  const label = (value: number) => String(Number(value.toPrecision(6)));
  const axes =
    leftAxis(plot, { scale: y, ticks: linearTicks(y.domain, percent, 4), name: "share" }) +
    bottomAxis(plot, { scale: x, ticks: linearTicks(range, label), name: xLabel });
  const outlines = series.map(({ key }, s) => {
    const width = (range[1] - range[0]) / bins;
    return `<g class="${escapeHtml(key)}"><path class="line" d="${outline(shares[s]!, range[0], width, x, y)}"/></g>`;
  });
  const svg = attributes({ viewBox: `0 0 ${CHART_WIDTH} ${plot.bottom + 48}`, role: "img", "aria-label": description });
  return `<div class="chart histogram"><svg ${svg}>${axes}${outlines.join("")}${legend(series)}</svg></div>`;
}

/** The share of values in each bin. */
export function sharesOf(values: readonly number[], [from, to]: readonly [number, number], bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value - from) / (to - from)) * bins);
    counts[Math.min(Math.max(bin, 0), bins - 1)]!++;
  }
  return counts.map((count) => (values.length === 0 ? 0 : count / values.length));
}

function outline(shares: readonly number[], first: number, width: number, x: Scale, y: Scale): string {
  const steps = shares.map((share, b) => `V${px(y(share))}H${px(x(first + (b + 1) * width))}`);
  return `M${px(x(first))} ${px(y(0))}${steps.join("")}V${px(y(0))}`;
}

function legend(series: readonly HistogramSeries[]): string {
  let at = LEFT;
  const entries = series.map(({ key, label }) => {
    const x = at;
    at += 34 + label.length * CHARACTER + 22;
    const sample = `<path class="line" d="M${x} 14h26"/>`;
    return `<g class="${escapeHtml(key)}">${sample}<text x="${x + 33}" y="18">${escapeHtml(label)}</text></g>`;
  });
  return `<g class="legend">${entries.join("")}</g>`;
}
