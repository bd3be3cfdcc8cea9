import { requireArray, requireMethod } from "../check.ts";
import type { ParameterSpec, ParameterStore } from "../graph/parameters.ts";
import type { WeightKind } from "./layouts.ts";

/** A parameter with what is needed to initialise it and to write it in PyTorch's layout. */
export interface ModelParameter extends ParameterSpec {
  readonly kind: WeightKind;
  /** Initial values: a constant, uniform in +-bound, or normal around 0. */
  readonly init: { readonly constant: number } | { readonly bound: number } | { readonly deviation: number };
}

/** @throws VoxtwirlError "bad-option" unless both are given */
export function requireParameters(store: ParameterStore, parameters: readonly ModelParameter[]): void {
  requireMethod("store", store, "readEach", "Give a ParameterStore.");
  requireArray("parameters", parameters, "Give what the store was made of: task.parameters(config).");
}
