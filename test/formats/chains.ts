// What tests of the readers of proteins share.
import { BREAK_DISTANCE, neighbourDistances, type Chain } from "../../src/proteins/chain.ts";
import type { LeftOut } from "../../src/formats/records.ts";

/** Of an atom's line; columns as in a PDB file. */
export interface PdbAtom {
  hetero?: boolean;
  /** Four columns. */
  name?: string;
  alternate?: string;
  residue?: string;
  chain?: string;
  number?: number | string;
  code?: string;
  at?: readonly [number, number, number] | number;
  occupancy?: number | string;
  element?: string;
}

/** A line of a PDB file; a number as place is the residue's in a straight chain with 3.8 A from one to the next. */
export function pdbAtom(atom: PdbAtom = {}): string {
  const { hetero = false, name = " CA ", alternate = "", residue = "ALA", chain = "A", number = 1, code = "" } = atom;
  const { at = typeof number === "number" ? number : 0, occupancy = 1, element = "C" } = atom;
  const place = typeof at === "number" ? [3.8 * at, 0, 0] : at;
  const shownOccupancy = typeof occupancy === "number" ? occupancy.toFixed(2) : occupancy;
  return (
    `${hetero ? "HETATM" : "ATOM  "}${"1".padStart(5)} ${name}${alternate.padEnd(1)}${residue.padStart(3).padEnd(4)}` +
    `${chain}${String(number).padStart(4)}${code.padEnd(1)}   ` +
    `${place.map((value) => value.toFixed(3).padStart(8)).join("")}${shownOccupancy.padStart(6)}  0.00          ` +
    element.padStart(2)
  );
}

/** Lines as a text. */
export function textOf(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** Reasons and counts. */
export function counted(leftOut: readonly LeftOut[]): Record<string, number> {
  return Object.fromEntries(leftOut.map(({ reason, count }) => [reason, count]));
}

/** @throws Error for a chain whose parts do not agree */
export function checkChain({ positions, sequence, residues, numbers, insertionCodes, breaks }: Chain): void {
  const n = sequence.length;
  const distances = neighbourDistances(positions);
  const coherent =
    n > 0 &&
    positions.length === 3 * n &&
    [residues, numbers, insertionCodes, breaks].every((part) => part.length === n) &&
    positions.every((value) => Math.abs(value) <= 1e5) &&
    /^[A-Z]*$/.test(sequence) &&
    breaks.every((value, i) => value === (i < n - 1 && distances[i]! > BREAK_DISTANCE ? 1 : 0));
  if (!coherent) throw new Error("an incoherent chain");
}
