import { requireMethod } from "../check.ts";

/** @throws VoxtwirlError "bad-option" unless `value` is LossTerms */
export function requireTerms(value: unknown): void {
  requireMethod("terms", value, "gradient", "Give the LossTerms of a model.");
}
