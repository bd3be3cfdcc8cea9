import { attributes, escapeHtml, px } from "./html.ts";
import { linearScale, logDomain, logScale, logTicks, type Scale, stepTicks, type Tick } from "./scale.ts";

/** A point of a curve; y is null where there is nothing to draw. */
export interface ChartPoint {
  x: number;
  y: number | null;
}

/** How the marker of a curve looks: shapes tell curves apart without colour. */
export type Marker = "circle" | "square" | "diamond" | "triangle";

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
  label: string;
  points: { x: number; low: number | null; high: number | null }[];
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
  /** Steps and values that the axes cover whatever the data. */
  xInclude?: readonly number[];
  yInclude?: number[];
  /** Height of the plot itself in pixels. */
  plotHeight: number;
}

export const CHART_WIDTH = 920;
const MARGIN = { left: 84, right: 44, bottom: 48 };
const LEGEND_ROW = 22;
/** Beyond so many points a curve's markers would run together. */
const MAX_MARKERS = 60;

/**
 * The path of a curve; points that are missing, not finite or at or below zero leave gaps, and a point between two gaps
 * becomes a dash of eight pixels.
 */
export function curvePath(points: readonly ChartPoint[], x: Scale, y: Scale): string {
  let path = "";
  let length = 0;
  for (const point of [...points, { x: 0, y: null }]) {
    if (point.y !== null && Number.isFinite(point.y) && point.y > 0) {
      path += `${length === 0 ? "M" : "L"}${px(x(point.x))} ${px(y(point.y))}`;
      length++;
    } else {
      if (length === 1) path += "m-4 0h8";
      length = 0;
    }
  }
  return path;
}

/** Closed outlines of a band, one for each run of complete points; what reaches to zero or below ends at the axis. */
export function bandPath(points: ChartBand["points"], x: Scale, y: Scale): string {
  let path = "";
  let run: { x: number; low: number; high: number }[] = [];
  const close = (): void => {
    // A band of one point would have no width: draw it as a bar of six pixels.
    const shifts = run.length === 1 ? [-3, 3] : [0];
    const edges = run.flatMap((point) => shifts.map((dx) => ({ left: px(x(point.x) + dx), ...point })));
    const upper = edges.map((edge) => `${edge.left} ${px(y(edge.high))}`);
    const lower = edges.map((edge) => `${edge.left} ${px(y(edge.low))}`).reverse();
    if (run.length > 0) path += `M${[...upper, ...lower].join("L")}Z`;
    run = [];
  };
  for (const point of points) {
    const { low, high } = point;
    if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high) || high <= 0) close();
    else run.push({ x: point.x, low: Math.max(low, y.domain[0]), high: Math.max(high, y.domain[0]) });
  }
  close();
  return path;
}

function markerShape(marker: Marker, cx: number, cy: number): string {
  const at = (dx: number, dy: number): string => `${px(cx + dx)} ${px(cy + dy)}`;
  if (marker === "circle") return `<circle ${attributes({ cx: px(cx), cy: px(cy), r: 3.2 })}/>`;
  if (marker === "square") return `<path d="M${at(-2.9, -2.9)}h5.8v5.8h-5.8Z"/>`;
  if (marker === "diamond") return `<path d="M${at(0, -4.1)}L${at(4.1, 0)}L${at(0, 4.1)}L${at(-4.1, 0)}Z"/>`;
  return `<path d="M${at(0, -3.9)}L${at(3.7, 2.9)}L${at(-3.7, 2.9)}Z"/>`;
}

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
    ...(spec.bands ?? []).map((b) => ({ key: b.key, label: b.label, band: true, marker: undefined })),
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

function drawAxes(spec: ChartSpec, x: Scale, y: Scale, top: number, xTicks: Tick[], yTicks: Tick[]): string {
  const { left, right } = MARGIN;
  const bottom = top + spec.plotHeight;
  const end = CHART_WIDTH - right;
  const horizontal = yTicks.map(({ value, label }) => {
    const at = px(y(value));
    const line = `<path class="${label === undefined ? "grid minor" : "grid"}" d="M${left} ${at}H${end}"/>`;
    if (label === undefined) return line;
    return `${line}<text x="${left - 9}" y="${px(at + 4)}" text-anchor="end">${escapeHtml(label)}</text>`;
  });
  const vertical = xTicks.map(({ value, label }) => {
    const at = px(x(value));
    const text = `<text x="${at}" y="${bottom + 20}" text-anchor="middle">${escapeHtml(label ?? "")}</text>`;
    return `<path class="tick" d="M${at} ${bottom}v5"/>${text}`;
  });
  const middle = top + spec.plotHeight / 2;
  const titles =
    `<text x="${(left + end) / 2}" y="${bottom + 42}" text-anchor="middle">training step</text>` +
    `<text transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle">${escapeHtml(spec.yLabel)}</text>`;
  const frame = `<path class="axis" d="M${left} ${bottom}H${end}"/>`;
  return `<g class="axes">${horizontal.join("")}${frame}${vertical.join("")}${titles}</g>`;
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

function yValues(spec: ChartSpec): (number | null)[] {
  // A lower edge near zero would stretch the axis over many empty decades: the band then ends at the axis instead.
  const edges = ({ low, high }: ChartBand["points"][number]): (number | null)[] =>
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
 * A line chart over training steps with a logarithmic y axis, as inline SVG that reads without script; `hover` adds the
 * data for the tooltip script (script.ts). Colours come from the page's style sheet through the keys.
 */
export function renderChart(spec: ChartSpec): string {
  const legend = drawLegend(spec);
  const top = legend.height;
  const bottom = top + spec.plotHeight;
  const end = CHART_WIDTH - MARGIN.right;
  const x = linearScale(xDomain(spec), [MARGIN.left, end]);
  const y = logScale(logDomain(yValues(spec)) ?? [0.1, 1], [bottom, top]);
  const shade = spec.shade && drawShade(spec.shade, x, top, spec.plotHeight);
  const layered = [...spec.series].sort((a, b) => (a.layer ?? 0) - (b.layer ?? 0));
  const curves = layered.map((series) => drawSeries(series, x, y));
  const rules = (spec.rules ?? []).map((rule) => {
    const at = px(y(rule.y));
    const text = `<text x="${end + 6}" y="${px(at + 4)}">${escapeHtml(rule.short)}</text>`;
    return `<g class="rule ${escapeHtml(rule.key)}"><path class="line" d="M${MARGIN.left} ${at}H${end}"/>${text}</g>`;
  });
  const bands = (spec.bands ?? []).map(
    ({ key, points }) => `<path class="band ${escapeHtml(key)}" d="${bandPath(points, x, y)}"/>`,
  );
  const parts = [
    shade?.box ?? "",
    drawAxes(spec, x, y, top, stepTicks(x.domain), logTicks(y.domain, spec.yTickLabel)),
    shade?.words ?? "",
    ...rules,
    `<g clip-path="url(#${escapeHtml(spec.id)}-clip)">${bands.join("")}${curves.join("")}</g>`,
    `<path class="cursor" d="M0 ${top}V${bottom}" visibility="hidden"/>`,
    legend.svg,
  ];
  // Two pixels of air: markers and line ends on the border stay whole.
  const clip = `<clipPath id="${escapeHtml(spec.id)}-clip"><rect ${attributes({
    x: MARGIN.left - 5,
    y: top - 5,
    width: end - MARGIN.left + 10,
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
