import { describe, expect, it } from "vitest";
import { OCTAHEDRAL_ORDER, octahedralMatrices, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import { haarRotation } from "../../src/equivariance/rotations.ts";
import { voxelize } from "../../src/kernels/voxelize.ts";
import { Random } from "../../src/random.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { voxelize as twin } from "../../src/reference/voxelize.ts";

type Atom = [number, number, number, number];
const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];

async function grids(
  molecules: readonly (readonly Atom[])[],
  samples: readonly { molecule: number; pose: readonly number[] }[],
  { size, channels, resolution }: { size: number; channels: number; resolution: number },
): Promise<Float32Array[]> {
  const atoms = molecules.flat();
  const offsets = [0];
  for (const molecule of molecules) offsets.push(offsets[offsets.length - 1]! + molecule.length);
  const { y } = await runKernels(
    await testGpu(),
    {
      atoms: { shape: [atoms.length, 4], data: Float32Array.from(atoms.flat()) },
      offsets: { shape: [offsets.length], data: Uint32Array.from(offsets) },
      molecules: { shape: [samples.length], data: Uint32Array.from(samples.map((s) => s.molecule)) },
      poses: { shape: [samples.length, 12], data: Float32Array.from(samples.flatMap((s) => s.pose)) },
    },
    { y: { shape: [samples.length, size, size, size, channels] } },
    (ctx, t) =>
      voxelize(ctx, {
        label: "voxelize",
        atoms: t.atoms,
        offsets: t.offsets,
        molecules: t.molecules,
        poses: t.poses,
        y: t.y,
        resolution,
      }),
  );
  const each = size ** 3 * channels;
  return samples.map((_, n) => (y as Float32Array).slice(n * each, (n + 1) * each));
}

function molecule(atoms: number, channels: number, seed: number, spread = 1): Atom[] {
  const positions = randomArray(atoms * 3, seed, spread);
  return Array.from({ length: atoms }, (_, a) => [
    positions[3 * a]!,
    positions[3 * a + 1]!,
    positions[3 * a + 2]!,
    a % channels,
  ]);
}

function pose(seed: number, shift = 0.3): number[] {
  const random = new Random(seed);
  const shifts = [random.next(), random.next(), random.next()].map((u) => shift * (2 * u - 1));
  return Array.from(Float32Array.from([...haarRotation(random), ...shifts]));
}

describe("voxelize", () => {
  it.each([
    { size: 1, channels: 1, resolution: 0.5 },
    { size: 7, channels: 5, resolution: 0.5 },
    { size: 8, channels: 8, resolution: 0.4 },
    { size: 13, channels: 3, resolution: 0.25 },
  ])("is its twin: size $size, channels $channels, resolution $resolution", async (grid) => {
    const molecules = [
      molecule(9, grid.channels, 1),
      molecule(1, grid.channels, 2, 0.2),
      molecule(14, grid.channels, 3),
    ];
    const samples = [2, 0, 1].map((m, i) => ({ molecule: m, pose: pose(i + 1) }));
    const result = await grids(molecules, samples, grid);
    samples.forEach(({ molecule: m, pose }, n) => {
      // 1 - V rounds to 6e-8, the exponential to some 1e-6, and a product of 14 adds up.
      expectClose(result[n]!, twin(molecules[m]!, pose, grid), 5e-6, `sample ${n}`);
    });
    expect(result[0]!.some((value) => value > 0.01)).toBe(true);
    expect(await grids(molecules, samples, grid)).toEqual(result);
  });

  it("has V = 1 at an atom, V(d) beside it and exactly 0 beyond 1.25 A", async () => {
    const grid = { size: 9, channels: 2, resolution: 0.5 };
    const [y] = await grids([[[0, 0, 0, 1]]], [{ molecule: 0, pose: IDENTITY }], grid);
    const at = (z: number, yy: number, x: number, c: number) => y![((z * 9 + yy) * 9 + x) * 2 + c];
    expect(at(4, 4, 4, 1)).toBe(1);
    expect(at(4, 4, 4, 0)).toBe(0);
    expectClose([at(4, 4, 5, 1)!, at(4, 6, 4, 1)!], [Math.exp(-0.25 / 0.216225), Math.exp(-1 / 0.216225)], 2e-7);
    expect(at(4, 4, 7, 1)).toBe(0);
    expect(at(2, 2, 4, 1)).toBe(0);
  });

  it("joins atoms of one channel as 1 - (1 - V)(1 - V) and ignores channels it does not have", async () => {
    const grid = { size: 3, channels: 1, resolution: 0.5 };
    const both: Atom[] = [
      [0.5, 0, 0, 0],
      [-0.5, 0, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 0, -1],
    ];
    const [y] = await grids([both], [{ molecule: 0, pose: IDENTITY }], grid);
    const v = Math.exp(-0.25 / 0.216225);
    expectClose([y![13]!], [1 - (1 - v) ** 2], 5e-7);
  });

  it("puts x, y and z where the storage order (z, y, x) says, and shifts after rotating", async () => {
    const grid = { size: 5, channels: 1, resolution: 1 };
    const quarter = [0, -1, 0, 1, 0, 0, 0, 0, 1]; // about z: x -> y, y -> -x
    const [plain, turned] = await grids(
      [[[2, 1, 0, 0]]],
      [
        { molecule: 0, pose: IDENTITY },
        { molecule: 0, pose: [...quarter, 0, 0, -1] },
      ],
      grid,
    );
    const peak = (y: Float32Array) => y.indexOf(1);
    expect(peak(plain!)).toBe((2 * 5 + 3) * 5 + 4);
    expect(peak(turned!)).toBe((1 * 5 + 4) * 5 + 1);
  });

  it("rotating the atoms by any octahedral element is permuting the grid", async () => {
    const grid = { size: 8, channels: 3, resolution: 0.5 };
    const samples = octahedralMatrices.map((matrix) => ({ molecule: 0, pose: [...matrix, 0, 0, 0] }));
    const results = await grids([molecule(8, 3, 4)], samples, grid);
    for (let g = 0; g < OCTAHEDRAL_ORDER; g++) {
      expectClose(results[g]!, rotateGridOctahedral(results[0]!, 8, 3, g), 2e-6, `element ${g}`);
    }
  });
});
