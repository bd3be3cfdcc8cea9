import { describe, expect, it } from "vitest";
import { Random } from "../src/random.ts";

describe("Random", () => {
  it("is a function of its seed, large and negative seeds included", () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return [random.uint32(), random.uint32(), random.next()];
    };
    for (const seed of [0, 1, -1, 2 ** 32 + 1, 2 ** 52]) expect(draw(seed)).toEqual(draw(seed));
    const firsts = new Set([0, 1, -1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 2 ** 52].map((seed) => draw(seed)[0]));
    expect(firsts.size).toBe(8);
  });

  it("has the moments of a uniform and of a standard normal", () => {
    const random = new Random(5);
    const n = 40_000;
    let [sum, square, normalSum, normalSquare, normalFourth] = [0, 0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const u = random.next();
      expect(u >= 0 && u < 1).toBe(true);
      sum += u;
      square += u * u;
      const z = random.normal();
      normalSum += z;
      normalSquare += z * z;
      normalFourth += z ** 4;
    }
    const scale = 5 / Math.sqrt(n);
    expect(Math.abs(sum / n - 1 / 2)).toBeLessThan(scale * Math.sqrt(1 / 12));
    expect(Math.abs(square / n - 1 / 3)).toBeLessThan(scale * Math.sqrt(4 / 45));
    expect(Math.abs(normalSum / n)).toBeLessThan(scale);
    expect(Math.abs(normalSquare / n - 1)).toBeLessThan(scale * Math.sqrt(2));
    expect(Math.abs(normalFourth / n - 3)).toBeLessThan(scale * Math.sqrt(96));
  });

  it("draws integers evenly and shuffles without loss", () => {
    const random = new Random(9);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) counts[random.int(6)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(10_000));
    const cards = random.shuffle(Uint32Array.from({ length: 100 }, (_, i) => i));
    expect(cards[0] === 0 && cards[1] === 1 && cards[2] === 2).toBe(false);
    expect([...cards].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});
