import { expect } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import { attention } from "../../src/kernels/attention/attention.ts";
import { attentionGrad } from "../../src/kernels/attention/attentionGrad.ts";
import { expectClose, randomArray, relativeError, runKernels, testGpu } from "../harness.ts";
import { attention as twin, attentionGrad as gradTwin, type AttentionCase } from "../../src/reference/attention.ts";
import { withCaps } from "./capsOf.ts";
import { EPS } from "./differences.ts";
import { roundedTo, storedTolerance, type Stored } from "./half.ts";

/** Samples, tokens, channels, and the size of queries, keys and values. */
export const CASES: readonly (readonly [number, number, number, number])[] = [
  [1, 1, 8, 1],
  [3, 1, 1, 1],
  [1, 27, 8, 1],
  [3, 64, 12, 1],
  [2, 63, 5, 3],
  [1, 125, 33, 1],
  [1, 16, 512, 1],
  [1, 300, 8, 2],
  [2, 530, 4, 1],
];

export type Results = Record<"y" | "logSumExp" | "gradQkv", Float32Array>;

/** Attention and its gradient, on an adapter with those capabilities instead of its own. */
export async function run(
  c: AttentionCase,
  qkv: Float32Array,
  gradY: Float32Array,
  caps: Partial<GpuCaps> = {},
  dtype: Stored = "f32",
): Promise<Results> {
  const shape = [c.samples, c.tokens, 3 * c.channels];
  const shapeY = [c.samples, c.tokens, c.channels];
  const { scale } = c;
  const out = await runKernels(
    await testGpu(),
    { qkv: { shape, dtype, data: qkv }, gradY: { shape: shapeY, dtype, data: gradY } },
    { y: { shape: shapeY, dtype }, logSumExp: { shape: [c.samples, 1, c.tokens] }, gradQkv: { shape, dtype } },
    (context, { qkv, gradY, y, logSumExp, gradQkv }) => {
      const ctx = withCaps(context, caps);
      attention(ctx, { label: "attention", qkv, y, logSumExp, scale });
      attentionGrad(ctx, { label: "attentionGrad", qkv, y, logSumExp, gradY, gradQkv, scale });
    },
  );
  return out as Results;
}

export function caseOf(samples: number, tokens: number, channels: number): AttentionCase {
  return { samples, tokens, channels, scale: channels ** -0.5 };
}

/** qkv and gradY as so stored tensors hold them, from fixed seeds. */
export function random(c: AttentionCase, size = 1, dtype: Stored = "f32"): [Float32Array, Float32Array] {
  const count = c.samples * c.tokens * c.channels;
  return [roundedTo(dtype, randomArray(3 * count, 1, size)), roundedTo(dtype, randomArray(count, 2))];
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

/** Compares with the twin's results; `size` is that of the values in qkv. */
export function expectTwin(
  c: AttentionCase,
  size: number,
  qkv: Float32Array,
  gradY: Float32Array,
  result: Results,
  dtype: Stored,
): void {
  const { tokens, channels } = c;
  const exact = twin(c, qkv);
  const { gradQkv: grad } = gradTwin(c, qkv, gradY);
  // A score is right to sqrt(C) roundings of its terms' size, and exp turns that into a relative error.
  const score = c.scale * channels * size * size * 4;
  const relative = EPS * (16 + 2 * score + 2 * Math.sqrt(channels) * score);
  expectClose(result.logSumExp, exact.logSumExp, relative + 4 * EPS * largest(exact.logSumExp) + 2 ** -20, "logSumExp");
  expectClose(result.y, exact.y, storedTolerance(dtype, exact.y, relative * largest(qkv)), "y");
  const half = dtype === "f16" ? 2 ** -11 : 0;
  expect(relativeError(result.y, exact.y)).toBeLessThan(relative + half);
  // The gradient's terms p (dp - D) q, of which up to T are added.
  const term = c.scale * Math.sqrt(channels) * size * largest(gradY) * largest(qkv) + largest(gradY);
  // The terms p (dp - D) have D from the stored y.
  const dots = half * term * largest(qkv) * Math.sqrt(channels);
  const sums = 4 * relative * term * Math.sqrt(tokens);
  expectClose(result.gradQkv, grad, storedTolerance(dtype, grad, sums + dots), "gradQkv");
  // With one token queries and keys get a gradient of zero exactly.
  expect(relativeError(result.gradQkv, grad)).toBeLessThan(4 * relative + 4 * half);
}
