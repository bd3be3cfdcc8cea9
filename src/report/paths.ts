import { attributes, px } from "./html.ts";
import type { Scale } from "./scale.ts";

/** A point of a curve; y is null where there is nothing to draw. */
export interface ChartPoint {
  x: number;
  y: number | null;
}

/** What a band spans at one x; null where there is nothing to draw. */
export interface BandPoint {
  x: number;
  low: number | null;
  high: number | null;
}

/** How the marker of a curve looks: shapes tell curves apart without colour. */
export type Marker = "circle" | "square" | "diamond" | "triangle";

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
export function bandPath(points: readonly BandPoint[], x: Scale, y: Scale): string {
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

/** A marker around a point. */
export function markerShape(marker: Marker, cx: number, cy: number): string {
  const at = (dx: number, dy: number): string => `${px(cx + dx)} ${px(cy + dy)}`;
  if (marker === "circle") return `<circle ${attributes({ cx: px(cx), cy: px(cy), r: 3.2 })}/>`;
  if (marker === "square") return `<path d="M${at(-2.9, -2.9)}h5.8v5.8h-5.8Z"/>`;
  if (marker === "diamond") return `<path d="M${at(0, -4.1)}L${at(4.1, 0)}L${at(0, 4.1)}L${at(-4.1, 0)}Z"/>`;
  return `<path d="M${at(0, -3.9)}L${at(3.7, 2.9)}L${at(-3.7, 2.9)}Z"/>`;
}
