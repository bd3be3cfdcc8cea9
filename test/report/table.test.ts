import fc from "fast-check";
import { expect, test } from "vitest";
import { formatPercent, formatPercentError, formatStepTime } from "../../src/report/format.ts";
import { fitText } from "../../src/report/liveLine.ts";
import {
  evalTableHeader,
  evalTableRow,
  formatCount,
  formatDuration,
  formatLoss,
  formatRatio,
  lossRatio,
  progressLine,
} from "../../src/report/table.ts";
import { evalRow } from "./samples.ts";

test("counts", () => {
  expect([0, 999, 1000, 363669, 111515237, -1234, NaN].map(formatCount)).toEqual([
    "0",
    "999",
    "1,000",
    "363,669",
    "111,515,237",
    "-1,234",
    "–",
  ]);
});

test("losses have four significant digits", () => {
  expect([0.73141, 1.40449e-3, 0, 71.25, 123456, -2.5e-7, 0.099999].map(formatLoss)).toEqual([
    "0.7314",
    "1.404e-3",
    "0",
    "71.25",
    "1.235e5",
    "-2.500e-7",
    "0.1000",
  ]);
  expect([null, NaN, Infinity].map(formatLoss)).toEqual(["–", "–", "–"]);
});

test("percentages and their errors share their decimals", () => {
  expect([75.53, 9.999, 3.456, 0, 1.2e-5].map(formatPercent)).toEqual(["75.5", "10.0", "3.46", "0.00", "1.2e-5"]);
  expect(formatPercentError(75.53, 2.31)).toBe("75.5 ± 2.3");
  expect(formatPercentError(3.456, 0.2149)).toBe("3.46 ± 0.21");
  expect(formatPercentError(1.2e-5, 3e-6)).toBe("1.2e-5 ± 3.0e-6");
  expect(formatPercentError(3.456, null)).toBe("3.46");
  expect(formatPercentError(NaN, 1)).toBe("–");
});

test("durations carry over to the next unit instead of showing 60", () => {
  const cases: [number, string][] = [
    [0.04, "0 s"],
    [0.42, "0.4 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min 00 s"],
    [112, "1 min 52 s"],
    [3599.7, "1 h 00 min"],
    [7500, "2 h 05 min"],
    [86399, "1 d 00 h"],
    [273600, "3 d 04 h"],
  ];
  expect(cases.map(([seconds]) => formatDuration(seconds))).toEqual(cases.map(([, text]) => text));
  expect([null, NaN, -1].map(formatDuration)).toEqual(["–", "–", "–"]);
});

test("step times", () => {
  expect([8.32, 130.4, 12400, NaN].map(formatStepTime)).toEqual(["8.3 ms", "130 ms", "12.4 s", "–"]);
});

test("the ratio to lossZero needs a positive lossZero", () => {
  expect(lossRatio({ lossTotal: 1, lossZero: 4 })).toBe(0.25);
  expect(lossRatio({ lossTotal: 1, lossZero: 0 })).toBeNull();
  expect(lossRatio({ lossTotal: NaN, lossZero: 1 })).toBeNull();
  expect([0.7312, 9.9996, 71.26, 1204, null].map(formatRatio)).toEqual(["0.731", "10.0", "71.3", "1,204", "–"]);
});

test("table lines are aligned to the right of each heading, whatever the values, within 100 columns", () => {
  const header = evalTableHeader();
  const ends = [...header.matchAll(/\S+/g)].map((match) => match.index + match[0].length);
  expect(ends).toHaveLength(6);
  const rows = [
    evalRow(0),
    evalRow(150),
    evalRow(1_000_000),
    evalRow(5, { lossTotal: 1.2e5, lossMean: -1e-9, lossEquiv: 1.2345e-300 }),
    evalRow(5, { percentEquiv: 100, percentEquivStdErr: 12.3 }),
    evalRow(6, { percentEquiv: 1.2e-12, percentEquivStdErr: 3e-13 }),
    evalRow(7, { lossTotal: null, lossMean: NaN, lossEquiv: null, lossZero: null, percentEquiv: null }),
  ];
  for (const row of rows) {
    const line = evalTableRow(row);
    expect(line.length).toBe(header.length);
    expect(line.length).toBeLessThanOrEqual(100);
    // Each column's last character is its cell's, and between two columns there is a blank.
    for (const end of ends) expect(line[end - 1]).not.toBe(" ");
    for (const end of ends.slice(0, -1)) expect(line[end]).toBe(" ");
  }
  expect(evalTableRow(rows.at(-1)!).trim().split(/\s+/)).toEqual(["7", "–", "–", "–", "–", "–"]);
});

