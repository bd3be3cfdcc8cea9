import { describe, expect, it } from "vitest";
import { cyclic4, fullOctahedral } from "../../src/equivariance/cubeGroups.ts";
import { octahedral, rotatePoints, so3, type Rotation } from "../../src/equivariance/groups.ts";
import { quadrature } from "../../src/equivariance/quadrature.ts";
import { tensor } from "../../src/formats/frameLabels.ts";
import type { FrameFault } from "../../src/frames/frameFault.ts";
import { measureFrames, type MeasureFramesOptions } from "../../src/frames/measureFrames.ts";
import { matrixGroup } from "../../src/equivariance/matrixGroup.ts";
import { determinant } from "../../src/equivariance/matrices.ts";
import type { Frame, NumberedFrame } from "../../src/molecules/frame.ts";
import { Random } from "../../src/random.ts";
import { column, forcesOf, labelledFrames, predictedFrames, withField } from "./predicting.ts";

const original = labelledFrames(12);
const unlabelled = original.map((frame) => ({ ...frame, arrays: new Map(), info: new Map() }));
const measure = (predicted: NumberedFrame[], options: Partial<MeasureFramesOptions> = {}) =>
  measureFrames({ predicted, original, ...options });
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const norm = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);
const stressOf = (frame: NumberedFrame) => tensor(frame.info.get("stress")!);

/** R t R^T, by its sums. */
function turned(r: Rotation, t: ArrayLike<number>): number[] {
  return Array.from({ length: 9 }, (_, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    let sum = 0;
    for (let k = 0; k < 3; k++) for (let l = 0; l < 3; l++) sum += r[3 * i + k]! * t[3 * k + l]! * r[3 * j + l]!;
    return sum;
  });
}

