import { describe, expect, it } from "vitest";
import { inverseRotation, rotatePoints, type Rotation } from "../../../src/equivariance/groups.ts";
import { rotationsOf } from "../../../src/tasks/sampleRotations.ts";
import { builtinBackbones } from "../../../src/proteins/builtinBackbones.ts";
import { flowSamples, QUARTERS, type FlowSample } from "../../../src/tasks/flow/flowSamples.ts";
import { FlowTally } from "../../../src/tasks/flow/flowTally.ts";
import { packBackbones } from "../../../src/tasks/flow/packFlow.ts";
import { presets } from "../../../src/tasks/flow/presets.ts";
import { WienerFilter } from "../../../src/tasks/flow/secondMoments.ts";

const config = presets["flow-tiny"]!;
const chains = builtinBackbones().slice(0, 24);
const { packed } = packBackbones(chains, config);
const filter = new WienerFilter(packed.moments);
const seed = 5;

type Net = (sample: FlowSample, x: Float64Array) => Float64Array;

/** What a net gives, measured on some chains. */
function measured(net: Net, group: "octahedral" | "so3", rotations: number) {
  const under = { group, rotations, seed };
  const tally = new FlowTally(under, config.crop, packed.moments);
  const samples: FlowSample[] = [];
  for (let index = 0; index < 12; index++) {
    const own = flowSamples(packed, config, seed, index);
    samples.push(...own);
    const turned = (sample: FlowSample) => (rotation: Rotation) =>
      rotatePoints(inverseRotation(rotation), net(sample, rotatePoints(rotation, sample.x)));
    tally.add(own.map((sample) => ({ sample, endpoints: rotationsOf(under, index).map(turned(sample)) })));
  }
  return { ...tally.whole(), parts: tally.byTime(), samples };
}

const ofSquares = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);

describe("the tally of flow matching", () => {
  it.each(["octahedral", "so3"] as const)("finds the Wiener filter equivariant under %s", (group) => {
    const found = measured((sample, x) => filter.endpoint(sample.time, x), group, 24);
    expect(found.measured.percentEquiv).toBeLessThan(1e-9);
    expect(found.measured.lossTotal / found.lossWiener).toBeCloseTo(1, 12);
    for (const part of found.parts) expect(part.measured.lossMean / part.lossWiener).toBeCloseTo(1, 12);
    // It knows the second moments of these very chains.
    expect(found.lossWiener).toBeLessThan(0.7 * found.measured.lossZero);
  });

  it("finds a net that stays where it is as bad as zero, and one that knows perfect", () => {
    const still = measured((_, x) => x, "octahedral", 24);
    expect(still.measured.lossTotal / still.measured.lossZero).toBeCloseTo(1, 12);
    expect(still.measured.percentEquiv).toBeLessThan(1e-12);
    const lost = (sample: FlowSample) => ofSquares(sample.x.map((value, at) => value - sample.target[at]!));
    const weighted = still.samples.map((sample) => {
      return (sample.weight * lost(sample)) / (3 * sample.residues * ((1 - sample.time) ** 2 + 1e-5));
    });
    expect(still.measured.lossZero / (weighted.reduce((sum, one) => sum + one, 0) / 12)).toBeCloseTo(1, 12);
  });

  // v = (first component of x_t, 0, 0): the matrix e_x e_x^T is 1/3 invariant, and the rest has the squared norm 2/3.
  it.each([
    ["octahedral", 24, 1e-9],
    ["so3", 400, 0.1],
  ] as const)(
    "gives what is lost of a velocity along one axis in closed form, under %s",
    (group, rotations, within) => {
      const { measured: found, samples } = measured(
        (sample, x) => x.map((value, at) => (at % 3 === 0 ? value + (1 - sample.time) * value : value)),
        group,
        rotations,
      );
      const lost = samples.map(({ weight, time, residues, x }) => {
        const rest = (1 - time) ** 2;
        return (weight * (rest / (rest + 1e-5)) * (2 / 9) * ofSquares(x)) / (3 * residues);
      });
      const expected = lost.reduce((sum, one) => sum + one, 0) / 12;
      expect(Math.abs(found.lossEquiv / expected - 1)).toBeLessThan(within);
    },
  );

  it("weighs the quarters of the time by training's times", () => {
    const { measured: whole, parts, samples } = measured((_, x) => x.map((value) => 0.9 * value), "octahedral", 24);
    const sum = (name: "lossTotal" | "lossEquiv" | "lossZero") =>
      parts.reduce((total, part, quarter) => total + samples[quarter]!.weight * part.measured[name], 0);
    for (const name of ["lossTotal", "lossZero"] as const) expect(whole[name] / sum(name)).toBeCloseTo(1, 12);
  });
});

describe("samples of flow matching", () => {
  it("are in each quarter of the time, half of them self-conditioned", () => {
    const all = Array.from({ length: 10 }, (_, index) => flowSamples(packed, config, seed, index));
    for (const own of all) {
      expect(own.map(({ time }) => Math.floor(time * QUARTERS))).toEqual([0, 1, 2, 3]);
      expect(own.filter(({ selfConditioned }) => selfConditioned)).toHaveLength(2);
      expect(own.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
      for (const { x, target, residues } of own) {
        expect(x).toHaveLength(3 * residues);
        for (const values of [x, target]) {
          for (let axis = 0; axis < 3; axis++) {
            const mean = values.filter((_, at) => at % 3 === axis).reduce((sum, value) => sum + value, 0) / residues;
            expect(Math.abs(mean)).toBeLessThan(1e-6);
          }
        }
      }
    }
    for (let quarter = 0; quarter < QUARTERS; quarter++) {
      expect(all.filter((own) => own[quarter]!.selfConditioned)).toHaveLength(5);
    }
  });

  it("have training's times: their share below t is 0.02 t + 0.98 t^1.9", () => {
    const [first] = flowSamples(packed, config, seed, 0);
    expect(first!.weight).toBeCloseTo(0.02 * 0.25 + 0.98 * 0.25 ** 1.9, 12);
    // Within the last quarter, where there are enough: a Kolmogorov-Smirnov test at 1 in 1,000.
    const below = (t: number) => 0.02 * t + 0.98 * t ** 1.9;
    const shares = Array.from({ length: 400 }, (_, i) => flowSamples(packed, config, i, 3)[3]!.time)
      .map((t) => (below(t) - below(0.75)) / (1 - below(0.75)))
      .sort((a, b) => a - b);
    const distance = Math.max(...shares.map((share, i) => Math.abs(share - (i + 0.5) / 400)));
    expect(distance).toBeLessThan(1.95 / Math.sqrt(400));
  });

  it("are functions of the seed and the place alone", () => {
    expect(flowSamples(packed, config, 3, 4)).toEqual(flowSamples(packed, config, 3, 4));
    expect(flowSamples(packed, config, 4, 4)[0]!.x).not.toEqual(flowSamples(packed, config, 3, 4)[0]!.x);
  });
});
