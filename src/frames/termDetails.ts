import type { NumberedFrame } from "../molecules/frame.ts";
import { formula } from "../molecules/molecule.ts";
import { Random } from "../random.ts";
import type { StructureTerm } from "./structureTerm.ts";
import type { TurnedPredictions } from "./spreadTally.ts";
import type { WorstCopy } from "./termResult.ts";

/** Structures that are kept: those that spread most, and a sample of all. */
export const WORST_KEPT = 20;
export const SAMPLE_KEPT = 4096;

/** How far one structure's predictions spread. */
export interface StructureSpread {
  /** Number of the original frame. */
  readonly frame: number;
  /** In Hill's order; X stands for dummy atoms. */
  readonly formula: string;
  readonly atoms: number;
  /** Predictions that are measured. */
  readonly copies: number;
  /** Root mean square error of a number; NaN without a label. */
  readonly rmse: number;
  /** Root of this structure's lossEquiv. */
  readonly spreadRms: number;
}

/** Vectors of a structure as it was before it was turned, three numbers each, in the term's unit. */
export interface FarthestVectors {
  /** One an atom; else one in all. */
  readonly perAtom: boolean;
  /** Of the farthest copy, turned back, from the mean over copies. */
  readonly differences: Float64Array;
  readonly mean: Float64Array;
  /** Null without a label. */
  readonly target: Float64Array | null;
}

/** The structure in which predictions for a copy are farthest from their mean: that of `FrameTermResult.worst`. */
export interface FarthestStructure extends WorstCopy {
  readonly formula: string;
  readonly elements: Uint8Array;
  /** (n, 3), in Angstrom, not turned. */
  readonly positions: Float64Array;
  /** (3, 3), a vector a row; null without. */
  readonly cell: Float64Array | null;
  /** Null where the term is no vectors. */
  readonly vectors: FarthestVectors | null;
}

/** What there is to show of a term beside its result. All of it takes the same memory for any number of structures. */
export interface FrameTermDetails {
  /** With labels or without. */
  readonly structures: number;
  /** Fewest and most predictions of a structure. */
  readonly copies: readonly [fewest: number, most: number];
  /** At most 20, the largest spread first. */
  readonly worst: readonly StructureSpread[];
  /** By rising spread: all structures, or 4,096 of them drawn at random. */
  readonly sample: readonly { readonly frame: number; readonly spreadRms: number }[];
  readonly farthest: FarthestStructure | null;
}

/** Collects the details of one term structure by structure. */
export class TermDetails {
  readonly #random = new Random(0);
  readonly #sample: { frame: number; spreadRms: number }[] = [];
  #worst: StructureSpread[] = [];
  #structures = 0;
  #copies: [fewest: number, most: number] = [Infinity, 0];
  #farthest: FarthestStructure | null = null;

  /**
   * @param size numbers that turn together
   * @param worst of the structures so far, this one among them
   */
  add(
    { frame, lossTotal, lossEquiv, mean, copies: { length: copies } }: StructureTerm,
    { turned, original, size, worst }: Given,
  ): void {
    this.#structures++;
    this.#copies = [Math.min(this.#copies[0], copies), Math.max(this.#copies[1], copies)];
    const spreadRms = Math.sqrt(lossEquiv);
    this.#keepInSample({ frame, spreadRms });
    const least = this.#worst.length < WORST_KEPT ? -1 : this.#worst.at(-1)!.spreadRms;
    if (spreadRms > least) {
      const atoms = original.elements.length;
      const one = { frame, formula: formulaOf(original), atoms, copies, rmse: Math.sqrt(lossTotal), spreadRms };
      const at = this.#worst.findIndex((other) => other.spreadRms < spreadRms);
      this.#worst.splice(at < 0 ? this.#worst.length : at, 0, one);
      this.#worst = this.#worst.slice(0, WORST_KEPT);
    }
    if (worst?.frame === frame) this.#farthest = farthestOf(worst, { turned, original, size }, mean);
  }

  result(): FrameTermDetails {
    return {
      structures: this.#structures,
      copies: this.#copies,
      worst: this.#worst,
      sample: [...this.#sample].sort((a, b) => a.spreadRms - b.spreadRms),
      farthest: this.#farthest,
    };
  }

  /** Each structure is as likely to be kept as any other: J. S. Vitter, ACM Trans. Math. Softw. 11 (1985) 37. */
  #keepInSample(one: { frame: number; spreadRms: number }): void {
    if (this.#sample.length < SAMPLE_KEPT) this.#sample.push(one);
    else {
      const place = this.#random.int(this.#structures);
      if (place < SAMPLE_KEPT) this.#sample[place] = one;
    }
  }
}

interface Given {
  readonly turned: Pick<TurnedPredictions, "copies" | "target" | "perAtom">;
  readonly original: NumberedFrame;
  readonly size: number;
  readonly worst: WorstCopy | null;
}

function farthestOf(
  worst: WorstCopy,
  { turned: { copies, target, perAtom }, original, size }: Omit<Given, "worst">,
  mean: Float64Array,
): FarthestStructure {
  const { elements, positions, cell } = original;
  const { values } = copies.find(({ copy }) => copy === worst.copy)!;
  const isVectors = size === 3 && mean.length === (perAtom ? 3 * elements.length : 3);
  const differences = () => values.map((value, i) => value - mean[i]!);
  return {
    ...worst,
    formula: formulaOf(original),
    ...{ elements, positions, cell: cell ?? null },
    vectors: isVectors ? { perAtom, differences: differences(), mean, target: target ?? null } : null,
  };
}

/** Dummy atoms have no symbol. */
function formulaOf(frame: NumberedFrame): string {
  return formula(frame).replace("?0", "X");
}
