import { bottomAxis, CHART_WIDTH, leftAxis, type Plot } from "./axes.ts";
import { attributes, escapeHtml, px } from "./html.ts";
import { bandPath, type BandPoint, type ChartPoint, curvePath, type Marker, markerShape } from "./paths.ts";
import { linearScale, linearTicks, logDomain, logScale, logTicks, type Scale, stepTicks, type Tick } from "./scale.ts";

export interface ChartSeries {
  /** Class name that the style sheet colours; see style.ts. */
  key: string;
  label: string;
  points: ChartPoint[];
  marker?: Marker;
  /** Curves of a higher layer are drawn over those of a lower one; 0 unless given. */
  layer?: number;
}

/** An area between two curves. */
export interface ChartBand {
  key: string;
  /** In the legend; without one the band goes without saying, being of its curve's colour. */
  label?: string;
  points: BandPoint[];
}

/** A horizontal line across the chart, named at the right edge and in the legend. */
export interface ChartRule {
  key: string;
  label: string;
  short: string;
  y: number;
}

/** A range of x behind the curves, with a few words at its top. */
export interface ChartShade {
  from: number;
  to: number;
  label: string;
}

/** What the tooltip says at one x: a heading and named values, each with the key of its curve. */
export interface HoverPoint {
  x: number;
  title: string;
  lines: { key: string; name: string; text: string }[];
}

export interface ChartSpec {
  /** Unique in the page. */
  id: string;
  /** One sentence for people who cannot see the chart. */
  description: string;
  yLabel: string;
  yTickLabel?: (value: number) => string;
  /** In the order of the legend. */
  series: ChartSeries[];
  bands?: ChartBand[];
  rules?: ChartRule[];
  shade?: ChartShade;
  hover?: HoverPoint[];
  /** Training steps on a linear axis by default. */
  xAxis?: {
    name: string;
    scale: "linear" | "log";
    tickLabel: (value: number) => string;
    /** Where ticks are, in place of round numbers. */
    ticks?: readonly number[];
  };
  /** Steps and values that the axes cover whatever the data. */
  xInclude?: readonly number[];
  yInclude?: number[];
  /** Height of the plot itself in pixels. */
  plotHeight: number;
}

const MARGIN = { left: 84, right: 44, bottom: 48 };
const LEGEND_ROW = 22;
/** Beyond so many points a curve's markers would run together. */
const MAX_MARKERS = 60;

function drawSeries(series: ChartSeries, x: Scale, y: Scale): string {
  const drawn = series.points.filter((point) => point.y !== null && Number.isFinite(point.y) && point.y > 0);
  const { marker } = series;
  const markers = marker && drawn.length <= MAX_MARKERS ? drawn.map((p) => markerShape(marker, x(p.x), y(p.y!))) : [];
  const line = `<path class="line" d="${curvePath(series.points, x, y)}"/>`;
  return `<g class="series ${escapeHtml(series.key)}">${line}<g class="markers">${markers.join("")}</g></g>`;
}

/** The legend as rows of sample and name, from the left edge of the plot; returns its height too. */
function drawLegend(spec: ChartSpec): { svg: string; height: number } {
  const entries = [
    ...spec.series.map((s) => ({ key: s.key, label: s.label, band: false, marker: s.marker })),
    ...(spec.bands ?? []).flatMap(({ key, label }) =>
      label === undefined ? [] : [{ key, label, band: true, marker: undefined }],
    ),
    ...(spec.rules ?? []).map((r) => ({ key: r.key, label: r.label, band: false, marker: undefined })),
  ];
  let left = MARGIN.left;
  let top = 14;
  const parts = entries.map((entry) => {
    const width = 34 + entry.label.length * 7 + 22;
    if (left + width > CHART_WIDTH && left > MARGIN.left) {
      left = MARGIN.left;
      top += LEGEND_ROW;
    }
    const sample = entry.band
      ? `<path class="band" d="M${left} ${top - 6}h26v12h-26Z"/>`
      : `<path class="line" d="M${left} ${top}h26"/>` +
        (entry.marker ? `<g class="markers">${markerShape(entry.marker, left + 13, top)}</g>` : "");
    const text = `<text ${attributes({ x: left + 33, y: top + 4 })}>${escapeHtml(entry.label)}</text>`;
    left += width;
    return `<g class="${escapeHtml(entry.key)}">${sample}${text}</g>`;
  });
  return { svg: `<g class="legend">${parts.join("")}</g>`, height: top + 18 };
}

/** The shaded box, to go below the grid, and its words, to go above. */
function drawShade(shade: ChartShade, x: Scale, top: number, height: number): { box: string; words: string } {
  const from = x(shade.from);
  const width = x(shade.to) - from;
  if (width < 1) return { box: "", words: "" };
  const box = `<rect ${attributes({ class: "shade", x: px(from), y: top, width: px(width), height })}/>`;
  // In a narrow range the words go to its right, where there is room: the curves begin high and fall.
  const inside = width > shade.label.length * 6.6 + 16;
  const place = attributes({
    class: inside ? "shade-label" : "shade-label outside",
    x: px(inside ? from + 8 : from + width + 8),
    y: top + 17,
  });
  return { box, words: `<text ${place}>${inside ? "" : "◂ "}${escapeHtml(shade.label)}</text>` };
}

