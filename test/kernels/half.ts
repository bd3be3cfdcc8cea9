import { beforeEach } from "vitest";
import { decodeHalf, encodeHalf } from "../../src/gpu/half.ts";
import { testGpu } from "../harness.ts";

/** How activations are stored, in the tables of kernels that know both. */
export const STORED = ["f32", "f16"] as const;
export type Stored = (typeof STORED)[number];

/**
 * Half precision needs a feature of the adapter: without it a suite's tests are skipped, and counted with the reason.
 */
export function needsStored(stored: Stored): void {
  if (stored === "f32") return;
  beforeEach(async (context) => {
    if (!(await testGpu()).caps.f16) context.skip("this adapter has no shader-f16");
  });
}

/**
 * As `needsStored`, for tests of variants that multiply subgroup matrices: no adapter can be counted on to have them.
 */
export function needsMatrices(): void {
  beforeEach(async (context) => {
    if ((await testGpu()).caps.subgroupMatrices.length > 0) return;
    // Where they are what is tested, their absence must not pass.
    if (process.env.VOXTWIRL_NEEDS_MATRICES) throw new Error("this adapter has no subgroup matrices of f16");
    context.skip("this adapter has no subgroup matrices of f16");
  });
}

/** The data as a tensor so stored holds them. */
export function roundedTo(stored: Stored, data: Float32Array): Float32Array<ArrayBuffer> {
  return stored === "f16" ? decodeHalf(encodeHalf(data), data.length) : Float32Array.from(data);
}

/**
 * What an error of the f32 arithmetic becomes in a tensor so stored: f16 rounds the result once, by at most half a unit
 * in its last place.
 */
export function storedTolerance(
  stored: Stored,
  expected: ArrayLike<number>,
  allowed: number | ArrayLike<number>,
): Float64Array {
  return Float64Array.from(expected, (value, i) => {
    const error = typeof allowed === "number" ? allowed : allowed[i]!;
    return stored === "f16" ? error + halfUnit(Math.abs(value) + error) : error;
  });
}

/** Half the distance of f16 numbers around `size`; below 2^-14 they lie 2^-24 apart. */
function halfUnit(size: number): number {
  return 2 ** (Math.max(Math.floor(Math.log2(size)), -14) - 11);
}
