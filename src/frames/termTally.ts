import { VoxtwirlError } from "../errors.ts";
import { pooledTerms, type Decomposition, type SampleTerms } from "../equivariance/estimators.ts";
import type { Rotation, RotationGroup } from "../equivariance/groups.ts";
import { ratioInterval } from "../equivariance/intervals.ts";
import { requireLoss, squaredError, type Loss } from "../equivariance/losses.ts";
import { sampleTerms } from "../equivariance/sampleTerms.ts";
import { weightedTerms } from "../equivariance/weightedTerms.ts";
import { subsetErrors, TWIRL_COUNTS } from "../equivariance/twirlGain.ts";
import { elementsIn, withoutElements, type Composition } from "../molecules/elementEnergies.ts";
import { Random } from "../random.ts";
import { AngleBins, angleOf } from "./angleBins.ts";
import { DegreeTally } from "./degreeTally.ts";
import { FloorTally } from "./floor.ts";
import { measuredGains, predictedGains, type AveragedSample } from "./frameGains.ts";
import type { FrameTerm } from "./frameTerms.ts";
import type { FrameTermResult, WorstCopy } from "./termResult.ts";
import { verdictsOf } from "./verdict.ts";

/** Predictions for the copies of one structure, turned back. */
export interface TurnedPredictions {
  /** Number of the original frame. */
  readonly frame: number;
  readonly composition: Composition;
  readonly copies: readonly { readonly copy: number; readonly rotation: Rotation; readonly values: Float64Array }[];
  readonly target: Float64Array | undefined;
  readonly perAtom: boolean;
  /** What the rotations are drawn from; all of it where it has weights. */
  readonly group: RotationGroup;
}

/** What is kept of a structure: the terms of its loss, */
interface Entry extends SampleTerms, AveragedSample {
  /** and those of the squared error. */
  readonly squares: SampleTerms;
  readonly elements: number;
  readonly labelled: boolean;
  /** Sum of squares of the mean over copies. */
  readonly signal: number;
  /** Of energies only. */
  readonly composition?: Composition;
  readonly mean: number;
  readonly label: number;
}

/** Collects one term structure by structure, in float64, and keeps a few numbers of each. */
export class TermTally {
  readonly term: FrameTerm;
  readonly floor = new FloorTally();
  readonly degrees = new DegreeTally();
  readonly #entries: Entry[] = [];
  readonly #bins = new AngleBins();
  readonly #loss: Loss;
  /** Decides which predictions are averaged to measure gains. */
  readonly #random = new Random(0);
  #largest = 0;
  #worst: WorstCopy | null = null;

  /** @throws VoxtwirlError "bad-option" unless the loss is one of single numbers */
  constructor(term: FrameTerm, loss: Loss) {
    requireLoss(loss);
    if ((loss.numbersEach ?? 1) > 1) {
      const message = `the loss ${loss.name} is of distributions, which no term of frames is`;
      throw new VoxtwirlError("bad-option", message, "Give absoluteError, huber({ delta }) or another of numbers.");
    }
    this.term = term;
    this.#loss = loss;
  }

