import { describe, expect, it } from "vitest";
import { seedOf, uniform } from "../../bench/data.ts";

const MASK = 0xffffffffn;

/** bench/data.ts as its comment says it, with whole numbers of any size. */
function described(name: string, index: number): number {
  const mix = (value: bigint) => {
    let z = value;
    z ^= z >> 16n;
    z = (z * 0x85ebca6bn) & MASK;
    z ^= z >> 13n;
    z = (z * 0xc2b2ae35n) & MASK;
    return z ^ (z >> 16n);
  };
  let seed = 0x811c9dc5n;
  for (const byte of Buffer.from(name, "ascii")) seed = ((seed ^ BigInt(byte)) * 0x01000193n) & MASK;
  const bits = mix((mix(BigInt(index)) + seed) & MASK);
  return Number(bits >> 8n) / 2 ** 23 - 1;
}

describe("inputs of the benchmarks", () => {
  it("are what the comment describes", () => {
    for (const name of ["unet/U/stem.weight", "conv3d/A/x", ""]) {
      const values = uniform(name, 200);
      for (let i = 0; i < values.length; i++) expect(values[i]).toBe(described(name, i));
    }
    // FNV-1a's published offset basis and test vector.
    expect(seedOf("")).toBe(0x811c9dc5);
    expect(seedOf("a")).toBe(0xe40c292c);
    expect(seedOf("foobar")).toBe(0xbf9cf968);
  });

  it("are uniform in [-1, 1), apart by name, and rounded once an operation", () => {
    const count = 100_000;
    const values = uniform("x", count);
    const mean = values.reduce((a, b) => a + b, 0) / count;
    const square = values.reduce((a, b) => a + b * b, 0) / count;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(square - 1 / 3)).toBeLessThan(0.01);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...values)).toBeLessThan(1);
    const other = uniform("y", count);
    const correlation = values.reduce((sum, value, i) => sum + value * other[i]!, 0) / count;
    expect(Math.abs(correlation)).toBeLessThan(0.01);
    const spread = uniform("x", 100, { base: 1, scale: 0.1 });
    spread.forEach((value, i) => expect(value).toBe(Math.fround(1 + Math.fround(Math.fround(0.1) * values[i]!))));
  });
});
