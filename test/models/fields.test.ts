import { describe, expect, it } from "vitest";
import { octahedralProducts } from "../../src/equivariance/octahedral.ts";
import { projectedDimension, projectKernel } from "../../src/equivariance/projection.ts";
import { FIELD_SIZES, freeCount, weightOrbits, type FieldKind } from "../../src/models/fields.ts";
import { unetParameters, type UNet3dConfig } from "../../src/models/unetLayout.ts";
import { averageOrbits } from "../../src/reference/averageOrbits.ts";
import { randomArray } from "../harness.ts";

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
const both = (kind: FieldKind) => ({ input: kind, output: kind });

describe("weights that have to be equal", () => {
  it.each([1, 2, 3, 4])("between trivial fields, kernel %i: those of the projection", (k) => {
    const shape = [k, k, k, 2, 3];
    const orbits = weightOrbits({ kind: "conv", shape }, both("trivial"));
    expect(freeCount(sizeOf(shape), orbits)).toBe(6 * projectedDimension(k));
    const weight = Float64Array.from(randomArray(sizeOf(shape), k));
    const averaged = averageOrbits(weight, orbits);
    projectKernel(weight, k).forEach((value, i) => expect(averaged[i]).toBeCloseTo(value, 12));
    averageOrbits(averaged, orbits).forEach((value, i) => expect(value).toBeCloseTo(averaged[i]!, 14));
  });

  it("between regular fields: one number of 24, those of a group convolution", () => {
    const shape = [3, 3, 3, 24, 48];
    const orbits = weightOrbits({ kind: "conv", shape }, both("regular"));
    expect(freeCount(sizeOf(shape), orbits)).toBe(27 * 24 * 2);
    const vector = weightOrbits({ kind: "vector", shape: [48] }, both("regular"));
    expect(freeCount(48, vector)).toBe(2);
    // A single position: W[i, o] depends on i^-1 o alone.
    const linear = weightOrbits({ kind: "linear", shape: [24, 24] }, both("regular"));
    const weight = averageOrbits(randomArray(576, 3), linear);
    for (const g of [1, 7, 23]) {
      const [row, image] = [octahedralProducts[g]!, (i: number, o: number) => weight[24 * i + o]!];
      for (const [i, o] of [
        [0, 5],
        [11, 2],
        [20, 20],
      ] as const) {
        expect(image(row[i]!, row[o]!)).toBe(image(i, o));
      }
    }
  });

  it("has every entry in one orbit at most, in rising order", () => {
    const { starts, members } = weightOrbits({ kind: "convTranspose", shape: [4, 4, 4, 24, 24] }, both("regular"));
    expect(new Set(members).size).toBe(members.length);
    for (let o = 0; o + 1 < starts.length; o++) {
      const orbit = [...members.subarray(starts[o], starts[o + 1])];
      expect(orbit.length).toBeGreaterThan(1);
      expect(orbit).toEqual([...orbit].sort((a, b) => a - b));
    }
  });
});

describe("a U-Net of fields", () => {
  const config: UNet3dConfig = {
    ...{ inChannels: 5, outChannels: 5, channels: [24, 48], blocks: 1, attention: [false, false] },
    ...{ middleAttention: false, groups: 1, dropout: 0, down: "k4s2" },
  };

  it("has orbits of every parameter, and none without fields", () => {
    expect(unetParameters(config).filter(({ orbits }) => orbits)).toEqual([]);
    const [ordinary, regular] = [config, { ...config, fields: "regular" } as const].map((of) =>
      unetParameters(of).reduce((sum, { shape, orbits }) => {
        return sum + (orbits ? freeCount(sizeOf(shape), orbits()) : sizeOf(shape));
      }, 0),
    );
    expect(ordinary! / regular!).toBeGreaterThan(20);
    expect(ordinary! / regular!).toBeLessThan(FIELD_SIZES.regular);
  });

  it("refuses what cannot be equivariant", () => {
    const refused = (changes: Partial<UNet3dConfig>) => () =>
      unetParameters({ ...config, fields: "regular", ...changes });
    expect(refused({})).not.toThrow();
    expect(refused({ down: "k3s2" })).toThrow("k3s2 are equivariant");
    expect(refused({ channels: [24, 40] })).toThrow("not whole regular fields");
    expect(refused({ groups: 2 })).toThrow("not whole regular fields");
    expect(refused({ fields: "spinor" as "regular" })).toThrow("fields is 'spinor'");
    expect(refused({ fields: "trivial", channels: [6, 10], groups: 2 })).not.toThrow();
  });
});
