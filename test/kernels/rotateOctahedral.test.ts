import { describe, expect, it } from "vitest";
import { octahedralInverses, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import { rotateOctahedral } from "../../src/kernels/rotation/rotateOctahedral.ts";
import { ADAPTERS, withCaps } from "./capsOf.ts";
import { randomArray, runKernels, testGpu } from "../harness.ts";
import { rotateOctahedral as twin } from "../../src/reference/rotateOctahedral.ts";

const ALL = Array.from({ length: 24 }, (_, g) => g);

async function rotate(
  x: Float32Array,
  [samples, size, channels]: readonly [number, number, number],
  rotations: readonly number[],
  { adapter = "as it is", ...options }: { perSample?: boolean; inverse?: boolean; adapter?: string } = {},
): Promise<Float32Array> {
  const grids = options.perSample ? samples : samples * rotations.length;
  const { y } = await runKernels(
    await testGpu(),
    {
      x: { shape: [samples, size, size, size, channels], data: x },
      rotations: { shape: [rotations.length], data: Uint32Array.from(rotations) },
    },
    { y: { shape: [grids, size, size, size, channels] } },
    (ctx, t) =>
      rotateOctahedral(withCaps(ctx, ADAPTERS[adapter]!), {
        label: "rotate",
        x: t.x,
        rotations: t.rotations,
        y: t.y,
        ...options,
      }),
  );
  return y as Float32Array;
}

describe.each(Object.keys(ADAPTERS))("rotateOctahedral, %s", (adapter) => {
  it.each([
    [1, 1, 1],
    [3, 2, 5],
    [2, 5, 3],
    [1, 4, 8],
  ] as const)("is bitwise its twin for all 24 elements: %i x %i^3 x %i", async (samples, size, channels) => {
    const each = size ** 3 * channels;
    const x = randomArray(samples * each, 1);
    const y = await rotate(x, [samples, size, channels], ALL, { adapter });
    for (let n = 0; n < samples; n++) {
      for (const g of ALL) {
        const grid = x.slice(n * each, (n + 1) * each);
        const at = (n * 24 + g) * each;
        expect(y.slice(at, at + each)).toEqual(twin(grid, size, channels, g));
        expect(rotateGridOctahedral(grid, size, channels, g)).toEqual(twin(grid, size, channels, g));
      }
    }
  });

  it("applies a subset in its own order", async () => {
    const x = randomArray(2 * 27, 2);
    const y = await rotate(x, [2, 3, 1], [17, 4], { adapter });
    const expected = [0, 1].flatMap((n) => [17, 4].flatMap((g) => [...twin(x.slice(n * 27, n * 27 + 27), 3, 1, g)]));
    expect([...y]).toEqual(expected);
  });

  it("the inverse per sample undoes it bitwise", async () => {
    const [samples, size, channels] = [24, 3, 2];
    const x = randomArray(samples * size ** 3 * channels, 3);
    const turned = await rotate(x, [samples, size, channels], ALL, { adapter, perSample: true });
    expect(turned).not.toEqual(x);
    expect(await rotate(turned, [samples, size, channels], ALL, { adapter, perSample: true, inverse: true })).toEqual(
      x,
    );
    expect(await rotate(turned, [samples, size, channels], octahedralInverses, { adapter, perSample: true })).toEqual(
      x,
    );
  });

  it("carries NaN and infinity along", async () => {
    const x = randomArray(8, 4);
    x[3] = NaN;
    x[5] = Infinity;
    expect(await rotate(x, [1, 2, 1], [9], { adapter })).toEqual(twin(x, 2, 1, 9));
  });

  it("refuses an output of the wrong size", async () => {
    const gpu = await testGpu();
    await expect(
      runKernels(
        gpu,
        {
          x: { shape: [1, 2, 2, 2, 1], data: new Float32Array(8) },
          rotations: { shape: [2], data: new Uint32Array(2) },
        },
        { y: { shape: [1, 2, 2, 2, 1] } },
        (ctx, t) =>
          rotateOctahedral(withCaps(ctx, ADAPTERS[adapter]!), {
            label: "rotate",
            x: t.x,
            rotations: t.rotations,
            y: t.y,
          }),
      ),
    ).rejects.toMatchObject({ code: "bad-shape" });
  });
});
