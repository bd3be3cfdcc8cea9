import { describe, expect, it } from "vitest";
import { octahedralMatrices, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import { haarRotation } from "../../src/equivariance/rotations.ts";
import { resample, resampleGrad, type ResampleMethod } from "../../src/kernels/rotation/resample.ts";
import { Random } from "../../src/random.ts";
import { ADAPTERS, withCaps } from "./capsOf.ts";
import { innerProduct } from "./differences.ts";
import { expectClose, randomArray, relativeError, runKernels, testGpu } from "../harness.ts";
import { resample as twin, tapWeight } from "../../src/reference/resample.ts";
import { voxelize } from "../../src/reference/voxelize.ts";

type Shape = readonly [number, number, number];
const METHODS: ResampleMethod[] = ["trilinear", "catmullRom"];

async function run(
  kind: "forward" | "adjoint",
  x: Float32Array,
  rotations: Float32Array,
  [samples, size, channels]: Shape,
  method: ResampleMethod,
  adapter = "as it is",
): Promise<Float32Array> {
  const shape = [samples, size, size, size, channels];
  const { y } = await runKernels(
    await testGpu(),
    { x: { shape, data: x }, rotations: { shape: [samples, 9], data: rotations } },
    { y: { shape } },
    (ctx, t) => {
      const on = withCaps(ctx, ADAPTERS[adapter]!);
      const { x, rotations, y } = t;
      if (kind === "forward") resample(on, { label: "resample", x, rotations, y, method });
      else resampleGrad(on, { label: "adjoint", gradY: x, rotations, gradX: y, method });
    },
  );
  return y as Float32Array;
}

function haar(samples: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from(Array.from({ length: samples }, () => haarRotation(random)).flat());
}

describe.each(METHODS)("resample %s", (method) => {
  it.each([
    [1, 1, 1],
    [3, 2, 5],
    [2, 7, 3],
    [1, 6, 8],
    [1, 4, 11],
    [2, 16, 4],
  ] as const)("and its adjoint are their twins: %i x %i^3 x %i", async (...shape) => {
    const [samples, size, channels] = shape;
    const x = randomArray(samples * size ** 3 * channels, 5);
    const rotations = haar(samples, 6);
    // A position rounds to about size * 1e-7, a weight's slope is at most 1.5, the weights' sum of squares below 1.
    const tolerance = 5e-6 * size;
    const y = await run("forward", x, rotations, shape, method);
    expectClose(y, twin(x, rotations, shape, method), tolerance, "y");
    const other = await run("forward", x, rotations, shape, method, "as hardware without subgroups");
    expectClose(other, twin(x, rotations, shape, method), tolerance, "y as hardware");
    const g = await run("adjoint", x, rotations, shape, method);
    expectClose(g, twin(x, rotations, shape, method, true), tolerance, "gradX");
    expect(await run("forward", x, rotations, shape, method)).toEqual(y);
    expect(await run("adjoint", x, rotations, shape, method)).toEqual(g);
  });

  it("satisfies <A x, w> = <x, A^T w>", async () => {
    const shape = [4, 9, 2] as const;
    const x = randomArray(4 * 729 * 2, 7);
    const w = randomArray(4 * 729 * 2, 8);
    const rotations = haar(4, 9);
    const left = innerProduct(await run("forward", x, rotations, shape, method), w);
    const right = innerProduct(x, await run("adjoint", w, rotations, shape, method));
    // Against the root of the number of terms, the size of such a sum.
    expect(Math.abs(left - right)).toBeLessThan(1e-6 * 9 * Math.sqrt(x.length));
    expect(Math.abs(left)).toBeGreaterThan(1);
  });

  it("is exact for octahedral rotations, and the adjoint the inverse", async () => {
    const x = randomArray(24 * 125, 10);
    const matrices = Float32Array.from(octahedralMatrices.flat());
    const y = await run("forward", x, matrices, [24, 5, 1], method);
    const back = await run("adjoint", y, matrices, [24, 5, 1], method);
    const expected = octahedralMatrices.flatMap((_, g) => [
      ...rotateGridOctahedral(x.slice(g * 125, g * 125 + 125), 5, 1, g),
    ]);
    expect([...y]).toEqual(expected);
    expect(back).toEqual(x);
  });

  it("reads zeros outside the grid", async () => {
    const c = Math.SQRT1_2;
    const eighth = Float32Array.from([c, -c, 0, c, c, 0, 0, 0, 1]);
    const ones = (size: number) => run("forward", new Float32Array(size ** 3).fill(1), eighth, [1, size, 1], method);
    // The source of a corner column lies sqrt(2) (D-1)/2 along an axis: 2.49 voxels outside at D = 13, 0.83 at D = 5.
    const wide = await ones(13);
    expect(wide[0]).toBe(0);
    expect(wide[(13 ** 3 - 1) / 2]).toBeCloseTo(1, 6);
    const t = 2 * Math.SQRT2 - 2;
    const edge = tapWeight(method, t) + tapWeight(method, t + 1);
    expect((await ones(5))[0]).toBeCloseTo(edge, 5);
  });
});

it("rotates the content actively, in the better way with Catmull-Rom", async () => {
  const grid = { size: 20, channels: 2, resolution: 0.25 };
  const atoms = [
    [0.9, 0.2, -0.4, 0],
    [-0.6, 0.7, 0.3, 1],
    [0.1, -0.9, 0.5, 0],
  ];
  const rotations = haar(1, 12);
  const still = Float32Array.from(voxelize(atoms, [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], grid));
  const turned = voxelize(atoms, [...rotations, 0, 0, 0], grid);
  const shape = [1, 20, 2] as const;
  const linear = relativeError(await run("forward", still, rotations, shape, "trilinear"), turned);
  const cubic = relativeError(await run("forward", still, rotations, shape, "catmullRom"), turned);
  expect(linear).toBeLessThan(0.12);
  expect(cubic).toBeLessThan(0.04);
  expect(cubic).toBeLessThan(linear / 2);
});
