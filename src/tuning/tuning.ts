import { requireMethod, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { KernelCall } from "../gpu/dispatch.ts";
import { TUNING_FORMAT, type TunedChoice, type Tuning } from "../gpu/tuning.ts";
import { kernelHashes, textHash } from "../kernels/kernelHash.ts";

/** A tuning of nothing yet, for this version's kernels. */
export function emptyTuning(adapter: string): Tuning {
  return { format: TUNING_FORMAT, adapter, kernels: kernelHashes(), choices: {} };
}

/** The tuning with what was found of some calls: a choice, or undefined where the table's variant stays. */
export function withChoices(tuning: Tuning, found: ReadonlyMap<string, TunedChoice | undefined>): Tuning {
  requireObject("tuning", tuning, "Give a Tuning: emptyTuning(adapter), or what parseTuning returns.");
  requireMethod("found", found, "has", "Give a Map of choices by the keys of calls.");
  const kept = Object.entries(tuning.choices).filter(([key]) => !found.has(key));
  const chosen = [...found].filter((entry): entry is [string, TunedChoice] => entry[1] !== undefined);
  const choices = Object.fromEntries([...kept, ...chosen].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...tuning, kernels: kernelHashes(), choices };
}

/** The kernel that a key speaks of. */
export function kernelOf(key: string): string {
  return key.split(" ", 1)[0]!;
}

/**
 * Checks a tuning as read from `source`. Choices for kernels whose shaders are others by now are left out.
 *
 * @param adapter `adapterId` of the adapter that is to use it
 * @throws VoxtwirlError "bad-config" when it is no tuning, or one of another adapter or driver
 */
export function parseTuning(value: unknown, adapter: string, source = "this"): Tuning {
  const fix = "Run voxtwirl tune on this adapter to make a new one, or do without.";
  const fail = (what: string) =>
    new VoxtwirlError("bad-config", `${source} is not a tuning for this adapter: ${what}`, fix);
  if (!isRecord(value)) throw fail("it is not an object");
  const { format, adapter: of, kernels, choices } = value;
  if (format !== TUNING_FORMAT) throw fail(`its format is ${JSON.stringify(format)} and not ${TUNING_FORMAT}`);
  if (of !== adapter) throw fail(`it was made on ${JSON.stringify(of)}, this is ${JSON.stringify(adapter)}`);
  if (!isRecord(kernels) || !isRecord(choices)) throw fail("it has no kernels or no choices");
  const now = kernelHashes();
  const kept: Record<string, TunedChoice> = {};
  for (const [key, choice] of Object.entries(choices)) {
    if (!isChoice(choice)) throw fail(`its choice for ${JSON.stringify(key)} is not one`);
    const kernel = kernelOf(key);
    if (kernels[kernel] !== undefined && kernels[kernel] === now[kernel]) kept[key] = choice;
  }
  return { format: TUNING_FORMAT, adapter, kernels: now, choices: kept };
}

/**
 * Which of the calls run another variant than the table's, as 16 hexadecimal digits; "none" where none does. Results
 * are bitwise the same on one adapter where this, the version and all else are.
 */
export function tuningHash(calls: Iterable<KernelCall>): string {
  requireMethod("calls", calls, Symbol.iterator, "Give the calls of a plan: plan.calls.values().");
  const chosen = new Map<string, string>();
  for (const { key, variant, fallback } of calls) if (variant !== fallback) chosen.set(key, variant);
  if (chosen.size === 0) return "none";
  return textHash(
    [...chosen]
      .map((entry) => entry.join(": "))
      .sort()
      .join("\n"),
  );
}

function isChoice(value: unknown): value is TunedChoice {
  if (!isRecord(value)) return false;
  const { variant, ms, fallback, fallbackMs } = value;
  const times = [ms, fallbackMs].every((time) => typeof time === "number" && time > 0);
  return typeof variant === "string" && typeof fallback === "string" && times;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
