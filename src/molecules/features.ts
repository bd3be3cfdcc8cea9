/** What is counted of molecules to compare their distributions: atoms, bonds, valences, lengths and angles. */
import type { Bond, Molecule } from "./molecule.ts";
import { valences } from "./valences.ts";

export const FEATURE_KINDS = ["atomTypes", "bondTypes", "valencies", "bondLengths", "bondAngles"] as const;
export type FeatureKind = (typeof FEATURE_KINDS)[number];

/**
 * Widths of the bins, as MiDi (arXiv 2302.09048) has them: bond lengths to 0.01 A, angles to 0.1 degrees. The others
 * are whole or half numbers.
 */
const BINS: Readonly<Record<FeatureKind, number>> = {
  ...{ atomTypes: 1, bondTypes: 1, valencies: 0.5 },
  ...{ bondLengths: 0.01, bondAngles: 0.1 },
};

/** One bin: values of a class, such as the lengths of double bonds. */
export interface Bin {
  readonly kind: FeatureKind;
  /** An element, or the type of a bond; 0 where a kind has no classes. */
  readonly group: number;
  /** The value at the bin's middle. */
  readonly value: number;
}

/** Which bins a molecule is in, and how often. */
export interface Features {
  readonly bins: Uint32Array;
  readonly counts: Float64Array;
}

/** Numbers the bins that molecules need. */
export class FeatureSpace {
  readonly bins: Bin[] = [];
  readonly #numbers = new Map<string, number>();

  /**
   * The features of a molecule: of each atom its element, its sum of bond orders and the angles between its bonds; of
   * each pair of atoms the type of its bond, 0 for none; of each bond its length.
   *
   * @param bonds with `order` 1, 2, 3, or 4 for aromatic
   */
  features({ elements, positions }: Pick<Molecule, "elements" | "positions">, bonds: readonly Bond[]): Features {
    const counts = new Map<number, number>();
    const add = (kind: FeatureKind, group: number, value: number, count = 1) => {
      const bin = this.#bin(kind, group, value);
      counts.set(bin, (counts.get(bin) ?? 0) + count);
    };
    const atoms = elements.length;
    const sums = valences(atoms, bonds);
    const neighbours = Array.from({ length: atoms }, (): number[] => []);
    const pairs = (atoms * (atoms - 1)) / 2;
    if (pairs > bonds.length) add("bondTypes", 0, 0, pairs - bonds.length);
    for (const { a, b, order } of bonds) {
      add("bondTypes", 0, order);
      add("bondLengths", order, Math.hypot(...difference(positions, a, b)));
      neighbours[a]!.push(b);
      neighbours[b]!.push(a);
    }
    elements.forEach((element, atom) => {
      add("atomTypes", 0, element);
      add("valencies", element, sums[atom]!);
      const own = neighbours[atom]!.map((other) => difference(positions, other, atom));
      for (let i = 0; i < own.length; i++) {
        for (let j = 0; j < i; j++) add("bondAngles", element, angle(own[i]!, own[j]!));
      }
    });
    return { bins: Uint32Array.from(counts.keys()), counts: Float64Array.from(counts.values()) };
  }

  #bin(kind: FeatureKind, group: number, value: number): number {
    const width = BINS[kind];
    const at = Math.round(value / width);
    const key = `${kind} ${group} ${at}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.bins.length);
    return this.bins.push({ kind, group, value: at * width }) - 1;
  }
}

type Vector = readonly [number, number, number];

function difference(p: ArrayLike<number>, a: number, b: number): Vector {
  return [p[3 * a]! - p[3 * b]!, p[3 * a + 1]! - p[3 * b + 1]!, p[3 * a + 2]! - p[3 * b + 2]!];
}

/** In degrees; of atoms in one place 0. */
function angle(u: Vector, v: Vector): number {
  const norms = Math.hypot(...u) * Math.hypot(...v);
  const cosine = norms > 0 ? (u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) / norms : 1;
  return (Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI;
}
