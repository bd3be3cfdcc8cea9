import { describe, expect, it } from "vitest";
import { byteLength } from "../../src/gpu/tensor.ts";
import { decodeHalf, encodeHalf } from "../../src/gpu/half.ts";

const all = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
const isNaN16 = (bits: number) => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;

describe("half precision", () => {
  it("reads every number and writes it back", () => {
    const values = decodeHalf(all, all.length);
    const again = encodeHalf(values);
    for (const bits of all) {
      if (isNaN16(bits)) expect(values[bits]).toBeNaN();
      expect(isNaN16(bits) ? isNaN16(again[bits]!) : again[bits] === bits, bits.toString(16)).toBe(true);
    }
    const some = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x3555].map((bits) => values[bits]);
    expect(some).toEqual([1, -2, 65504, 2 ** -24, 2 ** -14, 1365 / 4096]);
  });

  it("rounds to the nearest, and to the even one of two", () => {
    const rounded = (value: number) => decodeHalf(encodeHalf([value]), 1)[0];
    const positive = [...decodeHalf(all.slice(0, 0x7c00), 0x7c00)];
    for (let i = 0; i + 1 < positive.length; i += 97) {
      const [low, high] = [positive[i]!, positive[i + 1]!];
      const middle = (low + high) / 2;
      const even = i % 2 === 0 ? low : high;
      const [below, above] = [low + (high - low) * 0.499, low + (high - low) * 0.501];
      expect([rounded(middle), rounded(-middle), rounded(below), rounded(above)], String(middle)).toEqual([
        even,
        -even,
        low,
        high,
      ]);
    }
    expect([65519, 65520, 1e30, -Infinity].map(rounded)).toEqual([65504, Infinity, Infinity, -Infinity]);
    expect([2 ** -25, 2 ** -25 * 1.001, 2 ** -26, -0].map(rounded)).toEqual([0, 2 ** -24, 0, -0]);
  });

  it("takes whole words", () => {
    expect([1, 2, 3].map((n) => byteLength({ shape: [n], dtype: "f16" }))).toEqual([4, 4, 8]);
    expect(byteLength({ shape: [3], dtype: "f32" })).toBe(12);
    expect(encodeHalf([1, 2, 3])).toEqual(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0));
  });
});
