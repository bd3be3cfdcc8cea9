/** What reading protein chains gives, and how it is asked for. */
import { BREAK_DISTANCE, neighbourDistances, type Chain } from "../proteins/chain.ts";
import { readingLines, type LeftOut, type ReadingNotes } from "./records.ts";

/** How a file of proteins is read. */
export interface ParseChainsOptions {
  /**
   * Throws on the first chain without C-alpha atoms and the first C-alpha that cannot be read instead of leaving them
   * out; false by default.
   */
  strict?: boolean | undefined;
  /** "first" (default): of each entry the first model. "all": each model's chains. */
  models?: "first" | "all" | undefined;
}

/** What reading chains had to say: records are chains. */
export interface ChainNotes extends ReadingNotes {
  /** What of an entry is no part of its chains, by reason: water, ligands and ions, other places of a C-alpha, ... */
  passedOver: LeftOut[];
}

/** The chains of a text, an array that also tells what was left out. */
export interface ParsedChains extends Array<Chain>, ChainNotes {}

/** What there is to say of a reading: what was left out and passed over by reason, and what is odd. */
export function chainReadingLines(notes: ChainNotes): string[] {
  const passed = notes.passedOver.map(({ reason, count, first: [first] }) => {
    const where = first?.file === undefined ? "" : ` of ${first.file}`;
    return `${count} ${reason} passed over, the first in line ${first?.line}${where}`;
  });
  return [...readingLines({ ...notes, remarks: [] }), ...passed, ...notes.remarks];
}

/** Sentences about chains whose distances tell that something is amiss. */
export function chainRemarks(chains: readonly Chain[]): string[] {
  const distances = chains.flatMap(({ positions }) => Array.from(neighbourDistances(positions))).sort((a, b) => a - b);
  if (distances.length === 0) return [];
  const median = distances[(distances.length - 1) >> 1]!;
  if (median > 3.5 && median <= BREAK_DISTANCE) return [];
  const unit = median > 0.35 && median <= 0.4 ? ": are these nanometres? Positions are read as Angstrom" : "";
  return [
    `neighbouring C-alphas are ${Number(median.toPrecision(3))} A apart at the median, where 3.8 is usual${unit}`,
  ];
}
