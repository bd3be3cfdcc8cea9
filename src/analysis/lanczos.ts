import { requireMethod, requireTyped } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { Random } from "../random.ts";
import type { SymmetricOperator } from "./operator.ts";
import { tridiagonalEigen, type Eigensystem } from "./tridiagonal.ts";
import { add, dot, norm, unit } from "./vectors.ts";

/** An eigenvalue of the matrix as the Krylov space sees it. */
export interface RitzValue {
  readonly value: number;
  /** |A y - value y| for its unit Ritz vector y, from the recurrence: an eigenvalue lies within this distance. */
  readonly residual: number;
  /** Squared first component of its vector: the weight of Gauss quadrature for the start vector. Sum to 1. */
  readonly weight: number;
}

/** What counts as no new direction, against the largest number of the tridiagonal matrix. */
const BREAKDOWN = 1e-12;

/**
 * Lanczos' tridiagonalisation with full reorthogonalisation, twice in each step ("twice is enough": Parlett, The
 * Symmetric Eigenvalue Problem, section 6.9), so that no eigenvalue shows up twice by rounding.
 *
 * Where the Krylov space is exhausted before the whole space is, it goes on from a random direction orthogonal to it,
 * which finds eigenvalues of higher multiplicity; these have weight 0. Memory: a vector for each product.
 */
export class Lanczos {
  readonly #operator: SymmetricOperator;
  readonly #random: Random;
  readonly #basis: Float64Array[] = [];
  readonly #diagonal: number[] = [];
  /** `#beside[k]` couples vector k with the one after it. */
  readonly #beside: number[] = [];
  /** Undefined once the basis spans the whole space. */
  #next: Float64Array | undefined;
  #eigen: Eigensystem | undefined;

  /** @param start of whatever length above 0; `random` draws the directions after a breakdown */
  constructor(operator: SymmetricOperator, start: Float64Array, random: Random) {
    requireMethod("operator", operator, "multiply", "Give { size, gradientsPerProduct, multiply }.");
    requireTyped("start", start);
    this.#operator = operator;
    this.#random = random;
    this.#next = unit(start);
  }

  /** Products so far. */
  get steps(): number {
    return this.#basis.length;
  }

  /** True when there is nothing left to find. */
  get complete(): boolean {
    return this.#next === undefined;
  }

  /**
   * One product more.
   *
   * @throws VoxtwirlError "aborted", after which all that was known stays known; "not-finite" for a product that is not
   */
  async step(signal?: AbortSignal): Promise<void> {
    const q = this.#next;
    if (!q) return;
    const w = (await this.#operator.multiply(q, signal)).slice();
    if (!Number.isFinite(norm(w))) {
      throw new VoxtwirlError(
        "not-finite",
        "a product with the matrix is not finite",
        "Look at the loss and its gradient at these weights.",
      );
    }
    this.#eigen = undefined;
    this.#basis.push(q);
    this.#diagonal.push(dot(q, w));
    this.#orthogonalise(w);
    const beta = norm(w);
    const scale = [...this.#diagonal, ...this.#beside, beta].reduce(
      (most, value) => Math.max(most, Math.abs(value)),
      0,
    );
    const exhausted = beta <= BREAKDOWN * scale;
    this.#beside.push(exhausted ? 0 : beta);
    if (this.steps === q.length) this.#next = undefined;
    else this.#next = exhausted ? this.#freshDirection() : w.map((value) => value / beta);
  }

  /** Largest first; empty before the first step. */
  ritzValues(): RitzValue[] {
    const { values, vectors } = this.#eigensystem();
    const beyond = this.#beside.at(-1) ?? 0;
    return values.map((value, k) => ({
      value,
      residual: beyond * Math.abs(vectors[k]!.at(-1)!),
      weight: vectors[k]![0]! ** 2,
    }));
  }

  /** The unit Ritz vector of `ritzValues()[k]`. */
  ritzVector(k: number): Float64Array {
    const parts = this.#eigensystem().vectors[k]!;
    const vector = new Float64Array(this.#operator.size);
    this.#basis.forEach((q, i) => add(vector, parts[i]!, q));
    return unit(vector);
  }

  #eigensystem(): Eigensystem {
    return (this.#eigen ??= tridiagonalEigen(this.#diagonal, this.#beside.slice(0, -1)));
  }

  /** Takes from w what lies in the basis. */
  #orthogonalise(w: Float64Array): void {
    for (let pass = 0; pass < 2; pass++) for (const q of this.#basis) add(w, -dot(q, w), q);
  }

  #freshDirection(): Float64Array {
    const direction = Float64Array.from({ length: this.#operator.size }, () => this.#random.normal());
    this.#orthogonalise(direction);
    return unit(direction);
  }
}
