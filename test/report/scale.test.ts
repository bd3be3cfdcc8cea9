import { expect, test } from "vitest";
import {
  linearScale,
  linearTicks,
  logDomain,
  logScale,
  logTicks,
  niceStep,
  powerLabel,
  stepTicks,
  type Tick,
} from "../../src/report/scale.ts";

const labelled = (ticks: Tick[]): string[] => ticks.flatMap((tick) => (tick.label === undefined ? [] : [tick.label]));

test("scales map the ends of the domain to the ends of the range, and logarithms evenly", () => {
  expect(linearScale([10, 20], [0, 100])(12)).toBeCloseTo(20);
  const y = logScale([1e-4, 1], [400, 0]);
  expect([1e-4, 1e-3, 1e-2, 1].map(y).map(Math.round)).toEqual([400, 300, 200, 0]);
});

test("nice steps are 1, 2 or 5 times a power of ten and give no more intervals than asked for", () => {
  expect([niceStep(300, 8), niceStep(5000, 8), niceStep(0.3, 3), niceStep(7, 8)]).toEqual([50, 1000, 0.1, 1]);
});

test("ticks of a linear axis are round numbers within it, zero among them", () => {
  expect(labelled(linearTicks([-1, 1], String, 4))).toEqual(["-1", "-0.5", "0", "0.5", "1"]);
  expect(labelled(linearTicks([0, 1], String, 5))).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
  expect(labelled(linearTicks([-0.006, 0.0153], String, 8))).toEqual(["-0.005", "0", "0.005", "0.01", "0.015"]);
  expect(labelled(linearTicks([3, 41], String, 3))).toEqual(["20", "40"]);
});

test("steps are whole numbers, also on a short axis", () => {
  expect(labelled(stepTicks([0, 3]))).toEqual(["0", "1", "2", "3"]);
  expect(labelled(stepTicks([0, 5000]))).toEqual(["0", "1,000", "2,000", "3,000", "4,000", "5,000"]);
});

test("a long logarithmic axis labels powers of ten only, with 2 to 9 as minor ticks", () => {
  const ticks = logTicks([2e-5, 0.2]);
  expect(labelled(ticks)).toEqual(["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]);
  expect(ticks.filter((tick) => tick.label === undefined)).toHaveLength(3 * 8 + 8 + 1);
});

test("within two and a half decades 1, 2 and 5 are labelled, and a very short axis labels all it has", () => {
  expect(labelled(logTicks([0.9, 60], String))).toEqual(["1", "2", "5", "10", "20", "50"]);
  expect(labelled(logTicks([5.1, 9.5], String))).toEqual(["6", "7", "8", "9"]);
});

test("a huge range does not crowd the axis", () => {
  const labels = labelled(logTicks([1e-30, 1]));
  expect(labels.length).toBeLessThanOrEqual(9);
  expect(labels.length).toBeGreaterThan(3);
});

test("ticks lie within the domain and rise", () => {
  for (const domain of [
    [1e-5, 0.1],
    [1.1, 3.4],
    [0.7, 90],
    [1e-9, 3e-9],
  ] as const) {
    const values = logTicks(domain).map((tick) => tick.value);
    expect(values.length).toBeGreaterThan(1);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(values.every((value) => value >= domain[0] && value <= domain[1])).toBe(true);
  }
});

test("the domain spans the positive finite values with air and is never narrower than a factor of three", () => {
  const [low, high] = logDomain([0.001, null, NaN, -4, 0, Infinity, 10])!;
  expect(low).toBeLessThan(0.001);
  expect(high).toBeGreaterThan(10);
  expect(high / low).toBeLessThan(4e4);
  const flat = logDomain([2, 2])!;
  expect(flat[1] / flat[0]).toBeCloseTo(3);
  expect(logDomain([null, -1, 0])).toBeNull();
});

test("powers of ten are written with superscripts", () => {
  const labels = [1e-3, 2e-4, 0.5, 1, 20, 1e12].map(powerLabel);
  expect(labels).toEqual(["10⁻³", "2×10⁻⁴", "5×10⁻¹", "1", "20", "10¹²"]);
});
