import { cosSin, nextPlace, type Point } from "../../src/proteins/growing.ts";
import { makeChain, type Chain } from "../../src/proteins/chain.ts";
import { residueName } from "../../src/proteins/residues.ts";
import { Random } from "../../src/random.ts";

/** n C-alphas 3.8 A apart with one virtual bond angle and one dihedral, in degrees. */
export function screw(n: number, angle: number, dihedral: number): Float64Array {
  const [cos, sin] = cosSin(angle);
  const points: Point[] = [
    [0, 0, 0],
    [3.8, 0, 0],
    [3.8 - 3.8 * cos, 3.8 * sin, 0],
  ];
  while (points.length < n) points.push(nextPlace(...(points.slice(-3) as [Point, Point, Point]), angle, dihedral));
  return Float64Array.from(points.slice(0, n).flat());
}

/** A straight chain of a sequence, at random around its places where `seed` is given. */
export function chainOf(sequence: string, seed?: number): Chain {
  const random = new Random(seed ?? 0);
  const residues = Array.from(sequence, (letter) => residueName(letter) ?? "UNK");
  const positions = Float64Array.from({ length: 3 * sequence.length }, (_, i) =>
    i % 3 === 0 ? 1.2 * i : seed === undefined ? 0 : random.next(),
  );
  return makeChain({ positions, residues });
}

/** A random sequence of the twenty amino acids. */
export function randomSequence(n: number, seed: number): string {
  const random = new Random(seed);
  return Array.from({ length: n }, () => "ACDEFGHIKLMNPQRSTVWY"[random.int(20)]).join("");
}
