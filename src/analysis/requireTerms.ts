import { requireMethod } from "../check.ts";

/** @throws VoxtwirlError "bad-option" unless `value` is LossTerms */
export function requireTerms(value: unknown): void {
  for (const method of ["sums", "gradient"]) requireMethod("terms", value, method, "Give the LossTerms of a model.");
}
