import type { ChartPoint } from "./paths.ts";

/**
 * Running geometric mean of a curve over at most `window` neighbours, centred; the window shrinks evenly towards both
 * ends, so that a steep start is not smeared. Geometric, because it is drawn on a logarithmic axis. Points that are
 * missing, not finite or not positive are left out of the means and stay gaps.
 */
export function smooth(points: readonly ChartPoint[], window: number): ChartPoint[] {
  const half = Math.max(0, Math.floor((window - 1) / 2));
  const logs = points.map(({ y }) => (y !== null && y > 0 && Number.isFinite(y) ? Math.log(y) : null));
  return points.map((point, i) => {
    if (logs[i] === null) return { x: point.x, y: null };
    const reach = Math.min(half, i, points.length - 1 - i);
    let sum = 0;
    let count = 0;
    for (const value of logs.slice(i - reach, i + reach + 1)) {
      if (value === null) continue;
      sum += value;
      count++;
    }
    return { x: point.x, y: Math.exp(sum / count) };
  });
}

/** Width of the running mean for so many logged steps: about a thirtieth of them, odd, from 1 to 201. */
export function smoothingWindow(count: number): number {
  const half = Math.min(100, Math.floor(count / 60));
  return 2 * half + 1;
}

/**
 * A curve thinned to at most 2 * `buckets` points for drawing: of each bucket of neighbours the lowest and the highest,
 * in their order, so that spikes stay. A thinned curve has no gaps.
 */
export function thinExtremes(points: readonly ChartPoint[], buckets: number): ChartPoint[] {
  if (points.length <= 2 * buckets) return [...points];
  const finite = points.filter((point) => point.y !== null && Number.isFinite(point.y));
  const size = Math.max(1, finite.length / buckets);
  const kept: ChartPoint[] = [];
  for (let start = 0; Math.round(start) < finite.length; start += size) {
    const bucket = finite.slice(Math.round(start), Math.round(start + size));
    if (bucket.length === 0) continue;
    const low = bucket.reduce((a, b) => (b.y! < a.y! ? b : a));
    const high = bucket.reduce((a, b) => (b.y! > a.y! ? b : a));
    kept.push(...(low === high ? [low] : low.x < high.x ? [low, high] : [high, low]));
  }
  return kept;
}

/** At most `count` of the items, evenly spread, the first and the last among them. */
export function thinEvenly<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]!);
}
