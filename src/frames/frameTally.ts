import { requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { squaredError, type Loss } from "../equivariance/losses.ts";
import { frameLabels } from "../formats/frameLabels.ts";
import { compositionOf } from "../molecules/elementEnergies.ts";
import { nameOfCopy } from "./collectedFrame.ts";
import { FaultTally } from "./faultTally.ts";
import type { FrameFault } from "./frameFault.ts";
import type { FrameMeasurement, FrameTallyOptions } from "./frameMeasurement.ts";
import { frameTerms, turnedBack, type FrameTerm } from "./frameTerms.ts";
import type { PredictedCopy } from "./predictedCopy.ts";
import type { RotatedStructure } from "./rotatedStructure.ts";
import { sampledGroup } from "./sampledGroup.ts";
import type { StructureTerm } from "./structureTerm.ts";
import { TermDetails } from "./termDetails.ts";
import type { FrameTermResult } from "./termResult.ts";
import { floorRecord } from "./floor.ts";
import type { StructureRecord } from "./structureRecord.ts";
import type { TurnedPredictions } from "./spreadTally.ts";
import { TermTally } from "./termTally.ts";

/** Structures below which intervals are likely too narrow. */
const fewStructures = 10;

/** What there is to tell of a term of a structure. */
interface Seen {
  readonly tally: TermTally;
  readonly structure: StructureTerm;
  readonly turned: TurnedPredictions;
}

/** Collects predictions for rotated frames structure by structure and keeps a few numbers of each. */
export class FrameTally {
  readonly #options: FrameTallyOptions;
  readonly #terms: readonly TermTally[];
  /** Of the structures without labels and of those with. */
  readonly #details: ReadonlyMap<string, readonly [TermDetails, TermDetails]>;
  /** @internal What was wrong so far. */
  readonly faults = new FaultTally();
  readonly #groups = new Set<string>();
  readonly #loss: Loss;
  #structures = 0;
  #copies = 0;
  #exact = true;

  /**
   * @throws VoxtwirlError "bad-option" where two things that are measured have the same name, or the loss is none of
   *   single numbers
   */
  constructor(options: FrameTallyOptions = {}) {
    requireObject("options", options, 'Give { vectors: ["dipole"] }.');
    const { loss = squaredError } = options;
    this.#options = options;
    this.#loss = loss;
    this.#terms = frameTerms(options).map((term) => new TermTally(term, loss));
    const detailed = options.details ? this.#terms : [];
    this.#details = new Map(detailed.map(({ term }) => [term.name, [new TermDetails(), new TermDetails()]]));
  }

  /** Counts something that is wrong, and tells it. */
  readonly fault = (fault: FrameFault): void => {
    this.faults.add(fault);
    this.#options.onFault?.(fault);
  };

  /** Structures with predictions so far. */
  get structures(): number {
    return this.#structures;
  }

  /** Measures a structure's predictions; what is wrong is told. */
  add(structure: RotatedStructure): void {
    const { record, seen } = this.#measure(structure) ?? {};
    if (record === undefined) return;
    this.take(record);
    for (const { tally, structure: measured, turned } of seen ?? []) {
      this.#options.onStructure?.(measured);
      const labelled = turned.target !== undefined;
      const { name, size } = tally.term;
      const details = this.#details.get(name)?.[Number(labelled)];
      details?.add(measured, { turned, original: structure.original, size, worst: tally.worst(labelled) });
    }
  }

  /** @internal Adds what `record` gave, of structures in the order of their frames. */
  take({ copies, group, exact, terms }: StructureRecord): void {
    this.#structures++;
    this.#copies += copies;
    this.#groups.add(group);
    this.#exact &&= exact;
    for (const tally of this.#terms) {
      const found = terms[tally.term.name];
      if (found === undefined) continue;
      tally.floor.take(found.floor);
      if (found.measured !== undefined) tally.take(found.measured);
    }
  }

  /**
   * What a structure adds, without adding it; undefined where it is not to be measured. What is wrong is told.
   *
   * @internal
   */
  record(structure: RotatedStructure): StructureRecord | undefined {
    return this.#measure(structure)?.record;
  }

  #measure(structure: RotatedStructure): { record: StructureRecord; seen: Seen[] } | undefined {
    const { original, copies, group, order, repeats } = structure;
    if (copies.length === 0) return undefined;
    const whole = sampledGroup(
      copies.map(({ rotation }) => rotation),
      { name: group, order },
    );
    if (whole === undefined) {
      const message = `frame ${original.number} lacks predictions for some rotations of ${group}, which go together`;
      this.fault({ kind: "incomplete", frame: original.number, message });
      return undefined;
    }
    const terms: Record<string, StructureRecord["terms"][string]> = {};
    const seen: Seen[] = [];
    const labels = frameLabels(original, this.#options.labelNames);
    const composition = compositionOf(original.elements);
    for (const tally of this.#terms) {
      const { term, floor } = tally;
      const label = term.of(original, labels);
      const turned = this.#turned(term, structure, label?.values.length, copies);
      if (turned.length === 0) continue;
      const frame = original.number;
      if (turned.length === 1) {
        const message = `frame ${frame} has one prediction of ${term.name}: how it spreads is not known`;
        if (term.energy !== "perAtom") this.fault({ kind: "single", frame, message });
        continue;
      }
      const read = floor.hasRead ? [] : turned.flatMap(({ raw }) => [...raw]);
      const found = floorRecord(read, this.#turned(term, structure, turned[0]!.values.length, repeats));
      terms[term.name] = { floor: found };
      const usable = label?.values.every(Number.isFinite) === true;
      if (label !== undefined && !usable && term.energy !== "perAtom") {
        const message = `the label ${term.name} of frame ${frame} is not finite or of another count`;
        this.fault({ kind: "unusable", frame, message });
      }
      const target = usable ? label.values : undefined;
      const { perAtom } = turned[0]!;
      if (whole.group.weights !== undefined && turned.length < whole.group.order) continue;
      const given = { frame, composition, copies: turned, target, perAtom, group: whole.group };
      const { record: measured, structure: told } = tally.record(given);
      terms[term.name] = { floor: found, measured };
      seen.push({ tally, structure: told, turned: given });
    }
    const exact = copies.length === whole.group.order;
    return { record: { frame: original.number, copies: copies.length, group: whole.name, exact, terms }, seen };
  }

  /** Predictions that are finite and as many as the label, or as those of the first copy, turned back. */
  #turned<Copy extends PredictedCopy>(
    term: FrameTerm,
    { original }: RotatedStructure,
    wanted: number | undefined,
    copies: readonly Copy[],
  ) {
    let length = wanted;
    return copies.flatMap((of) => {
      const { copy, rotation, predicted, labels } = of;
      const found = term.of(predicted, labels);
      if (found === undefined) return [];
      const { values: raw, perAtom } = found;
      length ??= raw.length;
      if (raw.length === length && raw.every(Number.isFinite)) {
        return [{ of, copy, rotation, perAtom, raw, values: turnedBack(term, rotation, raw) }];
      }
      const which = `predicted frame ${predicted.number}, ${nameOfCopy(of)} of frame ${original.number},`;
      const message = `${term.name} of ${which} is not finite or of another count`;
      const place = { frame: original.number, predicted: predicted.number };
      if (term.energy !== "perAtom") this.fault({ kind: "unusable", ...place, message });
      return [];
    });
  }

  #tolerance(name: string): number | undefined {
    const { floors } = this.#options;
    return typeof floors === "object" ? floors[name] : floors;
  }

  /** @throws VoxtwirlError "no-data" where no structure has two predictions of anything */
  result(): FrameMeasurement {
    const { unit } = this.#options;
    const remarks: string[] = [];
    const faults: Partial<Record<FrameFault["kind"], number>> = this.faults.counts();
    const terms: Record<string, FrameTermResult> = {};
    for (const tally of this.#terms) {
      const { name, energy } = tally.term;
      const result = tally.result(unit, this.#tolerance(name));
      if (result === undefined) continue;
      terms[name] = result;
      const { labelled, unlabelled } = tally.counts;
      if (labelled > 0 && unlabelled > 0 && energy !== "perAtom") {
        const some = `${unlabelled} of ${labelled + unlabelled} structures`;
        const message = `${some} have no label ${name}: they are left out of it`;
        remarks.push(message);
        faults.unlabelled = (faults.unlabelled ?? 0) + unlabelled;
      }
      if (energy === "whole" && labelled > 0 && Number.isNaN(result.lossZero)) {
        remarks.push("lossZero of energies is not known: it takes more structures than elements.");
      }
    }
    const { scalars = [], vectors = [], pseudovectors = [], tensors = [] } = this.#options;
    const missing = [...scalars, ...vectors, ...pseudovectors, ...tensors].filter((name) => terms[name] === undefined);
    remarks.push(...missing.map((name) => `no structure has two predictions of ${name}`));
    const structures = this.#structures;
    if (Object.keys(terms).length === 0) {
      const message = `${structures} structures, and none with two predictions of energy, forces, stress or virial`;
      const fix = "Name predictions so, or say what they are called; each frame needs at least two rotated copies.";
      throw new VoxtwirlError("no-data", message, fix);
    }
    if (structures < fewStructures) {
      remarks.push(
        `Of ${structures} structures, errors and intervals are likely too narrow: give at least ${fewStructures}.`,
      );
    }
    const group = this.#groups.size === 1 ? [...this.#groups][0]! : null;
    const { name: loss, split } = this.#loss;
    const counts = { structures, copies: this.#copies, group, exact: this.#exact, loss, split };
    const verdicts = [...new Set(Object.values(terms).flatMap((term) => term.verdicts))];
    const shown = [...this.#details].filter(([name]) => terms[name] !== undefined);
    const of = ([name, both]: (typeof shown)[number]) =>
      [name, (terms[name]!.labelled ? both[1] : both[0]).result()] as const;
    const details = Object.fromEntries(shown.map(of));
    return { terms, ...(this.#options.details && { details }), ...counts, verdicts, faults, remarks };
  }
}
