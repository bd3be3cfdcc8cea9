// Names beside points of a scatter: each at the nearest place where it covers nothing.

import { attributes, escapeHtml, px } from "./html.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface LabelledPoint {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  /** Of the point's circle, in pixels; with a little air 6 unless given. */
  readonly radius?: number;
}

export interface PlacedLabel extends LabelledPoint {
  readonly box: Box;
  /** Square pixels of other things that the name and its leader cover. */
  readonly covered: number;
}

/** Of the page's small digits and letters, in pixels a character. */
const CHARACTER = 7;
const HEIGHT = 14;
const RADIUS = 6;

const overlap = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) *
  Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y));

/**
 * Places the labels within `area`, those of crowded points first; where nothing is free, at the place that covers
 * least.
 */
export function placeLabels(
  points: readonly LabelledPoint[],
  area: Box,
  obstacles: readonly Box[] = [],
): PlacedLabel[] {
  const taken: Box[] = [...points.map(({ x, y, radius = RADIUS }) => boxAround(x, y, radius)), ...obstacles];
  const near = (point: LabelledPoint): number =>
    points.filter((other) => Math.hypot(other.x - point.x, other.y - point.y) < 60).length;
  const order = [...points].sort((a, b) => near(b) - near(a) || a.y - b.y || a.x - b.x);
  const placed = new Map<LabelledPoint, PlacedLabel>();
  for (const point of order) {
    const best = candidates(point, area)
      .map((box) => ({ ...point, box, covered: coveredBy(point, box, taken) }))
      .reduce((least, next) => (next.covered < least.covered - 1e-9 ? next : least));
    taken.push(best.box);
    placed.set(point, best);
  }
  return points.map((point) => placed.get(point)!);
}

/** The square around a circle. */
export const boxAround = (x: number, y: number, radius: number): Box => ({
  x: x - radius,
  y: y - radius,
  width: 2 * radius,
  height: 2 * radius,
});

/** Boxes along a straight line, for names to keep off it. */
export function boxesAlong(from: { x: number; y: number }, to: { x: number; y: number }): Box[] {
  const count = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 12));
  return Array.from({ length: count + 1 }, (_, i) => {
    const [x, y] = [from.x + ((to.x - from.x) * i) / count, from.y + ((to.y - from.y) * i) / count];
    return { x: x - 7, y: y - 4, width: 14, height: 8 };
  });
}

/** The name as SVG, with a leader where it could not stand at its point. */
export function drawLabel({ x, y, text, radius = RADIUS, box }: PlacedLabel): string {
  const to = leaderEnd({ x, y }, box);
  const isFar = Math.hypot(to.x - x, to.y - y) > radius + 8;
  const leader = isFar ? `<path class="leader" d="M${px(x)} ${px(y)}L${px(to.x)} ${px(to.y)}"/>` : "";
  // Names end or begin at their points, whatever the font's widths are.
  const isLeft = box.x + box.width <= x;
  const place = {
    x: px(isLeft ? box.x + box.width : box.x),
    y: px(box.y + 11),
    "text-anchor": isLeft ? "end" : undefined,
  };
  return `${leader}<text ${attributes(place)}>${escapeHtml(text)}</text>`;
}

/** Pixels that the label covers of what is there, and the same for its leader, as if that were a few pixels wide. */
function coveredBy(point: LabelledPoint, candidate: Box, taken: readonly Box[]): number {
  const to = leaderEnd(point, candidate);
  const [dx, dy] = [to.x - point.x, to.y - point.y];
  // From outside the point's own surroundings on.
  const steps = Math.max(0, Math.floor((Math.hypot(dx, dy) - (point.radius ?? RADIUS) - 8) / 8));
  const along = Array.from({ length: steps }, (_, i) => {
    const at = 1 - (i * 8) / Math.hypot(dx, dy);
    return { x: point.x + at * dx - 1.5, y: point.y + at * dy - 1.5, width: 3, height: 3 };
  });
  return taken.reduce(
    (sum, box) => along.reduce((all, piece) => all + overlap(piece, box), sum + overlap(candidate, box)),
    0,
  );
}

/** Where a line from the point meets its label. */
function leaderEnd({ x, y }: { x: number; y: number }, box: Box): { x: number; y: number } {
  return {
    x: Math.min(Math.max(x, box.x), box.x + box.width),
    y: Math.min(Math.max(y, box.y + 2), box.y + box.height - 2),
  };
}

/** Places around the point, near ones first, that lie inside the area. */
function candidates({ x, y, text, radius = RADIUS }: LabelledPoint, area: Box): Box[] {
  const width = text.length * CHARACTER + 4;
  const found: Box[] = [];
  for (let distance = radius + 2; distance <= radius + 234; distance += 8) {
    for (const angle of [0, 180, -30, 30, 210, 150, -60, 60, 240, 120, -90, 90]) {
      const [dx, dy] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
      const centreX = x + distance * dx + (Math.abs(dx) < 0.01 ? 0 : (Math.sign(dx) * width) / 2);
      const box = { x: centreX - width / 2, y: y + distance * dy - HEIGHT / 2, width, height: HEIGHT };
      const isInside =
        box.x >= area.x &&
        box.x + width <= area.x + area.width &&
        box.y >= area.y &&
        box.y + HEIGHT <= area.y + area.height;
      if (isInside) found.push(box);
    }
  }
  // A name wider than the area has no place inside.
  return found.length > 0 ? found : [{ x: area.x, y: y - HEIGHT / 2, width, height: HEIGHT }];
}