describe("measureFrames", () => {
  it("finds fields that do not turn, exactly under a whole group", async () => {
    const predicted = await predictedFrames(original, { group: octahedral }, (rotation, frame) => {
      const place = rotatePoints(rotation, frame.positions);
      const stress = turned(rotation, stressOf(frame));
      stress[8]! += 0.6;
      const energy = (frame.info.get("energy") as number) + 0.7 * place[2]!;
      return { info: { energy, stress }, arrays: { forces: withField(rotation, forcesOf(frame), 0.3) } };
    });
    const { terms, ...rest } = await measure(predicted, { unit: "eV" });
    expect(rest).toMatchObject({
      structures: 12,
      copies: 288,
      group: "octahedral",
      exact: true,
      faults: {},
      remarks: [],
    });
    expect(Object.keys(terms)).toEqual(["energy", "energyPerAtom", "forces", "stress"]);
    const { energy, energyPerAtom, forces, stress } = terms as Record<string, (typeof terms)[string]>;
    expect([energy!.unit, forces!.unit, stress!.unit]).toEqual(["eV", "eV/Angstrom", null]);
    // A field a e_z is a R^T e_z, turned back: its mean is zero, its square a^2 / 3 a component.
    expect(forces!.lossEquiv).toBeCloseTo(0.09 / 3, 12);
    expect([forces!.lossMean, forces!.percentEquiv]).toEqual([expect.closeTo(0, 12), expect.closeTo(100, 8)]);
    expect([forces!.spreadRms, forces!.spreadMax]).toEqual([
      expect.closeTo(0.3 / Math.sqrt(3), 12),
      expect.closeTo(0.3, 9),
    ]);
    expect(forces!.percentEquivInterval).toEqual([expect.closeTo(100, 6), expect.closeTo(100, 6)]);
    // The square of a z is a^2 |p|^2 / 3 on the mean.
    const moments = original.map(({ positions }) => norm(positions.subarray(0, 3)) / 3);
    expect(energy!.lossEquiv).toBeCloseTo(0.49 * mean(moments), 9);
    const perAtom = original.map(({ elements }, i) => moments[i]! / elements.length ** 2);
    expect(energyPerAtom!.lossEquiv).toBeCloseTo(0.49 * mean(perAtom), 9);
    // c e_z e_z^T has the mean c/3 of the unit matrix, and 2/3 c^2 around it, over nine numbers.
    expect(stress!.lossMean).toBeCloseTo(0.36 / 3 / 9, 12);
    expect(stress!.lossEquiv).toBeCloseTo((0.36 * 2) / 27, 12);
    expect(stress!.spreadMax).toBeCloseTo(0.6 * Math.sqrt(2 / 3), 9);
    expect(forces!.gains[2]).toMatchObject({ count: 4, cost: 4, percentPredicted: expect.closeTo(75, 6) as number });
    expect(forces!.gains[2]!.spreadRms).toBeCloseTo(0.3 / Math.sqrt(12), 9);
    // One identity, six turns by 90 and eight by 120 degrees, and nine half turns of each structure.
    expect(forces!.byAngle.map(({ copies }) => copies / 12)).toEqual([1, 0, 0, 6, 8, 9]);
    expect(forces!.byAngle[1]).toEqual({ from: 30, to: 60, copies: 0, rmse: null, spreadRms: null });
    expect(forces!.byAngle[5]!.rmse).toBeCloseTo(0.3 / Math.sqrt(3), 9);
  });

  it("agrees with sums over all numbers, of unequal sizes and with copies missing", async () => {
    const random = new Random(2);
    const all = await predictedFrames(original, { group: so3, twirl: 6, seed: 4 }, (rotation, frame) => ({
      arrays: { forces: withField(rotation, forcesOf(frame), 0.2).map((value) => value + 0.1 * random.normal()) },
    }));
    // Of structure 2 one copy is left, of structure 5 three.
    const kept = all.filter((_, i) => !(i > 6 && i < 12) && !(i > 23 && i < 27));
    const faults: FrameFault[] = [];
    const { terms, exact, ...rest } = await measure(kept, { onFault: (fault) => faults.push(fault) });
    expect([exact, rest.faults, rest.group]).toEqual([false, { missing: 2, single: 1 }, "so3"]);
    expect(faults.find(({ kind }) => kind === "single")).toMatchObject({ frame: 2 });
    let [total, equiv, numbers] = [0, 0, 0];
    const sums: [total: number, equiv: number, size: number][] = [];
    for (const frame of original) {
      const own = kept.filter(({ info }) => info.get("twirl_frame") === frame.number);
      if (own.length < 2) continue;
      const label = forcesOf(frame);
      const back = own.map((copy) => {
        const r = copy.info.get("twirl_rotation") as number[];
        const f = forcesOf(copy);
        return Array.from(label, (_, at) =>
          [0, 1, 2].reduce((sum, k) => sum + r[3 * k + (at % 3)]! * f[at - (at % 3) + k]!, 0),
        );
      });
      let [l, v] = [0, 0];
      label.forEach((y, at) => {
        const values = back.map((one) => one[at]!);
        const middle = mean(values);
        l += mean(values.map((value) => (value - y) ** 2));
        v += values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (own.length - 1);
      });
      sums.push([l, v, label.length]);
      [total, equiv, numbers] = [total + l, equiv + v, numbers + label.length];
    }
    const { forces } = terms;
    expect(forces!.structures).toBe(11);
    expect(forces!.lossTotal).toBeCloseTo(total / numbers, 12);
    expect(forces!.lossEquiv).toBeCloseTo(equiv / numbers, 12);
    expect(forces!.lossMean).toBeCloseTo((total - equiv) / numbers, 12);
    expect(forces!.percentEquiv).toBeCloseTo((100 * equiv) / total, 9);
    const error = (residuals: number[], size: number) => Math.sqrt(norm(residuals) / (11 * 10)) / (size / 11);
    const loss = total / numbers;
    const stdErr = error(
      sums.map(([l, , size]) => l - loss * size),
      numbers,
    );
    expect(forces!.lossTotalStdErr).toBeCloseTo(stdErr, 12);
    const share = error(
      sums.map(([l, v]) => v - (equiv / total) * l),
      total,
    );
    expect(forces!.percentEquivStdErr).toBeCloseTo(100 * share, 9);
    const [low, high] = forces!.percentEquivInterval!;
    expect(low).toBeLessThan(forces!.percentEquiv - 100 * share);
    expect(high).toBeGreaterThan(forces!.percentEquiv + 100 * share);
    const spreads = forces!.byAngle.filter(({ copies }) => copies > 0).map(({ spreadRms }) => spreadRms!);
    expect(spreads.every((value) => value > 0.05 && value < 0.3)).toBe(true);
  });

  it("says of which degrees the spread is, exactly by a quadrature", async () => {
    // f = a z e_x: as an operator half of degree 1, half of degree 2.
    const field = (_: Rotation, __: NumberedFrame, { positions }: Frame) => ({
      arrays: { forces: positions.map((value, i) => (i % 3 === 0 ? 0.5 * positions[i + 2]! : 0 * value)) },
    });
    const predicted = await predictedFrames(original, { group: quadrature(5) }, field);
    const { terms, group, exact } = await measureFrames({ predicted, original: unlabelled });
    expect([group, exact]).toEqual(["quadrature-5", true]);
    const { byDegree, byParity, lossEquiv } = terms.forces!;
    expect(byDegree.map(({ name }) => name)).toEqual(["1", "2", "remainder"]);
    expect(byDegree.map(({ percent }) => percent)).toEqual([
      expect.closeTo(50, 7),
      expect.closeTo(50, 7),
      expect.closeTo(0, 7),
    ]);
    const squares = original.flatMap(({ positions }) => [...positions]).map((value) => value ** 2);
    expect(lossEquiv).toBeCloseTo((0.25 * squares.reduce((sum, value) => sum + value, 0)) / 3 / squares.length, 9);
    expect(byParity).toBeNull();
    // A rule that lacks a rotation is none.
    const faulty = await measureFrames({ predicted: predicted.slice(1), original: unlabelled });
    expect(faulty.faults).toEqual({ missing: 1, incomplete: 1 });
    expect(faulty.structures).toBe(original.length - 1);
  });

  it("has no parts of a spread that is but the rounding of the loss", async () => {
    const predicted = await predictedFrames(original, { group: so3, twirl: 24 }, (rotation, frame) => ({
      info: { energy: (frame.info.get("energy") as number) + 0.3 },
      arrays: {
        forces: rotatePoints(
          rotation,
          forcesOf(frame).map((value) => 1.1 * value),
        ),
      },
    }));
    const { energy, forces } = (await measure(predicted)).terms;
    for (const term of [energy!, forces!]) {
      expect(term.lossMean).toBeGreaterThan(0);
      expect(term.lossEquiv).toBeLessThan(1e-14 * term.lossTotal);
      expect([term.byDegree, term.byParity]).toEqual([[], null]);
    }
  });

  it("tells lost reflections from lost rotations", async () => {
    // A force of one hand: it turns, but keeps its sign under reflections.
    const handed = (rotation: Rotation, frame: NumberedFrame) => ({
      arrays: { forces: rotatePoints(rotation, forcesOf(frame)).map((value) => determinant(rotation) * value) },
    });
    const predicted = await predictedFrames(original, { group: fullOctahedral, twirl: 48 }, handed);
    const { terms } = await measureFrames({ predicted, original });
    const { byParity, byDegree, percentEquiv } = terms.forces!;
    expect(byParity!.map(({ name, percent }) => [name, percent])).toEqual([
      ["rotation", expect.closeTo(0, 9)],
      ["parity", expect.closeTo(100, 9)],
    ]);
    expect(byDegree.find(({ name }) => name === "A1u")!.percent).toBeCloseTo(100, 9);
    expect(percentEquiv).toBeCloseTo(50, 9);
  });

  it("names the worst atom and copy", async () => {
    let at = 0;
    const predicted = await predictedFrames(original, { group: so3, twirl: 3, seed: 1 }, (rotation, frame) => {
      const forces = withField(rotation, forcesOf(frame), 0);
      if (++at === 3 * 4 + 2) forces[4]! += 6;
      return { arrays: { forces } };
    });
    const { worst, spreadMax } = (await measure(predicted)).terms.forces!;
    expect(worst).toMatchObject({ frame: 5, atom: 2, copy: 2, rotation: predicted[13]!.info.get("twirl_rotation") });
    expect(worst!.angle).toBeGreaterThan(0);
    expect(spreadMax).toBeCloseTo(4, 6);
  });

  it("measures the spread alone without labels", async () => {
    const bare = original.map((frame) => ({ ...frame, arrays: new Map(), info: new Map() }));
    const predicted = await predictedFrames(original, { group: octahedral }, (rotation, frame) => ({
      info: { energy: (frame.info.get("energy") as number) + rotation[8]! },
      arrays: { forces: withField(rotation, forcesOf(frame), 0.3) },
    }));
    const { forces, energy } = (await measure(predicted, { original: bare })).terms;
    expect(forces).toMatchObject({ labelled: false, percentEquiv: NaN, lossTotal: NaN, percentEquivInterval: null });
    expect(forces!.lossEquiv).toBeCloseTo(0.03, 12);
    const size = norm(original.flatMap((frame) => [...forcesOf(frame)]));
    expect(forces!.signalRms).toBeCloseTo(Math.sqrt(size / original.reduce((n, f) => n + forcesOf(f).length, 0)), 9);
    expect(energy!.lossEquiv).toBeCloseTo(1 / 3, 6);
    // Without the elements' share, which is hundreds.
    expect(energy!.signalRms).toBeGreaterThan(0.3);
    expect(energy!.signalRms).toBeLessThan(3);
    // Some labels: the losses are of those structures.
    const mixed = original.map((frame, i) => (i < 4 ? bare[i]! : frame));
    const { terms, faults, remarks } = await measure(predicted, { original: mixed });
    expect([terms.forces!.structures, faults]).toEqual([8, { unlabelled: 8 }]);
    expect(remarks).toContain("4 of 12 structures have no label forces: they are left out of it");
    // So is all that is told, also where those without a label are farthest off.
    const stray = predicted.map((copy, i) => {
      const forces = forcesOf(copy).map((value, at) => value + Number(i === 5 && at === 0));
      return { ...copy, arrays: new Map([["forces", column(forces)]]) };
    });
    const told = (await measure(stray, { original: mixed })).terms.forces!;
    const alone = (await measure(stray.slice(96), { original: original.slice(4) })).terms.forces!;
    expect(told.byAngle.map(({ copies }) => copies)).toEqual([8, 0, 0, 48, 64, 72]);
    for (const name of ["spreadMax", "worst", "byAngle", "byDegree", "byParity", "percentEquivInterval"] as const) {
      expect(told[name], name).toEqual(alone[name]);
    }
  });

  it("takes energies of elements off before it compares with predicting nothing", async () => {
    const predicted = await predictedFrames(original, { group: octahedral, twirl: 4 }, (rotation, frame) => ({
      info: { energy: (frame.info.get("energy") as number) + 0.1 * rotation[8]! },
    }));
    const { terms, group, exact } = await measure(predicted);
    expect([group, exact]).toEqual(["octahedral", false]);
    expect(terms.energy!.lossZero).toBeGreaterThan(0.1);
    expect(terms.energy!.lossZero).toBeLessThan(4);
    expect(terms.energy!.percentEquiv).toBeGreaterThan(30);
    // Two structures of two elements are fitted whatever they are.
    const few = await measure(predicted.slice(0, 8), { original: original.slice(0, 2) });
    expect(few.terms.energy!.lossZero).toBeNaN();
    expect(few.remarks).toEqual([
      "lossZero of energies is not known: it takes more structures than elements.",
      "Of 2 structures, errors and intervals are likely too narrow: give at least 10.",
    ]);
  });

  it("turns vectors, pseudovectors and tensors that are named", async () => {
    const predicted = await predictedFrames(original, { group: fullOctahedral, twirl: 48 }, (rotation, frame) => {
      const dipole = [...rotatePoints(rotation, Float64Array.from(frame.info.get("dipole") as number[]))];
      const moment = dipole.map((value) => value * determinant(rotation));
      return { info: { dipole, moment, quad: turned(rotation, stressOf(frame)), charge: 2 } };
    });
    const labels = original.map((frame) => {
      const { info } = frame;
      const also = [
        ["moment", info.get("dipole")!],
        ["quad", info.get("stress")!],
        ["charge", 3],
      ] as const;
      return { ...frame, info: new Map([...info, ...also]) };
    });
    const names = { vectors: ["dipole"], pseudovectors: ["moment"], tensors: ["quad"], scalars: ["charge"] };
    const { terms, exact, group } = await measure(predicted, { original: labels, ...names });
    expect([exact, group]).toEqual([true, "full-octahedral"]);
    for (const name of ["dipole", "moment", "quad"]) expect(terms[name]!.lossTotal).toBeLessThan(1e-25);
    expect(terms.charge).toMatchObject({ lossTotal: 1, lossMean: 1, lossEquiv: 0, percentEquiv: 0 });
    // A pseudovector taken for a vector has another sign in half of the copies.
    const wrong = await measure(predicted, { original: labels, vectors: ["moment"] });
    expect(wrong.terms.moment!.percentEquiv).toBeCloseTo(50, 8);
    await expect(measure(predicted, { vectors: ["forces"] })).rejects.toMatchObject({ code: "bad-option" });
    expect((await measure(predicted, { ...names, vectors: ["dipole", "speed"] })).remarks).toContain(
      "no structure has two predictions of speed",
    );
  });

  it("knows a whole group by its rotations where the file does not name it", async () => {
    const program = (rotation: Rotation, frame: NumberedFrame) => ({
      arrays: { forces: withField(rotation, forcesOf(frame), 0.3) },
    });
    const unnamed = (frames: NumberedFrame[]) =>
      frames.map((frame) => ({ ...frame, info: new Map([...frame.info].filter(([key]) => key !== "twirl_group")) }));
    const whole = unnamed(await predictedFrames(original, { group: cyclic4("x") }, program));
    // Half of the field goes round, along z and y; over the four its mean is zero.
    const found = await measure(whole);
    expect([found.exact, found.group]).toEqual([true, "cyclic4-x"]);
    expect(found.terms.forces!.lossEquiv).toBeCloseTo(0.03, 12);
    const part = await predictedFrames(original, { group: octahedral, twirl: 5, seed: 3 }, program);
    const [named, draws] = [await measure(part), await measure(unnamed(part))];
    expect([draws.exact, draws.group]).toEqual([false, "independent"]);
    expect(named.terms.forces!.lossEquiv).toBeCloseTo((23 / 24) * draws.terms.forces!.lossEquiv, 12);
  });

  it("knows from the file how many elements a group of matrices has", async () => {
    const third = [-1 / 2, -Math.sqrt(3) / 2, 0, Math.sqrt(3) / 2, -1 / 2, 0, 0, 0, 1];
    const group = matrixGroup({ name: "c3v", generators: [third, [-1, 0, 0, 0, 1, 0, 0, 0, 1]] });
    // Along z the field turns along; along x it goes round.
    const program = (rotation: Rotation, frame: NumberedFrame) => ({
      arrays: { forces: rotatePoints(rotation, forcesOf(frame)).map((value, i) => value + 0.3 * Number(i % 3 === 0)) },
    });
    const found = await measure(await predictedFrames(original, { group }, program));
    expect([found.group, found.exact, found.terms.forces!.byDegree]).toEqual(["c3v", true, []]);
    expect(found.terms.forces!.lossEquiv).toBeCloseTo(0.03, 12);
    expect(found.terms.forces!.byParity!.map(({ percent }) => percent)).toEqual([
      expect.closeTo(100, 9),
      expect.closeTo(0, 9),
    ]);
    const part = await predictedFrames(original, { group, twirl: 4, seed: 3 }, program);
    const draws = part.map((frame) => ({
      ...frame,
      info: new Map([...frame.info].filter(([key]) => key !== "twirl_order")),
    }));
    const [some, independent] = [await measure(part), await measure(draws)];
    expect([some.exact, some.group]).toEqual([false, "c3v"]);
    expect(some.terms.forces!.lossEquiv).toBeCloseTo((5 / 6) * independent.terms.forces!.lossEquiv, 12);
  });

  it("leaves out predictions that are not finite, and says so", async () => {
    let at = 0;
    const predicted = await predictedFrames(original, { group: octahedral, twirl: 3 }, (rotation, frame) => ({
      info: { energy: at++ === 4 ? NaN : 1 },
      arrays: { forces: withField(rotation, forcesOf(frame), 0.3) },
    }));
    const { terms, faults } = await measure(predicted);
    expect(faults).toEqual({ unusable: 1 });
    expect(terms.energy!.lossEquiv).toBe(0);
    const silent = predicted.map((frame) => ({
      ...frame,
      arrays: new Map(),
      info: new Map([...frame.info].slice(0, 5)),
    }));
    await expect(measure(silent)).rejects.toMatchObject({ code: "no-data" });
  });
});
