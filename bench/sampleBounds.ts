// What is known of samples that were not kept: between which two values each of them lies, in ascending order.

/** Of each of the sorted samples the least and the greatest value that it may have; the same where it is known. */
export interface SampleBounds {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Samples of which up to so many are all kept in a condensed record, and of more so many. */
const KEPT = 21;

/** Ranks, from 0, of the sorted samples that a condensed record keeps: all of few, else each twentieth part. */
export function keptRanks(count: number): number[] {
  const kept = Math.min(count, KEPT);
  return Array.from({ length: kept }, (_, i) => (kept === 1 ? 0 : Math.round((i * (count - 1)) / (kept - 1))));
}

/** Of samples that are all known, in any order. */
export function boundsOfSamples(samples: readonly number[]): SampleBounds {
  const sorted = [...samples].sort((a, b) => a - b);
  return { low: sorted, high: sorted };
}

/** Of `count` samples of which those at `keptRanks` are known: each other one lies between its known neighbours. */
export function boundsOfKept(kept: readonly number[], count: number, median: number): SampleBounds {
  const ranks = keptRanks(count);
  const low = new Array<number>(count);
  const high = new Array<number>(count);
  ranks.forEach((rank, i) => {
    const next = ranks[i + 1] ?? count;
    low.fill(kept[i]!, rank, next);
    high[rank] = kept[i]!;
    if (i + 1 < ranks.length) high.fill(kept[i + 1]!, rank + 1, next);
  });
  return aroundMedian({ low, high }, median);
}

/**
 * Of `count` times with this median, mean and standard deviation (over count - 1), by Cantelli's inequality: whatever
 * their distribution, at most a share v / (v + d^2) of them lies d or more above the mean, or below it, where v is the
 * mean square deviation. Without mean and deviation only the median is known.
 */
export function boundsOfMoments(
  count: number,
  median: number,
  moments?: { readonly mean: number; readonly stddev: number },
): SampleBounds {
  const { mean, stddev } = moments ?? { mean: 0, stddev: Infinity };
  const deviation = stddev * Math.sqrt((count - 1) / count);
  const ranks = Array.from({ length: count }, (_, i) => i);
  const reach = (inside: number, outside: number) => (inside === 0 ? 0 : deviation * Math.sqrt(inside / outside));
  const low = ranks.map((i) => Math.max(0, mean - reach(count - 1 - i, i + 1)));
  const high = ranks.map((i) => (moments ? mean + reach(i, count - i) : Infinity));
  return aroundMedian({ low, high }, median);
}

/** The lower half lies at or below the median, the upper half at or above, and one in the middle is the median. */
function aroundMedian({ low, high }: SampleBounds, median: number): SampleBounds {
  const last = low.length - 1;
  const clip = (value: number, i: number): number =>
    2 * i === last ? median : 2 * i < last ? Math.min(value, median) : Math.max(value, median);
  return { low: low.map(clip), high: high.map(clip) };
}
