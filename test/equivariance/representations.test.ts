import { describe, expect, it } from "vitest";
import { act, octahedral, so3 } from "../../src/equivariance/groups.ts";
import { measureEquivariance } from "../../src/equivariance/measure.ts";
import { requireLength, requireRepresentation, type Representation } from "../../src/equivariance/representations.ts";
import { haarRotation } from "../../src/equivariance/rotations.ts";
import { Random } from "../../src/random.ts";

const random = new Random(5);
const normal = (length: number) => Float64Array.from({ length }, () => random.normal());
const tensors = { kind: "tensors" } as const;

/** R t R^T, written out. */
function conjugate(rotation: readonly number[], t: ArrayLike<number>): number[] {
  const R = (i: number, k: number) => rotation[3 * i + k]!;
  return Array.from({ length: 9 }, (_, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    let sum = 0;
    for (let k = 0; k < 3; k++) for (let l = 0; l < 3; l++) sum += R(i, k) * t[3 * k + l]! * R(j, l);
    return sum;
  });
}

describe("act", () => {
  it("turns each tensor to R t R^T, symmetric or not, and leaves the given array", () => {
    const rotation = haarRotation(random);
    const values = normal(18);
    const before = values.slice();
    const turned = act(so3(), tensors, rotation, values);
    const expected = [...conjugate(rotation, values.subarray(0, 9)), ...conjugate(rotation, values.subarray(9))];
    expected.forEach((value, i) => expect(turned[i]).toBeCloseTo(value, 12));
    expect(values).toEqual(before);
  });

  it("keeps the precision of an array, and scalars as they are", () => {
    const values = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
    const rotation = octahedral().enumerate!()[7]!;
    expect(act(octahedral(), tensors, rotation, values)).toBeInstanceOf(Float32Array);
    expect(act(octahedral(), { kind: "scalars" }, rotation, values)).toBe(values);
  });
});

it("measures a stress that turns with its forces as equivariant, and one in fixed axes as not", async () => {
  const outer = (vectors: ArrayLike<number>) =>
    Array.from({ length: vectors.length / 3 }, (_, n) =>
      Array.from({ length: 9 }, (_, at) => vectors[3 * n + Math.floor(at / 3)]! * vectors[3 * n + (at % 3)]!),
    ).flat();
  const samples = Array.from({ length: 3 }, () => {
    const input = normal(6);
    return { input, target: normal(18) };
  });
  const options = { group: so3(), input: { kind: "vectors" }, output: tensors, twirl: 8 } as const;
  const right = await measureEquivariance(outer, samples, options);
  expect(right.percentEquiv).toBeLessThan(1e-8);
  const fixed = (vectors: ArrayLike<number>) => outer(vectors).map((value, at) => (at % 9 === 0 ? value : 0));
  expect((await measureEquivariance(fixed, samples, options)).percentEquiv).toBeGreaterThan(1);
});

describe("a representation", () => {
  const grid: Representation = { kind: "grid", size: 2, channels: 3 };

  it.each<[Representation, number, boolean]>([
    [tensors, 18, true],
    [tensors, 12, false],
    [{ kind: "vectors" }, 12, true],
    [{ kind: "vectors" }, 10, false],
    [{ kind: "scalars" }, 7, true],
    [{ kind: "scalars" }, 0, false],
    [grid, 24, true],
    [grid, 48, false],
  ])("%j of %i numbers: %s", (how, length, fits) => {
    const check = () => requireLength("it", length, how);
    if (fits) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: "bad-shape" }));
  });

  it.each([undefined, null, "vectors", {}, { kind: "grid", size: 2 }, { kind: "matrix" }])("is not %j", (given) => {
    expect(() => requireRepresentation("input", given)).toThrow(expect.objectContaining({ code: "bad-option" }));
  });
});
