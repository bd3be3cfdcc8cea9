import { describe, expect, it } from "vitest";
import { makeChain } from "../../../src/proteins/chain.ts";
import { secondMoments, WienerFilter } from "../../../src/tasks/flow/secondMoments.ts";
import { Random } from "../../../src/random.ts";

/** A chain of free steps, in Angstrom: |x_i - x_j|^2 / 3 is |i - j| step^2 on average. */
function freeChain(residues: number, step: number, random: Random) {
  const positions = new Float64Array(3 * residues);
  for (let at = 3; at < positions.length; at++) positions[at] = positions[at - 3]! + step * random.normal();
  return makeChain({ positions });
}

describe("second moments of chains", () => {
  it("are in nm^2 along an axis, by separation", () => {
    const random = new Random(1);
    const chains = Array.from({ length: 400 }, () => freeChain(30, 2, random));
    const { separations } = secondMoments(chains, 30);
    expect(separations[0]).toBe(0);
    for (const s of [1, 5, 20]) expect(separations[s]! / (0.04 * s)).toBeCloseTo(1, 1);
  });

  it("go on as the longest chain has them", () => {
    const { separations } = secondMoments([makeChain({ positions: new Float64Array([0, 0, 0, 3.8, 0, 0]) })], 4);
    expect(separations.map((value) => Number(value.toFixed(6)))).toEqual([0, 0.048133, 0.048133, 0.048133]);
  });
});

describe("the Wiener filter", () => {
  const moments = { separations: [0, 0.04, 0.09, 0.12] };
  const x = Float64Array.from([0.2, 0.1, -0.3, -0.1, 0.2, 0.1, 0.3, -0.4, 0.2, -0.4, 0.1, 0]);

  it("is zero for noise and the identity for data", () => {
    for (const value of new WienerFilter(moments).endpoint(0, x)) expect(value).toBeCloseTo(0, 12);
    new WienerFilter(moments).endpoint(1, x).forEach((value, at) => expect(value).toBeCloseTo(x[at]!, 9));
  });

  it("is the best linear estimate: its errors have no correlation with what it is told", () => {
    const random = new Random(3);
    const [n, t] = [4, 0.6];
    const correlation = new Float64Array(n * n);
    let scale = 0;
    const draws = 20_000;
    const walk = new WienerFilter({ separations: [0, 0.04, 0.08, 0.12] });
    for (let draw = 0; draw < draws; draw++) {
      // Free steps of 0.2 nm along one axis; along the others all is 0.
      let place = 0;
      const target = centredOne(Array.from({ length: n }, () => (place += 0.2 * random.normal())));
      const noise = centredOne(Array.from({ length: n }, () => random.normal()));
      const told = new Float64Array(3 * n);
      for (let i = 0; i < n; i++) told[3 * i] = (1 - t) * noise[i]! + t * target[i]!;
      const guess = walk.endpoint(t, told);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) correlation[i * n + j]! += (guess[3 * i]! - target[i]!) * told[3 * j]!;
        scale += target[i]! ** 2;
      }
    }
    for (const value of correlation) expect(Math.abs(value)).toBeLessThan((4 * scale) / Math.sqrt(draws));
  });
});

function centredOne(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}
