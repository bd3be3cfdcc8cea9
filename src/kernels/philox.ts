import { requireObject, requireWhole } from "../check.ts";

export type Words4 = [number, number, number, number];

const MASK = 0xffffffffn;
const WORD = 2 ** 32;

/**
 * Four random u32 from a counter of four u32 and a key of two u32, by Philox4x32-10 (Salmon et al., SC11, 2011) with
 * exact 64-bit products: the bits of shaders/shared/philox.wgsl.
 */
export function philox4x32(counter: readonly number[], key: readonly number[]): Words4 {
  let c = counter.map((word) => BigInt(word >>> 0));
  let k = key.map((word) => BigInt(word >>> 0));
  for (let round = 0; round < 10; round++) {
    const product0 = 0xd2511f53n * c[0]!;
    const product1 = 0xcd9e8d57n * c[2]!;
    c = [(product1 >> 32n) ^ c[1]! ^ k[0]!, product1 & MASK, (product0 >> 32n) ^ c[3]! ^ k[1]!, product0 & MASK];
    k = [(k[0]! + 0x9e3779b9n) & MASK, (k[1]! + 0xbb67ae85n) & MASK];
  }
  return c.map(Number) as Words4;
}

/** A uniform number in (0, 1), an odd multiple of 2^-24: that of shaders/shared/random.wgsl. */
export function uniformFromBits(bits: number): number {
  return ((bits >>> 8) | 1) / 2 ** 24;
}

/** Both halves of a seed, a whole number, as the uniform `Step` has them. */
export function seedWords(seed: number): [low: number, high: number] {
  return [seed >>> 0, Math.floor(seed / WORD) >>> 0];
}

/** What the random numbers of a sample are functions of. */
export interface StreamSample {
  /** A whole number. */
  readonly seed: number;
  /** Separates the uses of one seed. */
  readonly stream: number;
  /** Finished updates, as in the uniform `Step`. */
  readonly step: number;
  /** The sample's number in the whole batch. */
  readonly sample: number;
}

/**
 * The uniform number in (0, 1) that a sample's first random bits give on the GPU: what `chainWindows` draws a window
 * by, as `cropWindow` does of it.
 *
 * @throws VoxtwirlError "bad-option" unless all are whole numbers
 */
export function streamUniform(of: StreamSample): number {
  requireObject("the sample", of, "Give { seed, stream, step, sample }.");
  const { seed, stream, step, sample } = of;
  requireWhole("seed", seed, Number.MIN_SAFE_INTEGER);
  for (const [name, value] of Object.entries({ stream, step, sample })) requireWhole(name, value, 0, WORD - 1);
  return uniformFromBits(philox4x32([0, stream, step, sample], seedWords(seed))[0]);
}
