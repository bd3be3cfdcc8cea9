import { describe, expect, it } from "vitest";
import { formatMetric, parseMetrics, type EvalRow, type TrainRow } from "../../src/training/metrics.ts";

const train: TrainRow = { type: "train", step: 3, seconds: 1.5, loss: 0.125, gradNorm: 2 };
const evaluation: EvalRow = {
  type: "eval",
  step: 4,
  seconds: 2,
  lossTotal: 0.5,
  lossMean: 0.4,
  lossEquiv: 0.1,
  lossZero: 0.6,
  percentEquiv: 20,
  percentEquivStdErr: 0.25,
};

describe("metrics.jsonl", () => {
  it("writes one line of JSON in a fixed order", () => {
    expect(formatMetric({ gradNorm: 2, loss: 0.125, seconds: 1.5, step: 3, type: "train" })).toBe(
      '{"type":"train","step":3,"seconds":1.5,"loss":0.125,"gradNorm":2}',
    );
    expect(JSON.parse(formatMetric(evaluation))).toEqual(evaluation);
  });

  it("tells the scale of gradients and what was skipped, where there is scaling", () => {
    const row: TrainRow = { ...train, gradNorm: Infinity, lossScale: 1024, skipped: true };
    expect(formatMetric(row)).toBe(
      '{"type":"train","step":3,"seconds":1.5,"loss":0.125,"gradNorm":null,"lossScale":1024,"skipped":true}',
    );
    expect(parseMetrics(formatMetric(row))).toEqual([{ ...row, gradNorm: NaN }]);
  });

  it("turns what is not finite into null, and null into NaN", () => {
    const line = formatMetric({ ...train, loss: NaN, gradNorm: Infinity });
    expect(line).toContain('"loss":null,"gradNorm":null');
    expect(parseMetrics(line)).toEqual([{ ...train, loss: NaN, gradNorm: NaN }]);
  });

  it("reads back what it wrote, whatever the last line", () => {
    const text = `${formatMetric(train)}\n${formatMetric(evaluation)}\n`;
    expect(parseMetrics(text)).toEqual([train, evaluation]);
    expect(parseMetrics(text.trimEnd())).toEqual([train, evaluation]);
    for (let cut = 1; cut < formatMetric(evaluation).length; cut++) {
      expect(parseMetrics(text.trimEnd().slice(0, -cut))).toEqual([train]);
    }
    expect(parseMetrics("")).toEqual([]);
  });

  it.each([
    "nonsense",
    "[]",
    "null",
    '{"type":"other"}',
    '{"type":"train","step":1}',
    '{"type":"train","step":0.5,"seconds":0,"loss":0,"gradNorm":0}',
  ])("refuses %s in the middle, with the line's number", (bad) => {
    const text = `${formatMetric(train)}\n${bad}\n${formatMetric(train)}\n`;
    expect(() => parseMetrics(text, "runs/a/metrics.jsonl")).toThrow(
      expect.objectContaining({ code: "bad-file", message: expect.stringContaining("runs/a/metrics.jsonl, line 2") }),
    );
  });
});
