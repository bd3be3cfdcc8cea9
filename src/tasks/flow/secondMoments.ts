import { requireArray, requireWhole } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import { ANGSTROM_PER_NM } from "../../proteins/packing.ts";
import { symmetricEigen } from "../../molecules/eigen.ts";
import type { Chain } from "../../proteins/chain.ts";

/** What was found of the training chains, by which a linear filter predicts. It is kept with the model. */
export interface SecondMoments {
  /** nm^2 by separation along the chain, from 0: the mean of |x_i - x_j|^2 / 3. */
  readonly separations: readonly number[];
}

/**
 * The second moments of chains up to a separation; where no chain is so long, those of the longest one.
 *
 * @param residues of the longest chain that they are for
 */
export function secondMoments(chains: readonly Chain[], residues: number): SecondMoments {
  requireArray("chains", chains, "Give the training chains.");
  requireWhole("residues", residues, 1);
  const sums = new Float64Array(residues);
  const counts = new Float64Array(residues);
  for (const { positions: p } of chains) {
    const n = p.length / 3;
    for (let i = 0; i < n; i++) {
      for (let j = i; j < Math.min(n, i + residues); j++) {
        const [x, y, z] = [0, 1, 2].map((a) => p[3 * i + a]! - p[3 * j + a]!) as [number, number, number];
        sums[j - i]! += (x * x + y * y + z * z) / (3 * ANGSTROM_PER_NM ** 2);
        counts[j - i]!++;
      }
    }
  }
  let last = 0;
  return { separations: Array.from(sums, (sum, s) => (last = counts[s]! > 0 ? sum / counts[s]! : last)) };
}

/** @throws VoxtwirlError "bad-config" unless these are a model's, for crops of so many residues */
export function requireMoments(fitted: unknown, residues: number, name: string): asserts fitted is SecondMoments {
  const { separations } = (fitted ?? {}) as Partial<SecondMoments>;
  const listed = Array.isArray(separations) && separations.length >= residues && separations.every(Number.isFinite);
  if (listed) return;
  const message = `${name} does not say how far apart residues are in its training chains`;
  throw new VoxtwirlError("bad-config", message, "Use a model as voxtwirl train writes it.");
}

/** What a filter of chains of n residues does: along `vectors[k]` the variance of data is `values[k]`, in nm^2. */
interface Modes {
  readonly values: readonly number[];
  readonly vectors: readonly (readonly number[])[];
}

/**
 * The Wiener filter of chains with these second moments: the best linear estimate of x1 from x_t = (1 - t) x0 + t x1,
 * x0 standard normal noise, all centred. It is the same along each axis, so exactly equivariant, and knows no more of
 * chains than how far apart residues are: t A (t^2 A + (1 - t)^2 J)^+ x_t with J = 1 - 1/n and the covariance
 * A = -J M J / 2. Means over chains of different lengths may belong to no covariance: what is negative of A counts as
 * 0.
 */
export class WienerFilter {
  readonly #moments: SecondMoments;
  /** By residues. */
  readonly #modes = new Map<number, Modes>();

  constructor(moments: SecondMoments) {
    this.#moments = moments;
  }

  /**
   * @param x x_t, [n, 3] in nm, centred
   * @returns x1_hat, likewise
   */
  endpoint(t: number, x: ArrayLike<number>): Float64Array {
    const n = x.length / 3;
    const { values, vectors } = this.#modesOf(n);
    const y = new Float64Array(x.length);
    vectors.forEach((mode, k) => {
      const variance = values[k]!;
      if (variance <= 0) return;
      const gain = (t * variance) / (t * t * variance + (1 - t) ** 2);
      for (let axis = 0; axis < 3; axis++) {
        let along = 0;
        for (let i = 0; i < n; i++) along += mode[i]! * x[3 * i + axis]!;
        for (let i = 0; i < n; i++) y[3 * i + axis]! += gain * along * mode[i]!;
      }
    });
    return y;
  }

  #modesOf(n: number): Modes {
    const known = this.#modes.get(n);
    if (known) return known;
    const made = symmetricEigen(centredGram(this.#moments.separations, n), n);
    this.#modes.set(n, made);
    return made;
  }
}

/** A = -J M J / 2: the covariance, along an axis, of residues of centred chains. */
function centredGram(separations: readonly number[], n: number): Float64Array {
  const m = (i: number, j: number) => separations[Math.abs(i - j)]!;
  const means = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += m(i, j);
    return sum / n;
  });
  const mean = means.reduce((sum, value) => sum + value, 0) / n;
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return -0.5 * (m(i, j) - means[i]! - means[j]! + mean);
  });
}
