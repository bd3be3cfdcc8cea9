/** Twin of shaders/shared/philox.wgsl: Philox4x32-10 with exact 64-bit products in BigInt. */

export type Words4 = [number, number, number, number];

const MASK = 0xffffffffn;

/** Four random u32 from a counter of four u32 and a key of two u32. */
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

/** Known answers published with the paper's own implementation (Random123): counter, key, result. */
export const PHILOX_KNOWN_ANSWERS: readonly { counter: Words4; key: [number, number]; result: Words4 }[] = [
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    result: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    result: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    result: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];
