import { requireObject } from "../check.ts";
import type { GPUAdapterInfo } from "../hostTypes.ts";

/** Version of the layout of a `Tuning`. */
export const TUNING_FORMAT = 1;

/** A variant that was faster than the table's, with both times of one call in milliseconds. */
export interface TunedChoice {
  readonly variant: string;
  readonly ms: number;
  readonly fallback: string;
  readonly fallbackMs: number;
}

/**
 * Which variants of kernels are the fastest on one adapter, as `voxtwirl tune` or `tune` found them. Plain data: JSON
 * carries it from where it was made to where it is used.
 */
export interface Tuning {
  readonly format: typeof TUNING_FORMAT;
  /** Adapter and driver, as `adapterId` names them. */
  readonly adapter: string;
  /** By kernel, a hash of the shaders that were timed: choices for others count no more. */
  readonly kernels: Readonly<Record<string, string>>;
  /** By the key of a kernel's call (`KernelCall`). */
  readonly choices: Readonly<Record<string, TunedChoice>>;
}

/** One line that tells adapters and drivers apart. Browsers tell less of them than Dawn does. */
export function adapterId(info: Pick<GPUAdapterInfo, "vendor" | "architecture" | "device" | "description">): string {
  requireObject("info", info, "Give an adapter's info: gpu.info.");
  return [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(", ") || "unnamed";
}
