import type { Figure } from "./experiment.ts";

/** As results.json has numbers: null for what is not finite. */
export function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** A number with its standard error, where it has one. */
export function figure(value: number, stdErr?: number): Figure {
  return { value: finite(value), stdErr: finite(stdErr) };
}
