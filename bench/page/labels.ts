// Names beside points of a scatter: each at the nearest place where it covers nothing.

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
}

export interface PlacedLabel extends LabelledPoint {
  readonly box: Box;
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
  const around = ({ x, y }: LabelledPoint): Box => ({
    x: x - RADIUS,
    y: y - RADIUS,
    width: 2 * RADIUS,
    height: 2 * RADIUS,
  });
  const taken: Box[] = [...points.map(around), ...obstacles];
  const near = (point: LabelledPoint): number =>
    points.filter((other) => Math.hypot(other.x - point.x, other.y - point.y) < 60).length;
  const order = [...points].sort((a, b) => near(b) - near(a) || a.y - b.y || a.x - b.x);
  const placed = new Map<LabelledPoint, Box>();
  for (const point of order) {
    const box = candidates(point, area)
      .map((candidate) => ({ candidate, covered: coveredBy(point, candidate, taken) }))
      .reduce((best, next) => (next.covered < best.covered - 1e-9 ? next : best)).candidate;
    taken.push(box);
    placed.set(point, box);
  }
  return points.map((point) => ({ ...point, box: placed.get(point)! }));
}

/** Pixels that the label covers of what is there, and the same for its leader, as if that were a few pixels wide. */
function coveredBy(point: LabelledPoint, candidate: Box, taken: readonly Box[]): number {
  const to = leaderEnd(point, candidate);
  const [dx, dy] = [to.x - point.x, to.y - point.y];
  // From outside the point's own surroundings on.
  const steps = Math.max(0, Math.floor((Math.hypot(dx, dy) - 14) / 8));
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
export function leaderEnd({ x, y }: { x: number; y: number }, box: Box): { x: number; y: number } {
  return {
    x: Math.min(Math.max(x, box.x), box.x + box.width),
    y: Math.min(Math.max(y, box.y + 2), box.y + box.height - 2),
  };
}

/** Places around the point, near ones first, that lie inside the area. */
function candidates({ x, y, text }: LabelledPoint, area: Box): Box[] {
  const width = text.length * CHARACTER + 4;
  const found: Box[] = [];
  for (let distance = 8; distance <= 240; distance += 8) {
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
