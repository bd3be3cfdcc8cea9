import { pooledTerms, type Decomposition, type SampleTerms } from "../equivariance/estimators.ts";
import type { Rotation, RotationGroup } from "../equivariance/groups.ts";
import { ratioInterval } from "../equivariance/intervals.ts";
import { squaredError } from "../equivariance/losses.ts";
import { sampleTerms } from "../equivariance/sampleTerms.ts";
import { weightedTerms } from "../equivariance/weightedTerms.ts";
import { TWIRL_COUNTS } from "../equivariance/twirlGain.ts";
import { elementsIn, withoutElements, type Composition } from "../molecules/elementEnergies.ts";
import { AngleBins, angleOf, type AngleSums } from "./angleBins.ts";
import { degreeRecord, DegreeTally, type DegreeRecord } from "./degreeTally.ts";
import { FloorTally } from "./floor.ts";
import type { FrameTerm } from "./frameTerms.ts";
import type { FrameGain, FrameTermResult, WorstCopy } from "./termResult.ts";
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

/** What is kept of a structure. */
interface Entry extends SampleTerms {
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
  readonly degrees: DegreeRecord;
  readonly angles: readonly AngleSums[];
  readonly worst: FarCopy | null;
}

interface FarCopy extends WorstCopy {
  /** How far. */
  readonly far: number;
}

/** Collects one term structure by structure, in float64, and keeps a few numbers of each. */
export class TermTally {
  readonly term: FrameTerm;
  readonly floor = new FloorTally();
  readonly degrees = new DegreeTally();
  readonly #entries: Entry[] = [];
  readonly #bins = new AngleBins();
  #worst: FarCopy | null = null;

  constructor(term: FrameTerm) {
    this.term = term;
  }

  /** How many structures came with a label, and how many without. */
  get counts(): { labelled: number; unlabelled: number } {
    const labelled = this.#entries.filter((entry) => entry.labelled).length;
    return { labelled, unlabelled: this.#entries.length - labelled };
  }

  /** @param turned at least two copies, whose values are finite and as many as those of the target */
  record(turned: TurnedPredictions): TermRecord {
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
    const terms = (weights ? weightedTerms(weights) : sampleTerms)(squaredError, sample, frame);
    const entry: Entry = {
      ...terms,
      elements,
      labelled: target !== undefined,
      signal: mean.reduce((sum, value) => sum + value * value, 0),
      ...(this.term.energy && { composition: [...composition] }),
      mean: mean[0]!,
      label: target?.[0] ?? NaN,
    };
    // The mean is of these copies too, and so nearer to them than that over all rotations.
    const spread = copies.reduce((sum, { values }) => sum + distance(values, mean, 0, elements), 0);
    const unbiased = weights === undefined && spread > 0 ? (terms.equiv * rotations) / spread : 1;
    const angles = new AngleBins();
    let worst: FarCopy | null = null;
    for (const { copy, rotation, values } of copies) {
      const angle = angleOf(rotation);
      const error = target && distance(values, target, 0, elements);
      angles.add(angle, elements, unbiased * distance(values, mean, 0, elements), error);
      worst = this.#farther(worst, turned, { copy, rotation, angle }, values, mean);
    }
    const degrees = degreeRecord({ ...sample, group, rotations: copies.map(({ rotation }) => rotation) });
    return { entry, degrees, angles: angles.sums, worst };
  }

  /** Adds what `record` gave: the sums depend on the order of structures alone. */
  take({ entry, degrees, angles, worst }: TermRecord): void {
    this.#entries.push(entry);
    this.degrees.take(entry.elements, degrees);
    this.#bins.take(angles);
    if (worst !== null && worst.far > (this.#worst?.far ?? 0)) this.#worst = worst;
  }

  #farther(
    before: FarCopy | null,
    { frame, composition, perAtom }: TurnedPredictions,
    copy: Pick<WorstCopy, "copy" | "rotation" | "angle">,
    values: Float64Array,
    mean: Float64Array,
  ): FarCopy | null {
    const { size } = this.term;
    const atoms = [...composition.values()].reduce((sum, count) => sum + count, 0);
    let worst = before;
    for (let at = 0; at < values.length; at += size) {
      const far = Math.sqrt(distance(values, mean, at, at + size));
      if (!(far > (worst?.far ?? 0))) continue;
      const atom = perAtom ? 1 + Math.floor(at / (values.length / atoms)) : null;
      worst = { far, frame, atom, ...copy };
    }
    return worst;
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
    const pooled = pooledTerms(entries, elements);
    const { energy, unit } = this.term;
    const known = labelled ? pooled : withoutLabels(pooled);
    const { lossTotal, lossMean, lossEquiv } = known;
    const count = elements.reduce((sum, size) => sum + size, 0);
    const spreadRms = Math.sqrt(lossEquiv);
    const signalRms = energy
      ? deviation(this.#rest(entries, "mean"))
      : Math.sqrt(entries.reduce((sum, { signal }) => sum + signal, 0) / count);
    const floor = this.floor.floor(tolerance);
    const { far, ...worst } = this.#worst ?? { far: 0 };
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
      ...(energy && labelled && { lossZero: meanSquare(this.#rest(entries, "label")) }),
      percentEquivInterval: labelled && Number.isFinite(low + high) ? [low, high] : null,
      rmse: Math.sqrt(lossTotal),
      rmseMean: Math.sqrt(lossMean),
      spreadRms,
      spreadMax: far,
      worst: "frame" in worst ? worst : null,
      signalRms,
      byAngle: this.#bins.result(),
      gains: TWIRL_COUNTS.map((k) => gainOf(k, known)),
      ...this.degrees.result(),
      ...{ floor, nearAxes, verdicts: verdictsOf({ spreadRms, signalRms, floor, nearAxes }) },
    };
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

function gainOf(
  count: number,
  found: Pick<FrameTermResult, "lossTotal" | "lossEquiv" | "percentEquiv" | "percentEquivStdErr">,
): FrameGain {
  const factor = 1 - 1 / count;
  return {
    count,
    cost: count,
    percentPredicted: factor * found.percentEquiv,
    percentPredictedStdErr: factor * found.percentEquivStdErr,
    rmse: Math.sqrt(found.lossTotal - factor * found.lossEquiv),
    spreadRms: Math.sqrt(found.lossEquiv / count),
  };
}

/** Only what predictions tell by themselves. */
function withoutLabels({ lossEquiv, lossEquivStdErr }: Decomposition): Decomposition {
  const [none, error] = [NaN, NaN];
  return {
    ...{ lossTotal: none, lossMean: none, lossEquiv, lossZero: none, percentEquiv: none, percentEquivStdErr: error },
    ...{ lossTotalStdErr: error, lossMeanStdErr: error, lossEquivStdErr },
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
