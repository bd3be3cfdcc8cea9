import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TextBytes } from "../../src/formats/textBytes.ts";

function written(write: (into: TextBytes) => void): string {
  const into = new TextBytes();
  write(into);
  return new TextDecoder().decode(into.take());
}

describe("TextBytes", () => {
  it("writes numbers with their digits, the nearest there is", () => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
    fc.assert(
      fc.property(
        fc.oneof(
          numbers,
          numbers.map((value) => value / 1e9),
        ),
        fc.integer({ min: 0, max: 12 }),
        (value, digits) => {
          const text = written((into) => into.fixed(value, digits));
          expect(text).toMatch(digits === 0 ? /^-?\d+$/ : new RegExp(`^-?(0|[1-9]\\d*)\\.\\d{${digits}}$`));
          expect(text).not.toMatch(/^-[0.]+$/);
          const unit = 10 ** -digits;
          expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(0.5001 * unit + 2 ** -52 * Math.abs(value));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("carries into whole digits, and leaves what is too large for it to toFixed", () => {
    const cases: readonly (readonly [number, number, string])[] = [
      [0.99999999999, 10, "1.0000000000"],
      [9.99999999999, 10, "10.0000000000"],
      [99999.5, 0, "100000"],
      [-0, 3, "0.000"],
      [-1e-12, 10, "0.0000000000"],
      [899999.1234567891, 10, (899999.1234567891).toFixed(10)],
      [123456789.125, 2, (123456789.125).toFixed(2)],
      [0.1, 20, (0.1).toFixed(20)],
      [1000, 4, "1000.0000"],
    ];
    for (const [value, digits, text] of cases) {
      expect(
        written((into) => into.fixed(value, digits)),
        text,
      ).toBe(text);
    }
  });

  it("writes text of any length in UTF-8, and begins anew once it was taken", () => {
    const texts = ["a".repeat(70_000), "é€😀", "plain", "", "mixed é then plain"];
    const into = new TextBytes();
    for (const text of texts) into.text(text);
    expect(into.length).toBe(new TextEncoder().encode(texts.join("")).length);
    expect(new TextDecoder().decode(into.take())).toBe(texts.join(""));
    expect(into.length).toBe(0);
    into.text("next");
    expect(new TextDecoder().decode(into.take())).toBe("next");
  });
});
