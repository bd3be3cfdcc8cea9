import { describe, expect, it } from "vitest";
import { FeatureTally, type FeatureLayer, type FeatureTallyOptions } from "../../src/analysis/featureTally.ts";
import { octahedral } from "../../src/equivariance/groups.ts";
import {
  OCTAHEDRAL_ORDER,
  octahedralInverses,
  octahedralMatrices,
  rotateGridOctahedral,
} from "../../src/equivariance/octahedral.ts";
import { translations } from "../../src/equivariance/translations.ts";
import { randomArray } from "../harness.ts";

const SIZE = 4;
const CHANNELS = 2;
const grid: FeatureLayer = {
  name: "map",
  how: { kind: "grid", size: SIZE, channels: CHANNELS },
  channels: CHANNELS,
};
const scalars: FeatureLayer = { name: "invariant", how: { kind: "scalars" }, channels: 3 };

const tallyOf = (layers: readonly FeatureLayer[], more: Partial<FeatureTallyOptions> = {}) =>
  new FeatureTally({ layers, group: octahedral(), rotations: octahedralMatrices, ...more });

const gridOf = (seed: number) => randomArray(SIZE ** 3 * CHANNELS, seed);
/** Features h(T x) of sample `n` with a part that rotates along and one that does not. */
const features = (n: number, rotation: number) => {
  const along = rotateGridOctahedral(gridOf(n), SIZE, CHANNELS, rotation);
  const stays = gridOf(1000 + 24 * n + rotation);
  return along.map((x, at) => x + (0.1 + 0.2 * n) * stays[at]! + 0.5);
};

/** Cosines of a map and one rotated back, by a plain loop, in float64. */
function cosine(a: Float32Array, rotated: Float32Array, g: number): number {
  const b = rotateGridOctahedral(rotated, SIZE, CHANNELS, octahedralInverses[g]!);
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / (Math.sqrt(aa) * Math.sqrt(bb));
}

function addSample(tally: FeatureTally, made: (layer: number, rotation: number) => Float32Array, layers = 1) {
  tally.begin();
  for (let layer = 0; layer < layers; layer++) {
    for (let k = 0; k < OCTAHEDRAL_ORDER; k++) tally.add(layer, k, made(layer, k));
  }
  tally.end();
}

const meanOf = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const stdErrOf = (values: readonly number[]) => {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length * (values.length - 1)));
};

