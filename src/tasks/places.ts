import type { TermsOptions } from "../analysis/lossTerms.ts";
import { requireTyped, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";

/** @throws VoxtwirlError "bad-option" unless these are places of samples, one at least and not more than there are */
export function requirePlaces(what: string, places: Uint32Array, count: number): void {
  requireTyped(what, places);
  if (places.length < 1 || places.length > count) {
    const message = `${what} are ${places.length} of ${count} samples`;
    throw new VoxtwirlError("bad-option", message, "Give one to all of them.");
  }
  places.forEach((place, i) => requireWhole(`${what}[${i}]`, place, 0, count - 1));
}

/**
 * The samples that are meant, of those that were chosen.
 *
 * @throws VoxtwirlError "bad-option" unless there is one
 */
export function placesOf(chosen: Uint32Array, { from = 0, to = chosen.length }: TermsOptions): Uint32Array {
  const { length } = chosen;
  if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from < to && to <= length) {
    return chosen.subarray(from, to);
  }
  const what = `samples ${from} to ${to} of ${length}`;
  throw new VoxtwirlError("bad-option", `there are no ${what}`, "Give from < to within the samples.");
}
