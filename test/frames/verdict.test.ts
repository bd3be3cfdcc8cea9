import { describe, expect, it } from "vitest";
import { rotatePoints, so3, type Rotation } from "../../src/equivariance/groups.ts";
import { measureFrames, type MeasureFramesOptions } from "../../src/frames/measureFrames.ts";
import type { RotateFramesOptions } from "../../src/frames/rotateFrames.ts";
import { verdictLine } from "../../src/cli/verdictLine.ts";
import { verdictsOf } from "../../src/frames/verdict.ts";
import type { Frame, NumberedFrame } from "../../src/molecules/frame.ts";
import { Random } from "../../src/random.ts";
import { forcesOf, labelledFrames, predictedFrames } from "./predicting.ts";

const original = labelledFrames(12);
const exact = (rotation: Rotation, frame: NumberedFrame) => rotatePoints(rotation, forcesOf(frame));

/** What is measured of forces that a program predicts from a copy. */
async function forcesBy(
  program: (rotation: Rotation, frame: NumberedFrame, copy: Frame) => ArrayLike<number>,
  rotating: Partial<RotateFramesOptions> = {},
  measuring: Partial<MeasureFramesOptions> = {},
) {
  const options = { group: so3, twirl: 6, seed: 2, repeats: true, ...rotating };
  const predicted = await predictedFrames(original, options, (...given) => ({ arrays: { forces: program(...given) } }));
  const { terms, verdicts, faults } = await measureFrames({ predicted, original, ...measuring });
  expect(faults).toEqual({});
  return { ...terms.forces!, line: verdictLine("forces", terms.forces!), all: verdicts };
}

const digits = (count: number) => (value: number) => Number(value.toFixed(count));

describe("the verdict", () => {
  it("is rounding for an exact program with few digits, with the digits as the floor", async () => {
    const found = await forcesBy((rotation, frame) => exact(rotation, frame).map(digits(5)));
    expect(found.floor).toMatchObject({ from: "digits", repeats: 0, bits: 53 });
    expect(found.floor.value).toBeCloseTo(1e-5 / Math.sqrt(12), 12);
    // Three rounded components, turned back, are off by as much as each.
    expect(found.spreadRms / found.floor.value).toBeGreaterThan(0.8);
    expect(found.spreadRms / found.floor.value).toBeLessThan(1.2);
    expect([found.verdicts, found.all]).toEqual([["rounding"], ["rounding"]]);
    expect(found.line).toMatch(/^forces: rounding: rotations change it by .* \(the digits written\)$/);
  });

  it("is rounding for one in single precision", async () => {
    const found = await forcesBy((rotation, frame) => exact(rotation, frame).map((value) => Math.fround(value)));
    expect(found.floor).toMatchObject({ from: "type", bits: 24 });
    expect(found.verdicts).toEqual(["rounding"]);
  });

  it("is not symmetric for a field that does not turn, with its share and what averaging gains", async () => {
    const found = await forcesBy((rotation, frame) =>
      exact(rotation, frame).map((value, i) => value + (i % 3 === 2 ? 0.2 : 0)),
    );
    expect(found.verdicts).toEqual(["not-symmetric"]);
    expect(found.percentEquiv).toBeGreaterThan(90);
    expect(found.line).toMatch(
      /^forces: not symmetric: [\d.]+ % \(.* to .*\) of the loss is lost symmetry; .*; averaging 8 poses would .* 8/,
    );
  });

  it("is not deterministic for noise, which is the floor then", async () => {
    const random = new Random(3);
    const found = await forcesBy((rotation, frame) =>
      exact(rotation, frame).map((value) => value + 1e-3 * random.normal()),
    );
    expect(found.verdicts).toEqual(["rounding", "not-deterministic"]);
    expect(found.floor.repeats! / 1e-3).toBeCloseTo(1, 0);
    expect(found.line).toContain("not deterministic: the same frame twice differs by");
  });

  it("is rounding for a stiff program, whose last digits tell", async () => {
    const found = await forcesBy((rotation, frame, { positions }) => {
      const printed = positions.map(digits(10));
      return exact(rotation, frame).map((value, i) => value + 1e-3 * Math.sin(3e10 * printed[i]!));
    });
    expect(found.floor.from).toBe("jitter");
    expect(found.verdicts).toEqual(["rounding"]);
  });

  it("is not smooth where an edge near an axis makes a jump, and smooth where it only turns", async () => {
    const byEdge = (jump: (cosine: number) => number) => (rotation: Rotation, frame: NumberedFrame, copy: Frame) => {
      const p = copy.positions;
      const edge = [0, 1, 2].map((k) => p[3 + k]! - p[k]!);
      const off = jump(edge[2]! / Math.hypot(...edge));
      return exact(rotation, frame).map((value, i) => value + (i % 3 === 0 ? off : 0));
    };
    // All are of two atoms, so that the nearest is the second.
    const pairs = { nearAxes: true };
    const jumping = await forcesBy(
      byEdge((cosine) => (Math.abs(cosine) > 1 - 1e-12 ? 0.1 : 0)),
      pairs,
    );
    expect(jumping.verdicts).toContain("not-smooth");
    expect(jumping.nearAxes.map(({ axis }) => axis)).toEqual(["x", "y", "z"]);
    const smooth = await forcesBy(
      byEdge((cosine) => 0.1 * cosine),
      pairs,
    );
    expect(smooth.verdicts).toEqual(["not-symmetric"]);
    const [x] = smooth.nearAxes;
    // Away from x the cosine with z grows as the angle does, up to the share of the frames' other edges.
    expect(x!.away[3]!.rms / x!.away[1]!.rms).toBeGreaterThan(50);
  });

  it("takes a tolerance, and without it or repeats doubts what convergence may leave", async () => {
    const random = new Random(4);
    const program = (rotation: Rotation, frame: NumberedFrame) =>
      exact(rotation, frame).map((value) => value + 3e-6 * random.normal());
    const doubtful = await forcesBy(program, { repeats: false });
    expect(doubtful.verdicts).toEqual(["undecided"]);
    expect(doubtful.line).toContain("give --tolerance");
    const told = await forcesBy(program, { repeats: false }, { floors: { forces: 1e-5 } });
    expect([told.verdicts, told.floor.from]).toEqual([["rounding"], "tolerance"]);
  });

  it("has its thresholds at 3 and 10 times the floor", () => {
    const floor = { value: 1, from: "jitter", digits: 1e-9, type: 1e-12, repeats: 0, jitter: 1, bits: 53 } as const;
    const at = (spreadRms: number) => verdictsOf({ spreadRms, signalRms: 1, floor, nearAxes: [] });
    expect([2.99, 3, 9.99, 10].map(at)).toEqual([["rounding"], ["undecided"], ["undecided"], ["not-symmetric"]]);
    const term = { spreadRms: 5, signalRms: 1, floor, nearAxes: [], unit: "eV", gains: [], verdicts: at(5) };
    expect(verdictLine("energy", { ...term, percentEquiv: NaN, percentEquivInterval: null })).toBe(
      "energy: undecided: rotations change it by 5.000 eV, 5.000 times the floor of 1.000 eV (the last digits of the " +
        "positions)",
    );
  });
});
