/**
 * How far the distributions of two sets of molecules are apart, as MiDi (arXiv 2302.09048) and VoxMol (arXiv
 * 2306.07473) compare samples with data.
 */
import type { Bin, FeatureKind } from "./features.ts";

/** Distances of a set from a reference; NaN where a set has nothing to compare. */
export interface DistributionDistances {
  /** Total variation, the sum of |p - q| over elements, from 0 to 2. */
  readonly atomTypes: number;
  /** The same over the types of bonds of all pairs of atoms, those without one too. */
  readonly bondTypes: number;
  /** Wasserstein-1 distance of sums of bond orders, its mean over elements as the reference has them. */
  readonly valencies: number;
  /** The same of bond lengths in Angstrom, over types of bonds as the reference's bonds have them. */
  readonly bondLengths: number;
  /** The same of angles in degrees, over elements as the reference has them at atoms of two bonds or more. */
  readonly bondAngles: number;
}

/** Bins of a class, in the order of their values. */
interface Line {
  readonly bins: readonly number[];
  readonly values: readonly number[];
}

/** Compares counts in bins; made once for all counts in these bins. */
export class DistributionComparison {
  readonly #bins: readonly Bin[];
  readonly #lines = new Map<FeatureKind, Map<number, Line>>();

  constructor(bins: readonly Bin[]) {
    this.#bins = bins;
    const order = bins.map((_, i) => i).sort((a, b) => bins[a]!.value - bins[b]!.value);
    for (const i of order) {
      const { kind, group, value } = bins[i]!;
      const groups = this.#lines.get(kind) ?? new Map<number, { bins: number[]; values: number[] }>();
      const line = groups.get(group) ?? { bins: [], values: [] };
      (line.bins as number[]).push(i);
      (line.values as number[]).push(value);
      this.#lines.set(kind, groups.set(group, line));
    }
  }

  /** @param sample counts in the bins; `reference` too, which says how much each class weighs */
  distances(sample: Float64Array, reference: Float64Array): DistributionDistances {
    const weights = (kind: FeatureKind, least = -Infinity) => this.#weights(reference, kind, least);
    return {
      atomTypes: this.#totalVariation("atomTypes", sample, reference),
      bondTypes: this.#totalVariation("bondTypes", sample, reference),
      valencies: this.#wasserstein("valencies", sample, reference, weights("valencies")),
      bondLengths: this.#wasserstein("bondLengths", sample, reference, weights("bondLengths")),
      bondAngles: this.#wasserstein("bondAngles", sample, reference, weights("valencies", 2)),
    };
  }

  /** How many of each class the reference has, of those with at least a value. */
  #weights(reference: Float64Array, kind: FeatureKind, least: number): Map<number, number> {
    const weights = new Map<number, number>();
    this.#bins.forEach((bin, i) => {
      if (bin.kind !== kind || bin.value < least) return;
      weights.set(bin.group, (weights.get(bin.group) ?? 0) + reference[i]!);
    });
    return weights;
  }

  #totalVariation(kind: FeatureKind, sample: Float64Array, reference: Float64Array): number {
    const line = this.#lines.get(kind)?.get(0);
    if (line === undefined) return NaN;
    const [p, q] = [total(sample, line), total(reference, line)];
    return line.bins.reduce((sum, i) => sum + Math.abs(sample[i]! / p - reference[i]! / q), 0);
  }

  /** A class that one of the sets lacks is not compared: its distance has no meaning. */
  #wasserstein(
    kind: FeatureKind,
    sample: Float64Array,
    reference: Float64Array,
    weights: ReadonlyMap<number, number>,
  ): number {
    let [sum, weight] = [0, 0];
    for (const [group, line] of this.#lines.get(kind) ?? []) {
      const own = weights.get(group) ?? 0;
      const distance = wasserstein(line, sample, reference);
      if (own === 0 || Number.isNaN(distance)) continue;
      sum += own * distance;
      weight += own;
    }
    return sum / weight;
  }
}

/** The area between two cumulative distributions. */
function wasserstein(line: Line, sample: Float64Array, reference: Float64Array): number {
  const [p, q] = [total(sample, line), total(reference, line)];
  if (p === 0 || q === 0) return NaN;
  let [difference, area] = [0, 0];
  line.bins.forEach((bin, i) => {
    if (i > 0) area += Math.abs(difference) * (line.values[i]! - line.values[i - 1]!);
    difference += sample[bin]! / p - reference[bin]! / q;
  });
  return area;
}

function total(counts: Float64Array, { bins }: Line): number {
  return bins.reduce((sum, i) => sum + counts[i]!, 0);
}
