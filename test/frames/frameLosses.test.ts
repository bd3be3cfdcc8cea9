import { describe, expect, it } from "vitest";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { inverseRotation, octahedral, rotatePoints, so3, type Rotation } from "../../src/equivariance/groups.ts";
import { absoluteError, crossEntropy, huber, kullbackLeibler } from "../../src/equivariance/losses.ts";
import { quadrature } from "../../src/equivariance/quadrature.ts";
import { measureFrames, type MeasureFramesOptions } from "../../src/frames/measureFrames.ts";
import type { InfoValue, NumberedFrame } from "../../src/molecules/frame.ts";
import { column, forcesOf, labelledFrames, predictedFrames, withField } from "./predicting.ts";

const original = labelledFrames(12);
const measure = (predicted: NumberedFrame[], options: Partial<MeasureFramesOptions> = {}) =>
  measureFrames({ predicted, original, ...options });

/** A field of 0.3 that does not turn, energies off by 0.6 times R's last number, and a stress of 0.9 along zz. */
const program = (rotation: Rotation, frame: NumberedFrame) => ({
  info: { energy: (frame.info.get("energy") as number) + 0.6 * rotation[8]!, stress: [0, 0, 0.9, 0, 0, 0] },
  arrays: { forces: withField(rotation, forcesOf(frame), 0.3) },
});
/** Labels that predictions are off from by 0.1, and stress of zero. */
const offset = original.map((frame) => ({
  ...frame,
  arrays: new Map([["forces", column(forcesOf(frame).map((value) => value + 0.1))]]),
  info: new Map<string, InfoValue>([...frame.info, ["stress", [0, 0, 0, 0, 0, 0]]]),
}));

