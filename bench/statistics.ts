// What is said of the samples of one case. All of it by ranks, since times have long tails.
import { median, quantile } from "../src/quantiles.ts";

/** How far medians of halves may lie apart, as a share of the median of all. */
export const AGREEMENT = 0.05;
/** Halves of three samples are the least that say something. */
export const MIN_SAMPLES = 6;

export interface Summary {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly samples: number;
  readonly stable: boolean;
}

export function summarise(samples: readonly number[]): Summary {
  return {
    median: median(samples),
    p10: quantile(samples, 0.1),
    p90: quantile(samples, 0.9),
    samples: samples.length,
    stable: isStable(samples),
  };
}

/**
 * Whether medians of halves agree within 5 %: of the first and the second half, which differ where times drift, and of
 * every other sample, which differ where times take turns between two values. False for fewer than six samples.
 */
export function isStable(samples: readonly number[]): boolean {
  if (samples.length < MIN_SAMPLES) return false;
  const half = samples.length >> 1;
  const scale = median(samples);
  const agree = (a: readonly number[], b: readonly number[]) => Math.abs(median(a) - median(b)) <= AGREEMENT * scale;
  const even = samples.filter((_, i) => i % 2 === 0);
  const odd = samples.filter((_, i) => i % 2 === 1);
  return agree(samples.slice(0, half), samples.slice(samples.length - half)) && agree(even, odd);
}

/** How often a peer's time is ours: the median over rounds of theirs / ours, each the median of its round. */
export function ratioOfRounds(ours: readonly (readonly number[])[], theirs: readonly (readonly number[])[]): number {
  const ratios: number[] = [];
  theirs.forEach((round, i) => {
    if (round.length > 0 && (ours[i]?.length ?? 0) > 0) ratios.push(median(round) / median(ours[i]!));
  });
  return median(ratios);
}
