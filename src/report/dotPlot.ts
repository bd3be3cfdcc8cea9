import { bottomAxis, CHART_WIDTH, type Plot } from "./axes.ts";
import { attributes, escapeHtml, px } from "./html.ts";
import { markerShape, type Marker } from "./paths.ts";
import { linearScale, linearTicks, logDomain, logScale, logTicks, type Scale } from "./scale.ts";
import { isFiniteNumber } from "./types.ts";

/** What a row has a point for; `key` is a class name that the style sheet colours. */
export interface DotSeries {
  readonly key: string;
  readonly label: string;
  readonly marker: Marker;
}

/** A value and what is known of its error, to either side. */
export interface DotValue {
  readonly value: number | null;
  readonly error?: number | null;
  /** In place of an error to either side. */
  readonly interval?: readonly [low: number, high: number] | null;
}

/** Points over an axis of their own, beside the others. */
export interface DotPanel {
  readonly name: string;
  /** Of the width of all panels, relative to the others. */
  readonly width: number;
  readonly series: readonly DotSeries[];
  /** A linear axis over this range; a logarithmic one over all values by default. */
  readonly range?: readonly [number, number];
  /** Decimals and unit of values in the words of a pointer over them. */
  readonly format: (value: number) => string;
  readonly tickLabel?: (value: number) => string;
}

/** A row: for each panel a value a series. */
export interface DotRow {
  readonly label: string;
  readonly values: readonly (readonly DotValue[])[];
}

export interface DotPlotSpec {
  /** One sentence for people who cannot see the chart. */
  readonly description: string;
  readonly panels: readonly DotPanel[];
  /** From top to bottom. */
  readonly rows: readonly DotRow[];
}

const TOP = 34;
const ROW = 21;
const GAP = 34;
const RIGHT = 16;
/** Points of a row's series lie so far apart. */
const SHIFT = 4.5;
/** Pixels between ticks of a linear axis, at least. */
const TICK = 70;
/** Of the page's small letters, in pixels a character. */
const CHARACTER = 7;

/** Values with error marks in rows, on axes side by side, as inline SVG that reads without script and in print. */
export function dotPlot({ description, panels, rows }: DotPlotSpec): string {
  const left = Math.ceil(Math.max(0, ...rows.map(({ label }) => label.length)) * CHARACTER) + 14;
  const bottom = TOP + rows.length * ROW;
  const whole = panels.reduce((sum, { width }) => sum + width, 0);
  const room = CHART_WIDTH - RIGHT - left - GAP * (panels.length - 1);
  let at = left;
  const drawn = panels.map((panel, p) => {
    const plot: Plot = { left: at, right: at + (room * panel.width) / whole, top: TOP, bottom };
    at = plot.right + GAP;
    return drawPanel(panel, p, plot, rows);
  });
  const lines = rows.map(({ label }, r) => {
    const y = middleOf(r);
    const across = `<path class="grid minor" d="M${left} ${y}H${CHART_WIDTH - RIGHT}"/>`;
    const text = attributes({ class: "name", x: left - 8, y: y + 4, "text-anchor": "end" });
    return `${across}<text ${text}>${escapeHtml(label)}</text>`;
  });
  const viewBox = `0 0 ${CHART_WIDTH} ${bottom + 48}`;
  const svg = attributes({ viewBox, role: "img", "aria-label": description });
  return `<div class="chart dots"><svg ${svg}>${lines.join("")}${drawn.join("")}</svg></div>`;
}

const middleOf = (row: number): number => TOP + (row + 0.5) * ROW;

function drawPanel(panel: DotPanel, index: number, plot: Plot, rows: readonly DotRow[]): string {
  const { series, range, tickLabel, format } = panel;
  const values = rows.flatMap(({ values: own }) => own[index] ?? []);
  const axis = [plot.left, plot.right] as const;
  // To the upper ends of the errors; the lower ones may lie decades below.
  const ends = values.flatMap(({ value, error }) => (value !== null && value > 0 ? [value, value + (error ?? 0)] : []));
  const x = range ? linearScale(range, axis) : logScale(logDomain(ends) ?? [0.1, 1], axis);
  const ticks = range
    ? linearTicks(range, tickLabel ?? String, (axis[1] - axis[0]) / TICK)
    : logTicks(x.domain, tickLabel);
  const marks = rows.flatMap(({ label, values: own }, r) =>
    series.map((one, s) => {
      const value = own[index]?.[s];
      if (!value || !isFiniteNumber(value.value) || (!range && value.value <= 0)) return "";
      const y = middleOf(r) + (s - (series.length - 1) / 2) * SHIFT;
      return drawValue(one, { ...value, value: value.value }, { x, y }, `${label}, ${one.label}: `, format);
    }),
  );
  return (
    bottomAxis(plot, { scale: x, ticks, name: panel.name }, { grid: true }) + legend(panel, plot.left) + marks.join("")
  );
}

function drawValue(
  { key, marker }: DotSeries,
  { value, error, interval }: DotValue & { readonly value: number },
  { x, y }: { x: Scale; y: number },
  name: string,
  format: (value: number) => string,
): string {
  const within = (at: number) => px(x(Math.min(Math.max(at, x.domain[0]), x.domain[1])));
  const known = isFiniteNumber(error);
  const ends = interval ?? (known ? [value - error, value + error] : undefined);
  const whisker = ends ? `<path class="line" d="M${within(ends[0])} ${px(y)}H${within(ends[1])}"/>` : "";
  const said = interval ? ` (${interval.map(format).join(" to ")})` : known ? ` ± ${format(error)}` : "";
  const words = name + format(value) + said;
  return (
    `<g class="${escapeHtml(key)}"><title>${escapeHtml(words)}</title>${whisker}` +
    `<g class="markers">${markerShape(marker, within(value), y)}</g></g>`
  );
}

function legend({ series }: DotPanel, left: number): string {
  let at = left;
  const entries = series.map(({ key, label, marker }) => {
    const x = at + 6;
    at += 24 + label.length * CHARACTER + 12;
    const sample = `<g class="markers">${markerShape(marker, x, 14)}</g>`;
    return `<g class="${escapeHtml(key)}">${sample}<text x="${px(x + 10)}" y="18">${escapeHtml(label)}</text></g>`;
  });
  return `<g class="legend">${entries.join("")}</g>`;
}
