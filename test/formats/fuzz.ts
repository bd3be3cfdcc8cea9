import fc from "fast-check";
import { VoxtwirlError } from "../../src/errors.ts";
import type { Molecule } from "../../src/molecules/molecule.ts";
import { boundedMemory, FUZZ_RUNS } from "../fuzzRuns.ts";
import { processorTime } from "./support.ts";

const moleculePieces = ["$$$$\n", "M  END\n", "V2000", "V3000", "*^", "Properties=pos:R:3:Z:I:1", "energy=", "M  V30 "];

/** `fuzzTexts` of a reader of molecules. */
export function fuzz(parse: (text: string, file: string) => Molecule[], valid: string[]): void {
  fuzzTexts(parse, valid, [...moleculePieces, "C1", "X"], check);
}

/**
 * Feeds a reader FUZZ_RUNS texts, half of them arbitrary and half made of valid ones by cutting, repeating and
 * overwriting with pieces. It must give what `check` finds coherent or throw a "bad-file" error with a fix, and take no
 * longer than a text of that length deserves.
 */
export function fuzzTexts<T>(
  parse: (text: string, file: string) => T[],
  valid: string[],
  pieces: string[],
  check: (found: T) => void,
): void {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom("\n", " ", "999", "0", "-1", "1e308", "NaN", "\r", "\r\r\n", "\x1a"),
    fc.constantFrom(...pieces),
  );
  const arbitrary = fc
    .array(fc.oneof(piece, fc.nat(1_000_000_000).map(String)), { maxLength: 30 })
    .map((parts) => parts.join(""));
  const mutated = fc.tuple(
    fc.constantFrom(...valid),
    fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(6), piece), { maxLength: 4 }),
  );
  const texts = fc.oneof(
    arbitrary,
    mutated.map(([text, edits]) =>
      edits.reduce((now, [where, drop, insert]) => edit(now, Math.floor(where * now.length), drop, insert), text),
    ),
  );
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const start = processorTime();
      try {
        boundedMemory(text.length, () => parse(text, "fuzz")).forEach((found) => check(found));
        accepted++;
      } catch (error) {
        if (!(error instanceof VoxtwirlError) || error.code !== "bad-file" || error.fix === "") throw error;
        refused++;
      }
      const took = processorTime() - start;
      if (took > 2000) throw new Error(`${text.length} characters took ${took} ms`);
    }),
    { numRuns: FUZZ_RUNS, seed: 7 },
  );
  if (accepted < 100 || refused < 100) {
    throw new Error(`the texts tell little: ${accepted} accepted, ${refused} refused`);
  }
}

function edit(text: string, at: number, drop: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + drop);
}

/** @throws Error for a molecule whose parts do not agree */
export function check({ elements, positions, bonds = [], energy = 0, forces }: Molecule): void {
  const atom = (i: number) => Number.isInteger(i) && i >= 0 && i < elements.length;
  const coherent =
    elements.length > 0 &&
    positions.length === 3 * elements.length &&
    elements.every((element) => element >= 1 && element <= 118) &&
    positions.every((value) => Math.abs(value) <= 1e5) &&
    (Number.isFinite(energy) || Number.isNaN(energy)) &&
    (forces === undefined || forces.length === positions.length) &&
    bonds.every(({ a, b, order }) => atom(a) && atom(b) && a !== b && order >= 0 && order <= 10);
  if (!coherent) throw new Error("an incoherent molecule");
}
