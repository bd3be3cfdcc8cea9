import { requireArray } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { join, numbered } from "../molecules/identity.ts";

/** Two chains are of one family where they share more than this of the 3-mers of the one that has fewer. */
export const FAMILY_SIMILARITY = 0.2;

/** Letters from A to Z, three of which make a 3-mer. */
const letters = 26;

/**
 * Which chains are alike by their sequences. The similarity of two is the share of the different 3-mers (three letters
 * in a row) of the one that has fewer which the other has too; those with an X count for nothing. Two chains more
 * alike than `similarity` are of one family, and families go on along such pairs (single linkage). Equal sequences are
 * of one family, whatever they are.
 *
 * Unrelated chains of 100 residues share some 2 % of their 3-mers, of 300 some 5 %; those that differ in a tenth of
 * their residues share 73 %, in two fifths 22 %. More distant relatives are not told from others. A chain above some
 * 1,000 residues has so many 3-mers that short ones seem like it, and may join families that are unrelated.
 *
 * Gives the number of each sequence's family, from 0 in the order of their first members. Throws "bad-option" for a
 * similarity outside of 0 to 1.
 */
export function sequenceFamilies(
  sequences: readonly string[],
  similarity = FAMILY_SIMILARITY,
): { family: Uint32Array; families: number } {
  requireArray("sequences", sequences, "Give the chains' sequences, one letter a residue.");
  if (!(similarity >= 0 && similarity <= 1)) {
    throw new VoxtwirlError("bad-option", `similarity is ${similarity}`, "Give a share from 0 to 1.");
  }
  const parent = Uint32Array.from(sequences, (_, i) => i);
  const first = new Map<string, number>();
  const owners: number[][] = Array.from({ length: letters ** 3 }, () => []);
  const sizes = new Uint32Array(sequences.length);
  const shared = new Uint32Array(sequences.length);
  sequences.forEach((sequence, i) => {
    const same = first.get(sequence);
    if (same !== undefined) {
      join(parent, same, i);
      return;
    }
    first.set(sequence, i);
    const words = wordsOf(sequence);
    sizes[i] = words.size;
    const touched = new Set<number>();
    for (const word of words) {
      for (const other of owners[word]!) {
        shared[other]!++;
        touched.add(other);
      }
      owners[word]!.push(i);
    }
    for (const other of touched) {
      if (shared[other]! > similarity * Math.min(words.size, sizes[other]!)) join(parent, other, i);
      shared[other] = 0;
    }
  });
  const { group, groups } = numbered(parent);
  return { family: group, families: groups };
}

/** The different 3-mers of a sequence, as numbers. */
function wordsOf(sequence: string): Set<number> {
  const words = new Set<number>();
  for (let i = 0; i + 2 < sequence.length; i++) {
    const [a, b, c] = [0, 1, 2].map((k) => codeOf(sequence, i + k)) as [number, number, number];
    if (Math.min(a, b, c) >= 0) words.add((a * letters + b) * letters + c);
  }
  return words;
}

/** -1 for X, and what is no capital. */
function codeOf(sequence: string, i: number): number {
  const code = sequence.charCodeAt(i) - 65;
  return code >= 0 && code < letters && sequence[i] !== "X" ? code : -1;
}