  /** How many structures came with a label, and how many without. */
  get counts(): { labelled: number; unlabelled: number } {
    const labelled = this.#entries.filter((entry) => entry.labelled).length;
    return { labelled, unlabelled: this.#entries.length - labelled };
  }

  /** @param turned at least two copies, whose values are finite and as many as those of the target */
  add(turned: TurnedPredictions): void {
    const { copies, target, composition, group, frame } = turned;
    const { order: groupOrder, weights } = group;
    const rotations = copies.length;
    const elements = copies[0]!.values.length;
    const predictions = new Float64Array(rotations * elements);
    copies.forEach(({ values }, i) => predictions.set(values, i * elements));
    const mean = new Float64Array(elements);
    copies.forEach(({ values }, i) => {
      const weight = weights?.[i] ?? 1 / rotations;
      for (let e = 0; e < elements; e++) mean[e]! += weight * values[e]!;
    });
    const sample = { predictions, target: target ?? mean, rotations, groupOrder };
    const termsOf = weights ? weightedTerms(weights) : sampleTerms;
    const squares = termsOf(squaredError, sample, frame);
    const isSquared = this.#loss === squaredError;
    const counts = isSquared || weights ? [] : TWIRL_COUNTS.filter((count) => count <= rotations);
    this.degrees.add({ ...sample, group, rotations: copies.map(({ rotation }) => rotation) });
    this.#entries.push({
      ...(isSquared ? squares : termsOf(this.#loss, sample, frame)),
      ...{ squares, errors: subsetErrors(this.#loss, sample, counts, this.#random) },
      elements,
      labelled: target !== undefined,
      signal: mean.reduce((sum, value) => sum + value * value, 0),
      ...(this.term.energy && { composition }),
      mean: mean[0]!,
      label: target?.[0] ?? NaN,
    });
    // The mean is of these copies too, and so nearer to them than that over all rotations.
    const spread = copies.reduce((sum, { values }) => sum + distance(values, mean, 0, elements), 0);
    const unbiased = weights === undefined && spread > 0 ? (squares.equiv * rotations) / spread : 1;
    for (const { copy, rotation, values } of copies) {
      const angle = angleOf(rotation);
      const error = target && distance(values, target, 0, elements);
      this.#bins.add(angle, elements, unbiased * distance(values, mean, 0, elements), error);
      this.#findWorst(turned, { copy, rotation, angle }, values, mean);
    }
  }

  #findWorst(
    { frame, composition, perAtom }: TurnedPredictions,
    copy: Pick<WorstCopy, "copy" | "rotation" | "angle">,
    values: Float64Array,
    mean: Float64Array,
  ): void {
    const { size } = this.term;
    const atoms = [...composition.values()].reduce((sum, count) => sum + count, 0);
    for (let at = 0; at < values.length; at += size) {
      const far = Math.sqrt(distance(values, mean, at, at + size));
      if (!(far > this.#largest)) continue;
      this.#largest = far;
      const atom = perAtom ? 1 + Math.floor(at / (values.length / atoms)) : null;
      this.#worst = { frame, atom, ...copy };
    }
  }

  /**
   * Undefined without any structure. Where some have labels, the losses are of these.
   *
   * @param energyUnit that of energies, where it is known
   * @param tolerance the floor, in place of what was found
   */
  result(energyUnit?: string, tolerance?: number): FrameTermResult | undefined {
    const labelled = this.#entries.some((entry) => entry.labelled);
    const entries = this.#entries.filter((entry) => entry.labelled === labelled);
    if (entries.length === 0) return undefined;
    const elements = entries.map((entry) => entry.elements);
    const of = (terms: readonly SampleTerms[], loss: Loss) => {
      const pooled = pooledTerms(terms, elements);
      return labelled ? pooled : withoutLabels(pooled, loss);
    };
    const isSquared = this.#loss === squaredError;
    const squares = of(
      entries.map((entry) => entry.squares),
      squaredError,
    );
    const known = isSquared ? squares : of(entries, this.#loss);
    const { energy, unit } = this.term;
    const count = elements.reduce((sum, size) => sum + size, 0);
    const spreadRms = Math.sqrt(squares.lossEquiv);
    const signalRms = energy
      ? deviation(this.#rest(entries, "mean"))
      : Math.sqrt(entries.reduce((sum, { signal }) => sum + signal, 0) / count);
    const floor = this.floor.floor(tolerance);
    const nearAxes = this.floor.nearAxes();
    const { low, high } = ratioInterval(
      entries.map(({ equiv }) => 100 * equiv),
      entries.map(({ total }) => total),
    );
    return {
      unit: energyUnit === undefined || unit === undefined ? null : unit(energyUnit),
      structures: entries.length,
      labelled,
      ...known,
      ...(energy && labelled && { lossZero: this.#zeroLoss(entries) }),
      percentEquivInterval: labelled && Number.isFinite(low + high) ? [low, high] : null,
      rmse: Math.sqrt(squares.lossTotal),
      rmseMean: Math.sqrt(squares.lossMean),
      spreadRms,
      spreadMax: this.#largest,
      worst: this.#worst,
      signalRms,
      byAngle: this.#bins.result(),
      gains: isSquared ? predictedGains(squares) : labelled ? measuredGains(entries, squares) : [],
      ...this.degrees.result(),
      ...{ floor, nearAxes, verdicts: verdictsOf({ spreadRms, signalRms, floor, nearAxes }) },
    };
  }

  #zeroLoss(entries: readonly Entry[]): number {
    const rest = this.#rest(entries, "label");
    if (this.#loss === squaredError) return meanSquare(rest);
    return this.#loss.of(new Float64Array(rest.length), rest) / rest.length;
  }

  /** Energies less what the elements tell; none where these would tell all. */
  #rest(entries: readonly Entry[], which: "label" | "mean"): number[] {
    const compositions = entries.map(({ composition }) => composition!);
    if (entries.length <= elementsIn(compositions).length) return [];
    const atoms = compositions.map((one) => [...one.values()].reduce((sum, count) => sum + count, 0));
    const perAtom = this.term.energy === "perAtom";
    const energies = entries.map((entry, i) => entry[which] * (perAtom ? atoms[i]! : 1));
    const rest = withoutElements(compositions, energies);
    return perAtom ? rest.map((value, i) => value / atoms[i]!) : rest;
  }
}

/** Only what predictions tell by themselves: where lossEquiv is a gap it takes labels too. */
function withoutLabels({ lossEquiv, lossEquivStdErr }: Decomposition, { split }: Loss): Decomposition {
  const [none, error] = [NaN, NaN];
  const spread = split === "exact" ? { lossEquiv, lossEquivStdErr } : { lossEquiv: none, lossEquivStdErr: error };
  return {
    ...{ lossTotal: none, lossMean: none, lossZero: none, percentEquiv: none, percentEquivStdErr: error },
    ...{ lossTotalStdErr: error, lossMeanStdErr: error, ...spread },
  };
}

/** |a - b|^2 over a range. */
function distance(a: Float64Array, b: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

/** NaN of none. */
function meanSquare(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(meanSquare(values.map((value) => value - mean)));
}
