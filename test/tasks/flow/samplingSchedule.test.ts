import { describe, expect, it } from "vitest";
import { samplingBatches, samplingPlan } from "../../../src/tasks/flow/samplingPlan.ts";
import { samplingTimes, stepCoefficients } from "../../../src/tasks/flow/samplingSchedule.ts";

describe("times", () => {
  it("go from 0 to 1 exactly, the last step a hundredth of the first", () => {
    const times = samplingTimes(400);
    expect(times).toHaveLength(401);
    expect([times[0], times[400]]).toEqual([0, 1]);
    for (let k = 0; k < 400; k++) expect(times[k + 1]).toBeGreaterThan(times[k]!);
    expect((times[400]! - times[399]!) / (times[1]! - times[0]!)).toBeCloseTo(0.01 * 10 ** (2 / 400), 6);
    expect(() => samplingTimes(0)).toThrow("steps is 0");
  });
});

describe("a step's coefficients", () => {
  /** x, y and n are numbers: centring is linear and comes after. */
  const stepped = ([p, q, r]: readonly number[], x: number, y: number, n: number) => p! * x + q! * y + r! * n;

  it("are those of the differential equations, written out", () => {
    const [x, y, n] = [0.7, -1.3, 0.4];
    for (const [t, next] of [
      [0, 0.01],
      [0.4, 0.43],
      [0.985, 0.989],
    ] as const) {
      const [dt, v] = [next - t, (y - x) / (1 - t)];
      expect(stepped(stepCoefficients(t, next, 0), x, y, n)).toBeCloseTo(x + v * dt, 12);
      const [s, g] = [(t * v - x) / (1 - t), 1 / (t + 0.01)];
      const want = x + (v + g * s) * dt + Math.sqrt(2 * g * 0.45 * dt) * n;
      expect(stepped(stepCoefficients(t, next, 0.45), x, y, n)).toBeCloseTo(want, 10);
    }
  });

  it("land on the endpoint in the last step, however few there are, without noise near the end", () => {
    for (const steps of [1, 2, 400]) {
      const times = samplingTimes(steps);
      expect(stepCoefficients(times[steps - 1]!, times[steps]!, 1)).toEqual([0, 1, 0]);
    }
    expect(stepCoefficients(0.991, 0.992, 1)[2]).toBe(0);
    expect(stepCoefficients(0.99, 0.992, 1)[2]).toBeGreaterThan(0);
  });

  it("are refused for times that are no step", () => {
    for (const [t, next] of [
      [0.5, 0.5],
      [-0.1, 0.5],
      [0.5, 1.1],
      [NaN, 1],
    ] as const) {
      expect(() => stepCoefficients(t, next, 0)).toThrow(/a step goes from time/);
    }
  });
});

describe("batches", () => {
  const numbers = (lengths: number[], batch: number) =>
    samplingBatches(samplingPlan({ lengths, batch }, 64)).map((one) => [one.places, one.chains, ...one.numbers]);

  it("hold chains of about one length, in their order, and have one size for each", () => {
    // Places and room, then the chains.
    expect(numbers([20, 64, 17, 24, 63, 24, 8], 2)).toEqual([
      [24, 2, 0, 2],
      [24, 2, 3, 5],
      [64, 2, 1, 4],
      [8, 1, 6],
    ]);
    expect(numbers([9, 9, 9], 8)).toEqual([[16, 3, 0, 1, 2]]);
  });
});