describe("FeatureTally", () => {
  it("gives the means over samples and their errors that plain loops give", () => {
    const count = 5;
    const tally = tallyOf([grid]);
    for (let n = 0; n < count; n++) addSample(tally, (_, k) => features(n, k));
    const { rotated, others } = tally.result()[0]!;
    const all = Array.from({ length: OCTAHEDRAL_ORDER }, (_, k) => k);
    const of = (a: number, b: number) => all.map((k) => cosine(features(a, 0), features(b, k), k));
    const expected = Array.from({ length: count }, (_, n) => of(n, n));
    const pairs = [of(0, 1), of(2, 3)];
    for (const [found, samples] of [
      [rotated, expected],
      [others, pairs],
    ] as const) {
      expect(found.samples).toBe(samples.length);
      for (const k of all) {
        const column = samples.map((sample) => sample[k]!);
        expect(found.byRotation[k]!.cosine.mean).toBeCloseTo(meanOf(column), 10);
        expect(found.byRotation[k]!.cosine.stdErr).toBeCloseTo(stdErrOf(column), 10);
      }
      const means = samples.map((sample) => meanOf(sample.slice(1)));
      expect(found.cosine.mean).toBeCloseTo(meanOf(means), 10);
      expect(found.cosine.stdErr).toBeCloseTo(stdErrOf(means), 10);
    }
    expect(tally.samples).toBe(count);
    // The offset of all voxels counts as likeness until it is taken away.
    expect(others.cosine.mean).toBeGreaterThan(0.1);
    expect(Math.abs(others.centred.mean)).toBeLessThan(0.1);
    expect(rotated.centred.mean).toBeGreaterThan(0.7);
  });

  it("finds 1 in what rotates along, bit by bit, and in the identity always", () => {
    const tally = tallyOf([grid, grid]);
    for (let n = 0; n < 3; n++) {
      addSample(
        tally,
        (layer, k) => (layer === 0 ? rotateGridOctahedral(gridOf(n), SIZE, CHANNELS, k) : features(n, k)),
        2,
      );
    }
    const [along, mixed] = tally.result();
    for (const { cosine, centred } of [along!.rotated, ...along!.rotated.byRotation]) {
      expect(cosine).toEqual({ mean: 1, stdErr: 0 });
      expect(centred).toEqual({ mean: 1, stdErr: 0 });
    }
    expect(mixed!.rotated.byRotation[0]!.cosine).toEqual({ mean: 1, stdErr: 0 });
    expect(mixed!.rotated.cosine.mean).toBeLessThan(0.99);
  });

  it("compares invariant features as they are, also of samples of different lengths", () => {
    const tally = tallyOf([scalars]);
    for (const n of [4, 5]) addSample(tally, () => randomArray(3 * n, n));
    const { rotated, others } = tally.result()[0]!;
    expect(rotated).toMatchObject({ samples: 2, cosine: { mean: 1, stdErr: 0 } });
    expect(others).toMatchObject({ samples: 0, cosine: { mean: NaN, stdErr: NaN } });
  });

  it("takes rotations of other groups, and forgets a sample that did not end", () => {
    const half = [-1, 0, 0, 0, -1, 0, 0, 0, 1];
    const tally = tallyOf([scalars], { rotations: [octahedralMatrices[0]!, half] });
    tally.begin();
    tally.add(0, 0, randomArray(6, 1));
    expect(() => tally.result()).toThrow(/no features/);
    for (const seed of [2, 3]) {
      tally.begin();
      tally.add(0, 0, randomArray(6, seed));
      tally.add(
        0,
        1,
        randomArray(6, seed).map((x) => -x),
      );
      tally.end();
    }
    expect(tally.samples).toBe(2);
    const { rotated } = tally.result()[0]!;
    expect(rotated.cosine).toEqual({ mean: -1, stdErr: 0 });
    expect(rotated.byRotation.map(({ cosine }) => cosine.mean)).toEqual([1, -1]);
  });

  it("knows no errors of a single sample", () => {
    const tally = tallyOf([grid]);
    addSample(tally, (_, k) => features(0, k));
    const { rotated, others } = tally.result()[0]!;
    expect(rotated.cosine.mean).toBeGreaterThan(0.5);
    expect(rotated.cosine.stdErr).toBeNaN();
    expect(others.cosine.mean).toBeNaN();
  });

  it("says what is wrong with what it is given", () => {
    expect(() => tallyOf([grid], { rotations: octahedralMatrices.slice(1) })).toThrow(/not the identity/);
    const other = { group: translations({ size: SIZE }) as never };
    expect(() => tallyOf([grid], other)).toThrow(/^the group translations has no rotations/);
    expect(() => tallyOf([{ ...grid, how: { kind: "field" } as never }])).toThrow(/how of 'map'/);
    expect(() => tallyOf([{ ...grid, channels: 0 }])).toThrow(/channels of 'map'/);
    const tally = tallyOf([grid]);
    tally.begin();
    expect(() => tally.add(0, 0, [1, 2] as never)).toThrow(/features is an array/);
    expect(() => tally.add(0, 1, gridOf(1))).toThrow(/un-rotated/);
    expect(() => tally.add(1, 0, gridOf(1))).toThrow(/layer is 1/);
    expect(() => tally.add(0, 24, gridOf(1))).toThrow(/rotation is 24/);
    expect(() => tally.add(0, 0, new Float32Array(7))).toThrow(/'map' holds 7 numbers/);
    tally.add(0, 0, gridOf(1));
    expect(() => tally.end()).toThrow(/features of 'map' are missing/);
  });
});
