import type { ParameterSpec } from "../graph/parameters.ts";
import type { WeightKind } from "./layouts.ts";

/** A parameter with what is needed to initialise it and to write it in PyTorch's layout. */
export interface ModelParameter extends ParameterSpec {
  readonly kind: WeightKind;
  /** Initial values: a constant, or uniform in +-bound. */
  readonly init: { readonly constant: number } | { readonly bound: number };
}
