import { escapeHtml, px } from "./html.ts";
import type { Scale, Tick } from "./scale.ts";

/** Width of a chart's picture in pixels. */
export const CHART_WIDTH = 920;

/** The box that a chart's curves lie in, in pixels of its picture, y downwards. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Axis {
  readonly scale: Scale;
  readonly ticks: readonly Tick[];
  readonly name: string;
}

const gridClass = ({ label }: Tick): string => (label === undefined ? "grid minor" : "grid");

/** Lines across the plot at the ticks, their labels left of it, and the axis' name, upright, at the picture's edge. */
export function leftAxis({ left, right, top, bottom }: Plot, { scale, ticks, name }: Axis): string {
  const lines = ticks.map((tick) => {
    const at = px(scale(tick.value));
    const line = `<path class="${gridClass(tick)}" d="M${left} ${at}H${right}"/>`;
    if (tick.label === undefined) return line;
    return `${line}<text x="${left - 9}" y="${px(at + 4)}" text-anchor="end">${escapeHtml(tick.label)}</text>`;
  });
  const place = `translate(14 ${(top + bottom) / 2}) rotate(-90)`;
  const title = `<text transform="${place}" text-anchor="middle">${escapeHtml(name)}</text>`;
  return `<g class="axes">${lines.join("")}${title}</g>`;
}

/**
 * The line below the plot, with labels of the ticks and the axis' name under it.
 * @param grid lines through the plot at the ticks, in place of short marks
 */
export function bottomAxis(
  { left, right, top, bottom }: Plot,
  { scale, ticks, name }: Axis,
  { grid = false } = {},
): string {
  const lines = ticks.map((tick) => {
    const at = px(scale(tick.value));
    const line = grid
      ? `<path class="${gridClass(tick)}" d="M${at} ${top}V${bottom}"/>`
      : `<path class="tick" d="M${at} ${bottom}v5"/>`;
    if (tick.label === undefined) return line;
    return `${line}<text x="${at}" y="${bottom + 20}" text-anchor="middle">${escapeHtml(tick.label)}</text>`;
  });
  const frame = `<path class="axis" d="M${left} ${bottom}H${right}"/>`;
  const place = `x="${(left + right) / 2}" y="${bottom + 42}" text-anchor="middle"`;
  return `<g class="axes">${lines.join("")}${frame}<text ${place}>${escapeHtml(name)}</text></g>`;
}
