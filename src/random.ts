/**
 * Seeded random numbers on the host: xoshiro128** (Blackman and Vigna), seeded through murmur3's finaliser.
 *
 * The same seed gives the same sequence on every platform, but for `normal`, whose logarithm and cosine may differ in
 * the last bit between JavaScript engines. The GPU has its own counter-based generator; this one draws what the host
 * decides.
 */
export class Random {
  private readonly state = new Uint32Array(4);

  /** `seed`: any finite number; both halves of integers up to 2^53 count, fractions are cut. */
  constructor(seed: number) {
    const whole = Math.trunc(seed);
    const low = whole | 0;
    const high = Math.floor(whole / 2 ** 32) | 0;
    for (let i = 0; i < 4; i++) {
      const step = Math.imul(i + 1, 0x9e3779b9);
      this.state[i] = scramble(scramble(high + step) ^ (low + step));
    }
    if (this.state.every((word) => word === 0)) this.state[0] = 1;
  }

  /** A uniform integer in [0, 2^32). */
  uint32(): number {
    const s = this.state;
    const s0 = s[0]!;
    const s1 = s[1]!;
    const s2 = s[2]! ^ s0;
    const s3 = s[3]! ^ s1;
    s[0] = s0 ^ s3;
    s[1] = s1 ^ s2;
    s[2] = s2 ^ (s1 << 9);
    s[3] = rotateLeft(s3, 11);
    return Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A uniform integer in [0, n), without modulo bias; `n` from 1 to 2^32. */
  int(n: number): number {
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const draw = this.uint32();
      if (draw < limit) return draw % n;
    }
  }

  /** A standard normal number (Box and Muller, the cosine half). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /** Shuffles in place (Fisher and Yates) and returns the same array. */
  shuffle<T extends { length: number; [index: number]: unknown }>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const kept = array[i];
      array[i] = array[j];
      array[j] = kept;
    }
    return array;
  }
}

/** The 32-bit finaliser of murmur3: a bijection of 32-bit integers whose output bits all depend on all input bits. */
export function scramble(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
