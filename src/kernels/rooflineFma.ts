import rooflineFmaShader from "../../shaders/rooflineFma.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { badShape, requireShape } from "./shapes.ts";
import { example, input, output } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { threads1d, WORKGROUP } from "./threads.ts";

/** Chains of a thread, and steps of each in a round: as in the shader. */
const CHAINS = 8;
const STEPS = 16;

/** What `rooflineFma` takes. */
export interface RooflineFmaArgs {
  label: string;
  /** f32 [2], multiplier and addend of every step. */
  factors: Tensor;
  /** f32 [threads], written: the sum of each thread's chains; a power of two from 64. */
  sums: Tensor;
  rounds: number;
}

/**
 * 128 * rounds fused multiply-adds in each thread, on registers alone: the ceiling of arithmetic.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function rooflineFma(ctx: KernelContext, args: RooflineFmaArgs): void {
  requireArgs("rooflineFma", ctx, args, "factors sums", "rounds");
  const { label, factors, sums, rounds } = args;
  requireShape(label, "factors", factors, [2]);
  const threads = elementCount(sums.shape);
  if (threads < WORKGROUP || !Number.isInteger(Math.log2(threads))) {
    throw badShape(label, `'sums' must hold a power of two of threads, at least ${WORKGROUP}`, { sums });
  }
  ctx.dispatch({
    label,
    shader: rooflineFmaShader,
    params: { rounds },
    bindings: { factors, sums },
    workgroups: threads1d(threads),
    flops: threads * (2 * CHAINS * STEPS * rounds + CHAINS - 1),
    bytes: byteLength(factors) + byteLength(sums),
  });
}

/** What `rooflineFma` makes of multiplier 1 and addend 1 in thread t: exact below 2^24. */
export function rooflineFmaSum(thread: number, rounds: number): number {
  const begins = (CHAINS * (CHAINS - 1)) / 2;
  return CHAINS * ((thread % WORKGROUP) + STEPS * rounds) + begins;
}

/** What the work of a call depends on: sizes and switches. */
export interface FmaShape extends CallShape {
  readonly threads: number;
  readonly rounds: number;
}

/** What there is to know of `rooflineFma`. */
export const rooflineFmaKernel: Kernel<FmaShape> = {
  name: "rooflineFma",
  shaders: [rooflineFmaShader],
  shapes: [
    { threads: 128, rounds: 2 },
    { threads: 64, rounds: 1 },
  ],
  example({ threads, rounds }) {
    return example({
      // Small factors: sums stay near the first values.
      tensors: { factors: input([2], Float32Array.of(0.75, 3)), sums: output([threads]) },
      terms: CHAINS * STEPS * rounds,
      emit: (ctx, tensors) => rooflineFma(ctx, { label: "rooflineFma", ...tensors, rounds }),
    });
  },
};
