import { scramble } from "../src/random.ts";

// Inputs of the cases, a function of a name and an index alone, so that any language makes the same ones. With 32-bit
// unsigned arithmetic that wraps, and mix the 32-bit finaliser of murmur3 (src/random.ts):
//
//   mix(z): z ^= z >> 16; z *= 0x85ebca6b; z ^= z >> 13; z *= 0xc2b2ae35; z ^= z >> 16
//   seed:   32-bit FNV-1a of the name's bytes: h = 0x811c9dc5; for each byte: h ^= byte; h *= 0x01000193
//   bits:   mix(mix(index) + seed)
//   u:      (bits >> 8) / 2^23 - 1, in [-1, 1) and exact in float32
//   value:  base + scale * u, each of the two operations in float32, with base and scale rounded to float32
//
// Names are those of the case without what is done with it, then the tensor: "unet/U/stem.weight", "conv3d/A/x".

/** How the values of a tensor are spread: uniform in [base - scale, base + scale). */
export interface Spread {
  /** Default 1. */
  readonly scale?: number;
  /** Default 0. */
  readonly base?: number;
}

/** 32-bit FNV-1a of a name in ASCII. */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** `count` values of the tensor of that name. */
export function uniform(name: string, count: number, { scale = 1, base = 0 }: Spread = {}): Float32Array<ArrayBuffer> {
  const seed = seedOf(name);
  const factor = Math.fround(scale);
  const offset = Math.fround(base);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const u = (scramble((scramble(i) + seed) | 0) >>> 8) / 2 ** 23 - 1;
    values[i] = offset + Math.fround(factor * u);
  }
  return values;
}

/** The spread of weights that keep the variance of what they are applied to: uniform with variance 1 / fanIn. */
export function fanInSpread(fanIn: number): Spread {
  return { scale: Math.sqrt(3 / fanIn) };
}
