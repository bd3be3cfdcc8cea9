import { describe, expect, it } from "vitest";
import type { RotationReading } from "../../src/equivariance/rotationReadings.ts";
import { ARRAYS_ADVICE, MODEL_ADVICE, readingRemark, zeroRemarks } from "../../src/report/measureRemarks.ts";

const found = { lossTotal: 0.01323, lossTotalAsked: 0.4076, samples: 6 };
const matrices = { kind: "matrices", transposed: false, axes: "xyz", flipped: "" } as const;

describe("readingRemark", () => {
  it.each<[RotationReading, string]>([
    [{ ...matrices, transposed: true }, "With the transposed matrices LOSSES: are the rotations passive?"],
    [{ ...matrices, axes: "zyx" }, "With the axes reversed (z y x) LOSSES: is that the convention of the matrices?"],
    [
      { ...matrices, transposed: true, axes: "yxz", flipped: "y" },
      "With the transposed matrices and the axes in the order y x z and the y axis flipped LOSSES: " +
        "is that the convention of the matrices?",
    ],
    [{ kind: "rotated-back" }, "With the predictions left as they are LOSSES: are they rotated back already?"],
    [
      { kind: "rows", rows: [0, 2, 1] },
      "With the same matrices in another order (prediction 1 with matrix 2) LOSSES: " +
        "are they in the order of the predictions?",
    ],
  ])("of %j", (reading, text) => {
    const losses = "lossTotal would be 0.013 instead of 0.41";
    expect(readingRemark({ ...found, reading }, 6)).toBe(text.replace("LOSSES", losses));
  });

  it("says on how many samples, and writes small and large losses short", () => {
    const reading = { ...matrices, transposed: true };
    const { lossTotal, lossTotalAsked } = { lossTotal: 0.00012344, lossTotalAsked: 1234 };
    expect(readingRemark({ reading, lossTotal, lossTotalAsked, samples: 16 }, 100)).toBe(
      "On the first 16 samples, with the transposed matrices lossTotal would be 1.234e-4 instead of 1234: " +
        "are the rotations passive?",
    );
  });
});

describe("zeroRemarks", () => {
  it("speaks of losses above that of predicting zero alone", () => {
    expect(zeroRemarks(0.9, 1, MODEL_ADVICE)).toEqual([]);
    expect(zeroRemarks(1, 1, MODEL_ADVICE)).toEqual([]);
    expect(zeroRemarks(1.1, 1, ARRAYS_ADVICE)).toEqual([
      expect.stringMatching(/^Warning: lossTotal is above lossZero, .*rotated back in the right way\?$/),
    ]);
    const names = ["lossTotalPose", "lossZeroPose"] as const;
    expect(zeroRemarks(1.1, 1, MODEL_ADVICE, names)).toEqual([
      expect.stringMatching(/^Warning: lossTotalPose is above lossZeroPose, .*not learned yet/),
    ]);
    expect(zeroRemarks(1, 0, ARRAYS_ADVICE)).toEqual([expect.stringMatching(/^All targets are zero/)]);
  });
});
