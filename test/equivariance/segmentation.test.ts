import { describe, expect, it } from "vitest";
import { decompose, Tally } from "../../src/equivariance/decomposition.ts";
import { mirrors } from "../../src/equivariance/cubeGroups.ts";
import { labelTarget } from "../../src/equivariance/labels.ts";
import { PredictionTally } from "../../src/equivariance/predictions.ts";
import { brierScore, probabilityCrossEntropy } from "../../src/equivariance/probabilityLosses.ts";
import { studentT975 } from "../../src/equivariance/studentT.ts";
import { randomArray } from "../harness.ts";

const CLASSES = 3;

/** Rows of probabilities. */
function distributions(rows: number, seed: number): Float64Array {
  const values = Float64Array.from(randomArray(rows * CLASSES, seed), Math.exp);
  for (let at = 0; at < values.length; at += CLASSES) {
    const sum = values[at]! + values[at + 1]! + values[at + 2]!;
    for (let e = at; e < at + CLASSES; e++) values[e]! /= sum;
  }
  return values;
}

describe("losses of probabilities", () => {
  it("brier is the squared error, times the classes", () => {
    const [p, y] = [distributions(4 * 8 * 5, 1), distributions(4 * 5, 2)];
    const brier = decompose(p, y, { samples: 4, groupOrder: 8, loss: brierScore({ classes: CLASSES }) });
    const squared = decompose(p, y, { samples: 4, groupOrder: 8 });
    expect(brier.lossEquiv).toBeCloseTo(CLASSES * squared.lossEquiv, 12);
    expect(brier.lossMean).toBeCloseTo(CLASSES * squared.lossMean, 12);
    expect(brier.percentEquiv).toBeCloseTo(squared.percentEquiv, 10);
    expect(brier.gains.at(-1)!.percentPredicted).toBeCloseTo(squared.gains.at(-1)!.percentPredicted, 10);
  });

  it("cross entropy of probabilities by hand", () => {
    const loss = probabilityCrossEntropy({ classes: 2 });
    const found = decompose([0.9, 0.1, 0.5, 0.5], [1, 0], { groupOrder: 2, loss });
    expect(found.lossTotal).toBeCloseTo(-(Math.log(0.9) + Math.log(0.5)) / 2, 12);
    expect(found.lossMean).toBeCloseTo(-Math.log(0.7), 12);
    expect(found.split).toBe("gap");
  });

  it.each([
    ["prediction", [0.9, 0.3, 0.5, 0.5], [1, 0], /a prediction's 2 probabilities sum up to 1\.2/],
    ["target", [0.9, 0.1, 0.5, 0.5], [1, 1], /a target's 2 probabilities sum up to 2/],
    ["negative", [1.1, -0.1, 0.5, 0.5], [1, 0], /a prediction is -0\.1/],
  ])("refuses a wrong %s", (_, p, y, message) => {
    for (const loss of [brierScore({ classes: 2 }), probabilityCrossEntropy({ classes: 2 })]) {
      expect(() => decompose(p, y, { groupOrder: 2, loss })).toThrow(message);
    }
  });

  it("refuses a probability of 0 of the true class", () => {
    const loss = probabilityCrossEntropy({ classes: 2 });
    expect(() => decompose([0, 1, 0.5, 0.5], [1, 0], { groupOrder: 2, loss })).toThrow("probability 0 to class 0");
  });
});

describe("labels", () => {
  it("are one-hot, and what is ignored does not count", () => {
    const loss = brierScore({ classes: CLASSES });
    const p = distributions(2 * 3, 3);
    const { oneHot, kept } = labelTarget([2, 255, 0], { classes: CLASSES, ignore: 255 });
    expect([...oneHot]).toEqual([0, 0, 1, 0, 0, 0, 1, 0, 0]);
    const tally = new Tally({ rotations: 2, groupOrder: 2, loss });
    tally.add(p, oneHot, kept);
    const without = [0, 2, 3, 5].flatMap((row) => [...p.subarray(3 * row, 3 * row + 3)]);
    const { ignored, ...rest } = decompose(without, [0, 0, 1, 1, 0, 0], { groupOrder: 2, loss });
    expect(tally.result()).toEqual({ ...rest, ignored: 1 });
    expect(ignored).toBe(0);
  });

  it("refuses others than those of the classes", () => {
    for (const label of [3, -1, 0.5, NaN]) {
      expect(() => labelTarget([0, label], { classes: CLASSES }, "sample 4")).toThrow(
        `sample 4 has the label ${label} at 1`,
      );
    }
    expect(() => labelTarget([9], { classes: CLASSES, ignore: 9 })).toThrow("no label that counts");
  });
});

describe("a model with a broken mirror", () => {
  // Off by +b where x is mirrored and by -b where not; a is wrong under all mirrors.
  const [a, b] = [0.3, 0.1];
  const matrices = mirrors().enumerate!();

  it("loses what averaging the 8 mirrors takes away", () => {
    const tally = new PredictionTally(8, {
      group: "mirrors",
      rotations: { matrices: matrices.flat(), output: { kind: "grid", size: 2, channels: 1 } },
    });
    for (let n = 0; n < 6; n++) {
      tally.add(
        matrices.flatMap((m) => Array.from({ length: 8 }, () => n + a + (m[0]! < 0 ? b : -b))),
        new Float64Array(8).fill(n),
      );
    }
    const { lossEquiv, lossMean, heldOut } = tally.result();
    expect(lossEquiv).toBeCloseTo(b * b, 12);
    expect(lossMean).toBeCloseTo(a * a, 12);
    expect(heldOut.map((half) => [half.count, half.predictingSamples])).toEqual([
      [8, 3],
      [8, 3],
    ]);
    for (const half of heldOut) {
      expect(half.percentPredicted).toBeCloseTo(10, 9);
      expect(half.percentMeasured).toBeCloseTo(10, 9);
    }
  });

  it("is not measured with a rotation that mirrors do not have", () => {
    const quarter = [0, -1, 0, 1, 0, 0, 0, 0, 1];
    const rotations = { matrices: [...matrices[0]!, ...quarter], output: { kind: "scalars" } as const };
    expect(() => new PredictionTally(2, { group: "mirrors", rotations })).toThrow("no element of mirrors");
  });
});

it("Student's t at its tables' values", () => {
  expect(studentT975(1)).toBeCloseTo(12.706, 3);
  expect(studentT975(11)).toBeCloseTo(2.201, 3);
  expect(studentT975(30)).toBeCloseTo(2.0423, 3);
});
