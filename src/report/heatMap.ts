import { CHART_WIDTH } from "./axes.ts";
import { attributes, escapeHtml, px } from "./html.ts";
import { twoDecimals } from "./numbers.ts";
import { isFiniteNumber } from "./types.ts";

/** A number in its place; `title` is what a pointer over it says. */
export interface HeatCell {
  readonly value: number | null;
  readonly title?: string;
  /** In place of the formatted value. */
  readonly text?: string;
}

/** Columns under a common heading; groups stand a little apart. */
export interface HeatColumns {
  readonly heading: string;
  readonly columns: readonly string[];
}

export interface HeatMapSpec {
  /** One sentence for people who cannot see the chart. */
  readonly description: string;
  /** What the colours mean. */
  readonly legend: string;
  /** From what value to what colours go: 0 has none, what is below it another hue. The first is not above 0. */
  readonly domain: readonly [number, number];
  readonly groups: readonly HeatColumns[];
  /** From top to bottom, each with a cell a column. */
  readonly rows: readonly { readonly label: string; readonly cells: readonly HeatCell[] }[];
  /** Two decimals by default. */
  readonly format?: (value: number) => string;
}

const RIGHT = CHART_WIDTH - 8;
const ROW = 24;
const GAP = 10;
/** Of the page's small letters, in pixels a character. */
const CHARACTER = 6.8;
const LEGEND = { top: 8, width: 168, height: 12, steps: 42 };
const HEADINGS = 62;
const LABELS = 82;
const TOP = 92;
/** From this share of colour on, numbers are written in the page's colour. */
const STRONG = 0.7;
/** Cells below this width have smaller numbers. */
const NARROW = 36;

/** A table of numbers whose cells are coloured by value, as inline SVG that reads without script and in print. */
export function heatMap(spec: HeatMapSpec): string {
  const { groups, rows, description } = spec;
  const left = Math.ceil(Math.max(0, ...rows.map(({ label }) => label.length)) * CHARACTER) + 12;
  const count = groups.reduce((sum, { columns }) => sum + columns.length, 0);
  const width = (RIGHT - left - GAP * (groups.length - 1)) / Math.max(count, 1);
  const places = groups.flatMap(({ columns }, g) => columns.map(() => g)).map((g, i) => left + i * width + g * GAP);
  const drawn = rows.map(({ label, cells }, r) => {
    const y = TOP + r * ROW;
    const name = `<text ${attributes({ class: "name", x: left - 8, y: y + 16 })}>${escapeHtml(label)}</text>`;
    return name + cells.map((cell, i) => drawCell(cell, { x: places[i]!, y, width }, spec)).join("");
  });
  const viewBox = `0 0 ${CHART_WIDTH} ${TOP + rows.length * ROW + 4}`;
  const svg = attributes({ viewBox, role: "img", "aria-label": description });
  const parts = [drawLegend(spec, left), drawHeadings(groups, places, width), ...drawn];
  return `<div class="chart heat"><svg ${svg}>${parts.join("")}</svg></div>`;
}

/** How a value's cell is coloured: without colour at 0, in full at the ends of the domain. */
function colourOf(value: number, [low, high]: readonly [number, number]): { isBelow: boolean; opacity: number } {
  const isBelow = value < 0;
  const share = isBelow ? value / (low || -Infinity) : value / high;
  return { isBelow, opacity: Number(Math.min(1, share).toFixed(3)) };
}

function drawCell(cell: HeatCell, at: { x: number; y: number; width: number }, spec: HeatMapSpec): string {
  const { value, title, text } = cell;
  const { format = twoDecimals } = spec;
  const known = isFiniteNumber(value);
  const { isBelow, opacity } = colourOf(known ? value : 0, spec.domain);
  const box = { x: px(at.x + 0.5), y: at.y + 0.5, width: px(at.width - 1), height: ROW - 1 };
  const place = { x: px(at.x + at.width / 2), y: at.y + 16 };
  const words = text ?? (known ? format(value) : "–");
  const names = [isBelow ? "below" : "", opacity > STRONG ? "strong" : "", at.width < NARROW ? "narrow" : ""];
  const label = title === undefined ? "" : `<title>${escapeHtml(title)}</title>`;
  const classes = names.filter(Boolean).join(" ");
  return (
    `<g${classes && ` class="${classes}"`}>${label}` +
    `<rect ${attributes({ ...box, "fill-opacity": opacity })}/>` +
    `<text ${attributes(place)}>${escapeHtml(words)}</text></g>`
  );
}

function drawHeadings(groups: readonly HeatColumns[], places: readonly number[], width: number): string {
  let at = 0;
  const parts = groups.map(({ heading, columns }) => {
    const own = places.slice(at, at + columns.length);
    at += columns.length;
    const [from, to] = [own[0] ?? 0, (own.at(-1) ?? 0) + width];
    const line = `<path d="M${px(from + 1)} ${HEADINGS + 5}H${px(to - 1)}"/>`;
    const names = columns.map(
      (column, i) => `<text ${attributes({ x: px(own[i]! + width / 2), y: LABELS })}>${escapeHtml(column)}</text>`,
    );
    const over = attributes({ x: px((from + to) / 2), y: HEADINGS });
    return `<text ${over}>${escapeHtml(heading)}</text>${line}${names.join("")}`;
  });
  return `<g class="headings">${parts.join("")}</g>`;
}

/** A bar of the colours from the lowest to the highest value. */
function drawLegend({ domain, legend, format = twoDecimals }: HeatMapSpec, left: number): string {
  const { top, height, steps } = LEGEND;
  const [low, high] = domain.map(format) as [string, string];
  const from = left + low.length * CHARACTER + 6;
  const step = LEGEND.width / steps;
  const bars = Array.from({ length: steps }, (_, i) => {
    const { isBelow, opacity } = colourOf(domain[0] + ((i + 0.5) / steps) * (domain[1] - domain[0]), domain);
    const box = { x: px(from + i * step), y: top, width: step, height };
    return attributes({ class: isBelow ? "below" : undefined, ...box, "fill-opacity": opacity });
  });
  const to = from + LEGEND.width;
  const text = (x: number, words: string) =>
    `<text ${attributes({ x: px(x), y: top + 10 })}>${escapeHtml(words)}</text>`;
  return (
    `<g class="bar-legend">${text(left, low)}${bars.map((bar) => `<rect ${bar}/>`).join("")}` +
    `<rect ${attributes({ class: "frame", x: px(from), y: top, width: LEGEND.width, height })}/>` +
    `${text(to + 6, high)}${text(to + 24 + high.length * CHARACTER, legend)}</g>`
  );
}
