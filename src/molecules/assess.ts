/** Figures of a set of molecules as papers on generated molecules have them, with errors by the bootstrap. */
import { Random } from "../random.ts";
import { DistributionComparison, type DistributionDistances } from "./distributionDistances.ts";
import type { FeatureSpace } from "./features.ts";
import type { Judged } from "./judgedSet.ts";

/** A share with its standard error; NaN of nothing. */
export interface Share {
  readonly count: number;
  readonly of: number;
  readonly share: number;
  readonly shareStdErr: number;
}

/** A distance from the reference, with its standard error over the sample's molecules. */
export interface Distance {
  readonly value: number;
  readonly valueStdErr: number;
  /** What as many molecules of the reference itself would show, drawn at random: the mean over draws. */
  readonly floor: number;
}

/** The figures of a set. */
export interface Assessment {
  readonly molecules: number;
  /** Molecules that are valid in their largest part (EDM, arXiv 2203.17003; MiDi, arXiv 2302.09048). */
  readonly valid: Share;
  /** Molecules that hang together as a whole (MiDi). */
  readonly connected: Share;
  /** Different ones among the valid (EDM). It falls as sets grow, so it has no error and is for sets of one size. */
  readonly unique: Share;
  /** Of the different ones, those that the reference has not (EDM, MiDi); without a reference undefined. */
  readonly novel?: Share;
  /** Atoms with a usual number of bonds (EDM). */
  readonly stableAtoms: Share;
  /** Molecules all of whose atoms have (EDM). */
  readonly stableMolecules: Share;
  /** How many molecules are invalid, by reason. */
  readonly invalid: Readonly<Record<string, number>>;
  readonly distances?: Readonly<Record<keyof DistributionDistances, Distance>>;
}

export interface AssessOptions {
  readonly seed: number;
  /** Draws of the bootstrap. */
  readonly draws: number;
}

/** Assesses judged molecules, against those of a reference where there are any. */
export function assess(
  sample: readonly Judged[],
  reference: readonly Judged[] | undefined,
  space: FeatureSpace,
  { seed, draws }: AssessOptions,
): Assessment {
  const random = new Random(seed);
  const resamples = Array.from({ length: draws }, () => drawn(random, sample.length, sample.length));
  const share = (
    items: readonly Judged[],
    holds: (one: Judged) => number,
    weight: (one: Judged) => number = () => 1,
  ) => {
    const [tops, bottoms] = [items.map(holds), items.map(weight)];
    const ratio = (which: ArrayLike<number>) => at(tops, which) / at(bottoms, which);
    const count = sum(tops);
    const of = sum(bottoms);
    return { count, of, share: count / of, shareStdErr: deviation(resamples.map(ratio)) };
  };
  const codes = new Set(sample.flatMap(({ code }) => code ?? []));
  const valid = share(sample, ({ code }) => Number(code !== undefined));
  const unique = { count: codes.size, of: valid.count, share: codes.size / valid.count, shareStdErr: NaN };
  const invalid: Record<string, number> = {};
  for (const { invalid: reason } of sample) if (reason !== undefined) invalid[reason] = (invalid[reason] ?? 0) + 1;
  return {
    molecules: sample.length,
    valid,
    connected: share(sample, ({ parts }) => Number(parts === 1)),
    unique,
    ...(reference && { novel: novelty(codes, reference) }),
    stableAtoms: share(
      sample,
      ({ stableAtoms }) => stableAtoms,
      ({ atoms }) => atoms,
    ),
    stableMolecules: share(sample, ({ stableAtoms, atoms }) => Number(stableAtoms === atoms)),
    invalid,
    ...(reference && { distances: distances(sample, reference, space, resamples, random) }),
  };
}

/** Its error is that of so many independent draws. */
function novelty(codes: ReadonlySet<string>, reference: readonly Judged[]): Share {
  const known = new Set(reference.flatMap(({ code }) => code ?? []));
  const count = [...codes].filter((code) => !known.has(code)).length;
  const of = codes.size;
  const share = count / of;
  return { count, of, share, shareStdErr: Math.sqrt((share * (1 - share)) / of) };
}

function distances(
  sample: readonly Judged[],
  reference: readonly Judged[],
  space: FeatureSpace,
  resamples: readonly Uint32Array[],
  random: Random,
): Record<keyof DistributionDistances, Distance> {
  const comparison = new DistributionComparison(space.bins);
  const size = space.bins.length;
  const all = (set: readonly Judged[]) => Uint32Array.from(set, (_, i) => i);
  const target = counts(reference, all(reference), size);
  const from = (set: readonly Judged[], which: Uint32Array) => comparison.distances(counts(set, which, size), target);
  const values = from(sample, all(sample));
  const spread = resamples.map((which) => from(sample, which));
  const floors = resamples.map(() => from(reference, drawn(random, reference.length, sample.length)));
  const names = Object.keys(values) as (keyof DistributionDistances)[];
  const entries = names.map((name): [keyof DistributionDistances, Distance] => {
    const valueStdErr = deviation(spread.map((one) => one[name]));
    return [name, { value: values[name], valueStdErr, floor: sum(floors.map((one) => one[name])) / floors.length }];
  });
  return Object.fromEntries(entries) as Record<keyof DistributionDistances, Distance>;
}

/** Counts in all bins of some molecules, which may be named more than once. */
function counts(set: readonly Judged[], which: Uint32Array, size: number): Float64Array {
  const found = new Float64Array(size);
  for (const i of which) {
    const { bins, counts: own } = set[i]!.features;
    for (let k = 0; k < bins.length; k++) found[bins[k]!]! += own[k]!;
  }
  return found;
}

/** So many places of a set, each drawn with all still there. */
function drawn(random: Random, of: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, () => random.int(of));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function at(values: readonly number[], which: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < which.length; i++) total += values[which[i]!]!;
  return total;
}

function deviation(values: readonly number[]): number {
  const mean = sum(values) / values.length;
  return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1));
}
