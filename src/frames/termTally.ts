import { VoxtwirlError } from "../errors.ts";
import { pooledTerms, type Decomposition, type SampleTerms } from "../equivariance/estimators.ts";
import { ratioInterval } from "../equivariance/intervals.ts";
import { requireLoss, squaredError, type Loss } from "../equivariance/losses.ts";
import { sampleTerms } from "../equivariance/sampleTerms.ts";
import { weightedTerms } from "../equivariance/weightedTerms.ts";
import { subsetErrors, TWIRL_COUNTS } from "../equivariance/twirlGain.ts";
import { elementsIn, withoutElements, type Composition } from "../molecules/elementEnergies.ts";
import { Random } from "../random.ts";
import { FloorTally } from "./floor.ts";
import { measuredGains, predictedGains, type AveragedSample } from "./frameGains.ts";
import type { FrameTerm } from "./frameTerms.ts";
import {
  spreadRecord,
  squaredDistance,
  SpreadTally,
  type SpreadRecord,
  type TurnedPredictions,
} from "./spreadTally.ts";
import type { FrameTermResult, WorstCopy } from "./termResult.ts";
import type { StructureTerm } from "./structureTerm.ts";
import { verdictsOf } from "./verdict.ts";

/** What is kept of a structure: the terms of its loss, */
interface Entry extends SampleTerms, AveragedSample {
  /** and those of the squared error. */
  readonly squares: SampleTerms;
  readonly elements: number;
  readonly labelled: boolean;
  /** Sum of squares of the mean over copies. */
  readonly signal: number;
  /** Of energies only: how many atoms of each element. */
  readonly composition?: readonly (readonly [element: number, count: number])[];
  readonly mean: number;
  readonly label: number;
}

/** What one structure adds to a term: data, so that it can be kept and added elsewhere, to the last bit. */
export interface TermRecord {
  readonly entry: Entry;
  readonly spread: SpreadRecord;
}

/** Collects one term structure by structure, in float64, and keeps a few numbers of each. */
export class TermTally {
  readonly term: FrameTerm;
  readonly floor = new FloorTally();
  readonly #entries: Entry[] = [];
  /** Apart, as what is told is of the structures that the losses are of. */
  readonly #spreads = { labelled: new SpreadTally(), unlabelled: new SpreadTally() };
  readonly #loss: Loss;

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

  /** Where predictions are farthest from their mean so far, of the structures with labels or without. */
  worst(labelled: boolean): WorstCopy | null {
    return this.#spreads[labelled ? "labelled" : "unlabelled"].worst;
  }

  /**
   * @param turned at least two copies, whose values are finite and as many as those of the target
   * @returns what this structure adds, to be taken, and what there is to tell of it
   */
  record(turned: TurnedPredictions): { readonly record: TermRecord; readonly structure: StructureTerm } {
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
    // Which predictions are averaged to measure gains depends on the structure alone.
    const errors = subsetErrors(this.#loss, sample, counts, new Random(frame));
    const entry: Entry = {
      ...(isSquared ? squares : termsOf(this.#loss, sample, frame)),
      ...{ squares, errors },
      elements,
      labelled: target !== undefined,
      signal: mean.reduce((sum, value) => sum + value * value, 0),
      ...(this.term.energy && { composition: [...composition] }),
      mean: mean[0]!,
      label: target?.[0] ?? NaN,
    };
    // The mean is of these copies too, and so nearer to them than that over all rotations.
    const spread = copies.reduce((sum, { values }) => sum + squaredDistance(values, mean), 0);
    const unbiased = weights === undefined && spread > 0 ? (squares.equiv * rotations) / spread : 1;
    const copyRotations = copies.map(({ rotation }) => rotation);
    const { record: found, copies: measured } = spreadRecord(turned, {
      ...{ mean, unbiased, size: this.term.size },
      sample: { ...sample, group, rotations: copyRotations },
    });
    const lossTotal = target === undefined ? NaN : squares.total / elements;
    const lossEquiv = squares.equiv / elements;
    const losses = { lossTotal, lossMean: lossTotal - lossEquiv, lossEquiv };
    const structure = { term: this.term.name, frame, numbers: elements, ...losses, mean, copies: measured };
    return { record: { entry, spread: found }, structure };
  }

  /** Adds what `record` gave: the sums depend on the order of structures alone. */
  take({ entry, spread }: TermRecord): void {
    this.#entries.push(entry);
    this.#spreads[entry.labelled ? "labelled" : "unlabelled"].take(entry.elements, spread);
  }

  /**
   * Undefined without any structure. Where some have labels, all but the floor is of these.
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
      signalRms,
      ...this.#spreads[labelled ? "labelled" : "unlabelled"].result(roundingOf(entries)),
      gains: isSquared ? predictedGains(squares) : labelled ? measuredGains(entries, squares) : [],
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
    const compositions: Composition[] = entries.map(({ composition }) => new Map(composition));
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

/** NaN of none. */
function meanSquare(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(meanSquare(values.map((value) => value - mean)));
}

/** Of float64 and some dozens of sums. */
const ROUNDING = 1e-14;

/** What rounding leaves of lossEquiv: of the loss, which it is a part of, and of the predictions' own squares. */
function roundingOf(entries: readonly Entry[]): number {
  const losses = entries.reduce((sum, { labelled, squares }) => sum + (labelled ? squares.total : 0), 0);
  const signals = entries.reduce((sum, { signal }) => sum + signal, 0);
  return ROUNDING * losses + ROUNDING ** 2 * signals;
}
