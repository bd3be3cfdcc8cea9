/** JSON for programs, on stdout and in files. */
import { print } from "./stdout.ts";

/** Version of what commands print or write as JSON; raised when a key goes or changes its meaning. */
export const JSON_FORMAT = 1;

/** The normal distribution holds 95 % within so many standard deviations. */
const NORMAL_95 = 1.959963984540054;

/**
 * An object as commands give it to programs: with `formatVersion`, and beside each number's standard error its interval
 * (`withIntervals`).
 */
export function versioned(value: object): object {
  return { formatVersion: JSON_FORMAT, ...(withIntervals(value) as object) };
}

/** One object on one line. JSON has no NaN: null stands for it. */
export function printJson(value: object): void {
  print([JSON.stringify(versioned(value))]);
}

/**
 * A copy in which `xInterval: [low, high]` stands after each `xStdErr` that belongs to a number `x`, and `interval`
 * after the `stdErr` of a `mean`, at whatever depth: the 95 % interval of a normal distribution, NaN where the error is
 * not known. Other values are as they were.
 */
export function withIntervals(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withIntervals);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const from = value as Readonly<Record<string, unknown>>;
  const to: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(from)) {
    to[key] = withIntervals(one);
    const [name, interval] = namesOf(key);
    const estimate = name === undefined ? undefined : from[name];
    if (typeof estimate !== "number" || typeof one !== "number") continue;
    to[interval] = [estimate - NORMAL_95 * one, estimate + NORMAL_95 * one];
  }
  return to;
}

/** The names of what a standard error is of, if it is one, and of its interval. */
function namesOf(key: string): [estimate: string | undefined, interval: string] {
  if (key === "stdErr") return ["mean", "interval"];
  const name = /^(.*)StdErr$/.exec(key)?.[1];
  return [name, `${name}Interval`];
}