describe("measureFrames with other losses", () => {
  it("finds absolute errors and Huber's as they are by hand", async () => {
    const predicted = await predictedFrames(original, { group: octahedral }, program);
    const absolute = await measure(predicted, { original: offset, loss: absoluteError });
    expect([absolute.loss, absolute.split, absolute.exact]).toEqual(["absolute", "gap", true]);
    const { forces, energy, stress } = absolute.terms;
    // A component of the field, turned back, is 0.3 and -0.3 in a sixth of the copies each, else 0; the label is 0.1.
    expect(forces).toMatchObject({
      lossTotal: expect.closeTo((0.2 + 0.4 + 4 * 0.1) / 6, 12) as number,
      lossMean: expect.closeTo(0.1, 12) as number,
      lossEquiv: expect.closeTo(0.4 / 6, 12) as number,
      percentEquiv: expect.closeTo(40, 9) as number,
    });
    // R's last number is 1 and -1 in a sixth each.
    expect([energy!.lossTotal, energy!.lossMean]).toEqual([expect.closeTo(0.2, 9), expect.closeTo(0, 9)]);
    // A diagonal number is 0.9 in a third of the copies; its mean 0.3 is as far from 0 as they are on the mean.
    expect([stress!.lossTotal, stress!.lossEquiv]).toEqual([expect.closeTo(0.1, 12), expect.closeTo(0, 12)]);
    const rounded = await measure(predicted, { original: offset, loss: huber({ delta: 0.15 }) });
    const [far, farther, near] = [0.15 * (0.2 - 0.075), 0.15 * (0.4 - 0.075), 0.005];
    expect(rounded.terms.forces).toMatchObject({
      lossTotal: expect.closeTo((far + farther + 4 * near) / 6, 12) as number,
      lossMean: expect.closeTo(near, 12) as number,
    });
    expect(rounded.terms.stress!.lossEquiv).toBeCloseTo((0.15 * (0.9 - 0.075)) / 9 - (0.15 * (0.3 - 0.075)) / 3, 12);
  });

  it("judges by the spread, which does not depend on the loss", async () => {
    const predicted = await predictedFrames(original, { group: octahedral, twirl: 8, seed: 1 }, program);
    const [squared, absolute] = [await measure(predicted), await measure(predicted, { loss: absoluteError })];
    expect([squared.loss, squared.split]).toEqual(["squared", "exact"]);
    for (const name of ["energy", "forces"]) {
      const { rmse, rmseMean, spreadRms, spreadMax, worst, signalRms, byAngle, byDegree, floor, verdicts } =
        squared.terms[name]!;
      const same = { rmse, rmseMean, spreadRms, spreadMax, worst, signalRms, byAngle, byDegree, floor, verdicts };
      expect(absolute.terms[name]).toMatchObject(same);
      expect(absolute.terms[name]!.lossEquiv).not.toBeCloseTo(squared.terms[name]!.lossEquiv, 4);
    }
    const bare = original.map((frame) => ({ ...frame, arrays: new Map(), info: new Map() }));
    const { forces } = (await measure(predicted, { original: bare, loss: absoluteError })).terms;
    // A gap is one of losses, which take labels.
    expect([forces!.lossEquiv, forces!.lossTotal, forces!.gains]).toEqual([NaN, NaN, []]);
    expect([forces!.spreadRms, forces!.verdicts]).toEqual([squared.terms.forces!.spreadRms, ["not-symmetric"]]);
  });

  it("estimates from draws as decompose does, and measures gains", async () => {
    const group = so3();
    const one = original.slice(0, 1);
    const predicted = await predictedFrames(one, { group, twirl: 6, seed: 4 }, (rotation, frame) => ({
      arrays: { forces: withField(rotation, forcesOf(frame), 0.3) },
    }));
    const back = predicted.flatMap((copy) => [
      ...rotatePoints(inverseRotation(copy.info.get("twirl_rotation") as number[]), forcesOf(copy)),
    ]);
    const label = forcesOf(one[0]!).map((value, i) => value + 0.02 * i);
    const labelled = [{ ...one[0]!, arrays: new Map([["forces", column(label)]]) }];
    for (const loss of [absoluteError, huber({ delta: 0.05 })]) {
      const { lossTotal, lossMean, lossEquiv } = decompose(back, label, { groupOrder: Infinity, loss });
      const { forces } = (await measure(predicted, { original: labelled, loss })).terms;
      const close = (value: number) => expect.closeTo(value, 10) as number;
      expect(forces).toMatchObject({
        ...{ lossTotal: close(lossTotal), lossMean: close(lossMean), lossEquiv: close(lossEquiv) },
      });
      expect(forces!.gains.map(({ count }) => count)).toEqual([1, 2, 4]);
      expect(forces!.gains[0]).toMatchObject({ percentGain: close(0), percentPredicted: NaN });
      expect(forces!.gains[2]!.percentGain).toBeGreaterThan(forces!.gains[1]!.percentGain);
    }
    const whole = await predictedFrames(original, { group: octahedral }, program);
    const { forces } = (await measure(whole, { original: offset, loss: absoluteError })).terms;
    // The average of all 24 is the twirled prediction.
    expect(forces!.gains[5]).toMatchObject({ count: 24, percentGain: expect.closeTo(40, 9) as number });
  });

  it("compares energies with those of the elements, fitted by least squares", async () => {
    const predicted = await predictedFrames(original, { group: octahedral, twirl: 4 }, program);
    const [x, y] = [
      original.map(({ elements }) => elements.length),
      original.map(({ info }) => info.get("energy") as number),
    ];
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [mx, my] = [mean(x), mean(y)];
    const slope = mean(x.map((value, i) => (value - mx) * (y[i]! - my))) / mean(x.map((value) => (value - mx) ** 2));
    const rest = x.map((value, i) => Math.abs(y[i]! - my - slope * (value - mx)));
    const { energy } = (await measure(predicted, { loss: absoluteError })).terms;
    expect(energy!.lossZero).toBeCloseTo(mean(rest), 6);
  });

  it("takes a quadrature's weights, with which no averages are measured", async () => {
    const predicted = await predictedFrames(original, { group: quadrature(3) }, program);
    const { terms, exact } = await measure(predicted, { original: offset, loss: absoluteError });
    expect([exact, terms.forces!.gains]).toEqual([true, []]);
    // Those of degree 3 are the 24 of the cube, all alike.
    expect(terms.forces!.lossTotal).toBeCloseTo(1 / 6, 12);
  });

  it("refuses losses that terms have not", async () => {
    const predicted = await predictedFrames(original, { group: octahedral, twirl: 2 }, program);
    const bad = { code: "bad-option" };
    await expect(measure(predicted, { loss: crossEntropy({ classes: 3 }) })).rejects.toMatchObject(bad);
    await expect(measure(predicted, { loss: "absolute" as never })).rejects.toMatchObject(bad);
    await expect(measure(predicted, { loss: kullbackLeibler })).rejects.toMatchObject({ code: "bad-shape" });
  });
});
