// Whether two sets of times differ by more than their scatter, and by how much.
import { median } from "../src/quantiles.ts";
import { Random } from "../src/random.ts";
import type { SampleBounds } from "./sampleBounds.ts";

/**
 * Two samples of times of the same work compared. Of samples that are not all known, what holds whatever they were:
 * the widest interval and the largest p.
 */
export interface Difference {
  /** 99 % bootstrap interval of the median of the second over the median of the first. */
  readonly low: number;
  readonly high: number;
  /** Two-sided Mann-Whitney: how often samples of one and the same distribution lie at least so far apart. */
  readonly p: number;
  /** The smallest p that so many samples can give. */
  readonly smallestP: number;
  /** Whether p is below the level and the interval leaves out 1. */
  readonly differs: boolean;
  /** Whether that is so of some samples within the bounds; the same as `differs` where all samples are known. */
  readonly mayDiffer: boolean;
}

/** Both questions are asked at this level: two samples of one distribution pass for different at most so often. */
export const LEVEL = 0.01;

const RESAMPLES = 4000;

export function difference(a: SampleBounds, b: SampleBounds, seed = 1): Difference {
  const random = new Random(seed);
  const [medianA, medianB] = [resampler(a, random), resampler(b, random)];
  const least = new Float64Array(RESAMPLES);
  const most = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; i++) {
    const [after, before] = [medianB(), medianA()];
    least[i] = after.low / before.high;
    most[i] = after.high / before.low;
  }
  least.sort();
  most.sort();
  const first = Math.floor((LEVEL / 2) * RESAMPLES);
  const last = RESAMPLES - 1 - first;
  const leavesOut = (low: number, high: number): boolean => low > 1 || high < 1;
  const [low, high] = [least[first]!, most[last]!];
  const p = mannWhitneyWithin(a, b);
  return {
    low,
    high,
    p: p.most,
    smallestP: Math.min(1, 2 / binomial(a.low.length + b.low.length, a.low.length)),
    differs: p.most < LEVEL && leavesOut(low, high),
    mayDiffer: p.least < LEVEL && leavesOut(most[first]!, least[last]!),
  };
}

/** Median of the second half of the samples, in the order taken, over that of the first; 1 for fewer than four. */
export function halvesRatio(samples: readonly number[]): number {
  if (samples.length < 4) return 1;
  const half = samples.length >> 1;
  return median(samples.slice(-half)) / median(samples.slice(0, half));
}

/**
 * Two-sided p of the Mann-Whitney test: the share of all ways to deal the ranks to the two samples whose rank sum is at
 * least as far from its mean as the one seen. Ties share their ranks. Counted exactly for up to `exactUpTo` values in
 * all, by the normal approximation with corrections for continuity and ties beyond.
 */
export function mannWhitney(a: readonly number[], b: readonly number[], exactUpTo = 40): number {
  const ranks = doubledRanks([...a, ...b]);
  return tail(ranks, a.length, Math.abs(rankSum(ranks, a.length) - meanSum(a.length, b.length)), exactUpTo);
}

/**
 * The least and the largest p of all samples within the bounds: rank sums grow with each value of `a` and fall with
 * each of `b`. Ties at the bounds are no ties of samples, so they are not corrected for.
 */
function mannWhitneyWithin(a: SampleBounds, b: SampleBounds): { least: number; most: number } {
  const [countA, countB] = [a.low.length, b.low.length];
  if (a.low === a.high && b.low === b.high) {
    const p = mannWhitney(a.low, b.low);
    return { least: p, most: p };
  }
  const mean = meanSum(countA, countB);
  const away = [
    rankSum(doubledRanks([...a.low, ...b.high]), countA),
    rankSum(doubledRanks([...a.high, ...b.low]), countA),
  ].map((sum) => sum - mean) as [number, number];
  const distances = away.map(Math.abs);
  const nearest = away[0] <= 0 && away[1] >= 0 ? 0 : Math.min(...distances);
  const untied = Array.from({ length: countA + countB }, (_, i) => 2 * (i + 1));
  return { least: tail(untied, countA, Math.max(...distances)), most: tail(untied, countA, nearest) };
}

/** Of doubled ranks, those of `a` first. */
const rankSum = (ranks: readonly number[], count: number): number =>
  ranks.slice(0, count).reduce((sum, rank) => sum + rank, 0);

const meanSum = (countA: number, countB: number): number => countA * (countA + countB + 1);

/** Share of the ways to choose `size` of the doubled ranks whose sum is `away` or more from its mean. */
function tail(ranks: readonly number[], size: number, away: number, exactUpTo = 40): number {
  const total = ranks.length;
  const rest = total - size;
  if (total <= exactUpTo) return exactTail(ranks, size, meanSum(size, rest), away);
  const ties = [...counts(ranks).values()].reduce((sum, t) => sum + t ** 3 - t, 0);
  // Doubled ranks: four times the variance of the rank sum.
  const variance = ((size * rest) / 3) * (total + 1 - ties / (total * (total - 1)));
  if (variance <= 0) return 1;
  return Math.min(1, 2 * normalTail(Math.max(0, away - 1) / Math.sqrt(variance)));
}

/** Twice the rank of each value, which is whole also where equal values share a rank. */
function doubledRanks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const ranks = new Array<number>(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = start + end + 1;
    start = end;
  }
  return ranks;
}

/** Share of the subsets of `size` ranks whose sum is `away` or more from `mean`. */
function exactTail(ranks: readonly number[], size: number, mean: number, away: number): number {
  const width = ranks.reduce((sum, rank) => sum + rank, 0) + 1;
  // ways[k][s]: subsets of k of the ranks so far with sum s.
  const ways = Array.from({ length: size + 1 }, () => new Float64Array(width));
  ways[0]![0] = 1;
  for (const rank of ranks) {
    for (let k = size; k > 0; k--) {
      const [from, to] = [ways[k - 1]!, ways[k]!];
      for (let sum = rank; sum < width; sum++) to[sum]! += from[sum - rank]!;
    }
  }
  let all = 0;
  let tail = 0;
  ways[size]!.forEach((count, sum) => {
    all += count;
    if (Math.abs(sum - mean) >= away) tail += count;
  });
  return tail / all;
}

function counts(values: readonly number[]): Map<number, number> {
  const found = new Map<number, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return found;
}

/** P(Z > z) for z >= 0: the continued fraction of the complementary error function, by Simpson's rule below 3. */
function normalTail(z: number): number {
  const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 3) {
    let fraction = z;
    for (let k = 60; k > 0; k--) fraction = z + k / fraction;
    return density(z) / fraction;
  }
  const steps = 200;
  const h = z / steps;
  let sum = density(0) + density(z);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * h);
  return 0.5 - (sum * h) / 3;
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}

/** Medians of resamples, with replacement, of the samples: by counting how often each of the sorted ones is drawn. */
function resampler({ low, high }: SampleBounds, random: Random): () => { low: number; high: number } {
  const count = low.length;
  const drawn = new Uint32Array(count);
  const indexOf = (rank: number): number => {
    let index = -1;
    for (let below = 0; below <= rank;) below += drawn[++index]!;
    return index;
  };
  return () => {
    drawn.fill(0);
    for (let i = 0; i < count; i++) drawn[Math.floor(random.uint32() * 2 ** -32 * count)]! += 1;
    const [lower, upper] = [indexOf((count - 1) >> 1), indexOf(count >> 1)];
    return { low: (low[lower]! + low[upper]!) / 2, high: (high[lower]! + high[upper]!) / 2 };
  };
}
