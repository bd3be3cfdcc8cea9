import type { AbortSignal } from "../hostTypes.ts";

/** A symmetric matrix that is known by its products alone. All algorithms of curvature ask for no more. */
export interface SymmetricOperator {
  /** Length of its vectors. */
  readonly size: number;
  /** What a product costs, in gradients of a term. */
  readonly gradientsPerProduct: number;
  /** @throws VoxtwirlError "aborted" when the signal is */
  multiply(vector: Float64Array, signal?: AbortSignal): Promise<Float64Array>;
  /** The same matrix with another error, to estimate that error by; absent where it is not estimated. */
  readonly other?: SymmetricOperator;
}
