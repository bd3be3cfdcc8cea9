import { describe, expect, it } from "vitest";
import { PrintedDigits } from "../../src/frames/printedDigits.ts";
import { Random } from "../../src/random.ts";

const random = new Random(1);
const values = Array.from({ length: 600 }, () => 3 * random.normal());

function digitsOf(numbers: readonly number[]): PrintedDigits {
  const digits = new PrintedDigits();
  digits.add(numbers);
  return digits;
}

describe("PrintedDigits", () => {
  it.each([3, 6, 8])("finds %i digits behind the point", (count) => {
    const { written } = digitsOf(values.map((value) => Number(value.toFixed(count))));
    expect(written).toBeCloseTo(10 ** -count / Math.sqrt(12), 15);
  });

  it("finds significant digits, of numbers of all sizes", () => {
    const sizes = values.map((value, i) => Number((value * 10 ** (i % 5)).toPrecision(6)));
    // Most counts: those of some 1e4, whose last digit is 0.1.
    const { written } = digitsOf(sizes);
    expect(written).toBeGreaterThan(0.01 / Math.sqrt(12));
    expect(written).toBeLessThan(0.1 / Math.sqrt(12));
  });

  it("finds the step of numbers that were converted from few digits", () => {
    const step = 51.42208619083232e-6;
    expect(digitsOf(values.map((value) => step * Math.round(value / step))).written).toBeCloseTo(
      step / Math.sqrt(12),
      10,
    );
    expect(digitsOf(values).written).toBeLessThan(1e-14);
    expect(new PrintedDigits().written).toBe(0);
  });

  it.each([
    ["single", 24, Math.fround, (value: number) => value],
    ["single, 10 digits", 24, Math.fround, (value: number) => Number(value.toFixed(10))],
    ["single, 8 digits", 24, Math.fround, (value: number) => Number(value.toFixed(8))],
    ["single, 9 significant", 24, Math.fround, (value: number) => Number(value.toPrecision(9))],
    ["half", 11, (value: number) => Math.round(value * 256) / 256, (value: number) => value],
    ["double", 53, (value: number) => value, (value: number) => value],
    // Too few digits to tell; and they are the floor then.
    ["single, 6 digits", 53, Math.fround, (value: number) => Number(value.toFixed(6))],
  ])("tells the type of %s", (_, bits, type, written) => {
    const numbers = values.map((value) => written(type(value)));
    // Half precision has coarser steps for larger numbers.
    const chosen = bits === 11 ? numbers.filter((value) => Math.abs(value) < 4) : numbers;
    const digits = digitsOf(chosen);
    expect(digits.bits).toBe(bits);
    const rms = Math.sqrt(chosen.reduce((sum, value) => sum + value * value, 0) / chosen.length);
    expect(digits.type).toBeCloseTo(rms * 2 ** (1 - bits), 12);
  });
});