/** Domain of x: from the first to the last step of anything drawn or asked for, never of no length. */
function xDomain(spec: ChartSpec): [number, number] {
  const drawn = [...spec.series, ...(spec.bands ?? [])].flatMap((s) => s.points.map((point) => point.x));
  const all = [...drawn, ...(spec.xInclude ?? [])];
  const first = all.reduce((a, b) => Math.min(a, b), Infinity);
  const last = all.reduce((a, b) => Math.max(a, b), -Infinity);
  if (all.length === 0) return [0, 1];
  return last > first ? [first, last] : [first, first + 1];
}

function logX(spec: ChartSpec, range: readonly [number, number]): Scale {
  const all = spec.series.flatMap((series) => series.points.map((point) => point.x));
  return logScale(logDomain([...all, ...(spec.xInclude ?? [])]) ?? [0.1, 1], range);
}

function xTicks({ xAxis }: ChartSpec, { domain }: Scale): Tick[] {
  if (!xAxis) return stepTicks(domain);
  if (xAxis.ticks) return xAxis.ticks.map((value) => ({ value, label: xAxis.tickLabel(value) }));
  return xAxis.scale === "log" ? logTicks(domain, xAxis.tickLabel) : linearTicks(domain, xAxis.tickLabel);
}

function yValues(spec: ChartSpec): (number | null)[] {
  // A lower edge near zero would stretch the axis over many empty decades: the band then ends at the axis instead.
  const edges = ({ low, high }: BandPoint): (number | null)[] =>
    low !== null && high !== null && low > high / 20 ? [low, high] : [high];
  const bands = (spec.bands ?? []).flatMap((band) => band.points.flatMap(edges));
  const curves = spec.series.flatMap((series) => series.points.map((point) => point.y));
  return [...curves, ...bands, ...(spec.rules ?? []).map((rule) => rule.y), ...(spec.yInclude ?? [])];
}

/** True when at least one point of a curve can be drawn on a logarithmic axis. */
export function hasDrawable(spec: ChartSpec): boolean {
  return spec.series.some((s) => s.points.some((point) => point.y !== null && Number.isFinite(point.y) && point.y > 0));
}

/**
 * A line chart over training steps, or over what `xAxis` says, with a logarithmic y axis, as inline SVG that reads
 * without script; `hover` adds the data for the tooltip script (script.ts). Colours come from the page's style sheet
 * through the keys.
 */
export function renderChart(spec: ChartSpec): string {
  const legend = drawLegend(spec);
  const top = legend.height;
  const plot: Plot = { left: MARGIN.left, right: CHART_WIDTH - MARGIN.right, top, bottom: top + spec.plotHeight };
  const { left, right, bottom } = plot;
  const x = spec.xAxis?.scale === "log" ? logX(spec, [left, right]) : linearScale(xDomain(spec), [left, right]);
  const y = logScale(logDomain(yValues(spec)) ?? [0.1, 1], [bottom, top]);
  const shade = spec.shade && drawShade(spec.shade, x, top, spec.plotHeight);
  const layered = [...spec.series].sort((a, b) => (a.layer ?? 0) - (b.layer ?? 0));
  const curves = layered.map((series) => drawSeries(series, x, y));
  const rules = (spec.rules ?? []).map((rule) => {
    const at = px(y(rule.y));
    const text = `<text x="${right + 6}" y="${px(at + 4)}">${escapeHtml(rule.short)}</text>`;
    return `<g class="rule ${escapeHtml(rule.key)}"><path class="line" d="M${left} ${at}H${right}"/>${text}</g>`;
  });
  const bands = (spec.bands ?? []).map(
    ({ key, points }) => `<path class="band ${escapeHtml(key)}" d="${bandPath(points, x, y)}"/>`,
  );
  const parts = [
    shade?.box ?? "",
    leftAxis(plot, { scale: y, ticks: logTicks(y.domain, spec.yTickLabel), name: spec.yLabel }),
    bottomAxis(plot, { scale: x, ticks: xTicks(spec, x), name: spec.xAxis?.name ?? "training step" }),
    shade?.words ?? "",
    ...rules,
    `<g clip-path="url(#${escapeHtml(spec.id)}-clip)">${bands.join("")}${curves.join("")}</g>`,
    `<path class="cursor" d="M0 ${top}V${bottom}" visibility="hidden"/>`,
    legend.svg,
  ];
  // Two pixels of air: markers and line ends on the border stay whole.
  const clip = `<clipPath id="${escapeHtml(spec.id)}-clip"><rect ${attributes({
    x: left - 5,
    y: top - 5,
    width: right - left + 10,
    height: spec.plotHeight + 7,
  })}/></clipPath>`;
  const hover = spec.hover?.map(({ x: at, title, lines }) => [
    px(x(at)),
    title,
    lines.map(({ key, name, text }) => [key, name, text]),
  ]);
  const viewBox = `0 0 ${CHART_WIDTH} ${bottom + MARGIN.bottom}`;
  const svg = attributes({ viewBox, role: "img", "aria-label": spec.description });
  const data = hover?.length ? ` tabindex="0" ${attributes({ "data-hover": JSON.stringify(hover) })}` : "";
  return `<div class="chart"${data}><svg ${svg}><defs>${clip}</defs>${parts.join("")}</svg></div>`;
}