test("the table shows a row's values", () => {
  const row = evalRow(1200, {
    lossTotal: 1.0263e-3,
    lossMean: 9.9139e-4,
    lossEquiv: 3.4896e-5,
    lossZero: 1.404e-3,
    percentEquiv: 3.4,
    percentEquivStdErr: 0.254,
  });
  const cells = evalTableRow(row)
    .trim()
    .split(/\s{2,}/);
  expect(cells).toEqual(["1,200", "1.026e-3", "9.914e-4", "3.490e-5", "0.731", "3.40 ± 0.25 %"]);
});

test("the progress line", () => {
  const progress = { step: 50, steps: 300, loss: 1.4e-3, percent: 5.83, msPerStep: 130, secondsLeft: 32.5 };
  expect(progressLine(progress)).toBe("step  50/300  loss 1.400e-3  percent 5.83  130 ms/step  33 s left");
  expect(progressLine({ ...progress, percent: null })).toBe("step  50/300  loss 1.400e-3  130 ms/step  33 s left");
  expect(progressLine({ ...progress, percent: undefined, loss: null, msPerStep: NaN, secondsLeft: null })).toBe(
    "step  50/300  loss –  –/step  – left",
  );
});

test("a run of ordinary size keeps every part of the progress line", () => {
  const line = progressLine({
    step: 4999,
    steps: 50_000,
    loss: 1.2e-3,
    percent: 75.5,
    msPerStep: 1284,
    secondsLeft: 57_780,
  });
  expect(line).toBe("step  4,999/50,000  loss 1.200e-3  percent 75.5  1284 ms/step  16 h 03 min left");
});

test("on a narrow terminal the progress line keeps the steps and the time left, and cuts no number", () => {
  const progress = { step: 4999, steps: 50_000, loss: 1.2e-3, percent: 75.5, msPerStep: 1284, secondsLeft: 57_780 };
  expect(progressLine(progress, 39)).toBe("step  4,999/50,000  16 h 03 min left");
  expect(progressLine(progress, 34)).toBe("4,999/50,000  16 h 03 min left");
  const short = { ...progress, step: 50, steps: 300, secondsLeft: 32.5 };
  expect(progressLine(short, 37)).toBe("50/300  loss 1.200e-3  33 s left");
  expect(progressLine(progress, 17)).toBe("4,999/50,000");
  expect(progressLine(progress, 11)).toBe("9 %");
  expect(progressLine(progress, 2)).toBe("");
});

test("the progress line fits every width, in whole parts", () => {
  const sizes = { step: fc.nat(), steps: fc.integer({ min: 1 }), skipped: fc.nat() };
  const values = { loss: fc.double(), percent: fc.double(), msPerStep: fc.double(), secondsLeft: fc.double() };
  fc.assert(
    fc.property(fc.record({ ...sizes, ...values }), fc.integer({ min: 19, max: 200 }), (progress, width) => {
      const steps = Math.max(progress.steps, progress.step);
      const line = progressLine({ ...progress, steps }, width);
      expect(line.length).toBeLessThanOrEqual(width);
      expect(line).not.toBe("");
      const whole = progressLine({ ...progress, steps }, Infinity).split("  ");
      for (const part of line.split("  ").slice(1)) expect(whole).toContain(part);
    }),
  );
});

test("a text is cut between words, and ends with a sign of it", () => {
  expect(fitText("conv3d/A: reference", 19)).toBe("conv3d/A: reference");
  expect(fitText("3 of 20, conv3d 1,024: wgt 256", 24)).toBe("3 of 20, conv3d 1,024…");
  expect(fitText("3 of 20, conv3d 1,024: wgt 256", 20)).toBe("3 of 20, conv3d…");
  expect(fitText("3 of 20", 4)).toBe("3…");
  expect(fitText("unet/down/1", 5)).toBe("");
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 60 }), (text, width) => {
      expect(fitText(text, width).length).toBeLessThanOrEqual(width);
    }),
  );
});

test("the progress line never reaches 80 columns and drops the step time first", () => {
  const line = progressLine({
    step: 999_999_999,
    steps: 1_000_000_000,
    loss: -1.2345e-123,
    percent: 1.2e-12,
    msPerStep: 12345,
    secondsLeft: 9e7,
  });
  expect(line.length).toBeLessThan(80);
  expect(line).toContain("999,999,999/1,000,000,000");
  expect(line).not.toContain("/step");
  expect(line).toMatch(/left$/);
});
