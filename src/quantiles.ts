/** The value below which a share `q` of the samples lies, linear between ranks. NaN without samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = q * (sorted.length - 1);
  const below = sorted[Math.floor(rank)];
  if (below === undefined) return NaN;
  const above = sorted[Math.ceil(rank)]!;
  return below + (rank - Math.floor(rank)) * (above - below);
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}
