import { describe, expect, it } from "vitest";
import { decomposeSums, sampleSums } from "../../src/equivariance/estimators.ts";
import { rotateOctahedral } from "../../src/kernels/rotation/rotateOctahedral.ts";
import { twirlError, twirlMerge } from "../../src/kernels/twirl/twirl.ts";
import { twirlGrad } from "../../src/kernels/twirl/twirlGrad.ts";
import { ADAPTERS, withCaps } from "./capsOf.ts";
import type { TensorData } from "../harness.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { twirl as twin } from "../../src/reference/twirl.ts";

type Shape = readonly [number, number, number];
const ALL = Array.from({ length: 24 }, (_, g) => g);

const cube = ([, size, channels]: Shape, n: number) => [n, size, size, size, channels];

/**
 * Merges `chunk` rotations at a time, as for large grids; each chunk's predictions are sample-major. The sums come from
 * a second mean and M2, whose last merge makes them.
 */
async function twirl(
  predictions: Float32Array,
  rotations: readonly number[],
  target: Float32Array,
  shape: Shape,
  chunk = rotations.length,
  adapter = "as it is",
) {
  const [samples, size, channels] = shape;
  const each = size ** 3 * channels;
  const inputs: Record<"target" | `${"predictions" | "rotations"}${number}`, TensorData> = {
    target: { shape: cube(shape, samples), data: target },
  };
  const chunks: { first: number; count: number }[] = [];
  for (let first = 0; first < rotations.length; first += chunk) {
    const count = Math.min(chunk, rotations.length - first);
    const data = new Float32Array(samples * count * each);
    for (let n = 0; n < samples; n++) {
      const from = (n * rotations.length + first) * each;
      data.set(predictions.subarray(from, from + count * each), n * count * each);
    }
    inputs[`predictions${first}`] = { shape: cube(shape, samples * count), data };
    inputs[`rotations${first}`] = { shape: [count], data: Uint32Array.from(rotations.slice(first, first + count)) };
    chunks.push({ first, count });
  }
  const outputs = {
    mean: { shape: cube(shape, samples) },
    m2: { shape: cube(shape, samples) },
    // Of the merges that reduce their last chunk.
    lastMean: { shape: cube(shape, samples) },
    lastM2: { shape: cube(shape, samples) },
    sums: { shape: [samples, 4] },
    errors: { shape: [samples], init: new Float32Array(samples) },
  };
  const results = await runKernels(await testGpu(), inputs, outputs, (context, t) => {
    const ctx = withCaps(context, ADAPTERS[adapter]!);
    const { target, mean, m2, errors } = t;
    for (const { first } of chunks) {
      const predictions = t[`predictions${first}`]!;
      const rotations = t[`rotations${first}`]!;
      twirlMerge(ctx, { label: "merge", predictions, rotations, mean, m2, count: first });
      const last = first === chunks.at(-1)!.first;
      const reduced = { mean: t.lastMean, m2: t.lastM2, ...(last && { reduce: { target, sums: t.sums } }) };
      twirlMerge(ctx, { label: "reduce", predictions, rotations, count: first, ...reduced });
      twirlError(ctx, { label: "error", predictions, rotations, target, out: errors });
    }
  });
  return results as Record<"mean" | "m2" | "lastMean" | "sums" | "errors", Float32Array>;
}

describe("twirl reduction", () => {
  it.each([
    { shape: [1, 1, 1], rotations: [5, 0] },
    { shape: [3, 2, 5], rotations: ALL },
    { shape: [2, 5, 3], rotations: [3, 19, 7, 12, 23] },
    { shape: [1, 4, 8], rotations: [1, 2] },
    { shape: [2, 3, 11], rotations: [9, 4, 0] },
    { shape: [1, 12, 5], rotations: [22, 10] },
  ] as { shape: Shape; rotations: number[] }[])("is its twin: $shape, rotations $rotations", async (row) => {
    const { shape, rotations } = row;
    const [samples, size, channels] = shape;
    const each = size ** 3 * channels;
    const k = rotations.length;
    const predictions = randomArray(samples * k * each, 1);
    const target = randomArray(samples * each, 2);
    const expected = twin(predictions, rotations, target, shape);
    for (const [chunk, adapter] of [[k], [1], [2], [2, "as hardware without subgroups"]] as [number, string?][]) {
      const actual = await twirl(predictions, rotations, target, shape, chunk, adapter);
      expectClose(actual.mean, expected.mean, 2e-6, "mean");
      expectClose(
        actual.m2,
        expected.m2,
        expected.m2.map((value) => 1e-6 * (1 + value) * Math.sqrt(k)),
        "m2",
      );
      // Sums of positive terms: relative errors of the terms and of chains of at most about sqrt(elements) additions.
      expectClose(
        actual.sums,
        expected.sums,
        expected.sums.map((value) => 1e-5 * value),
        "sums",
      );
      expect(actual.lastMean).toEqual(actual.mean);
      expectClose(
        actual.errors,
        expected.errors,
        expected.errors.map((value) => 1e-5 * value),
        "errors",
      );
    }
  });

  it("satisfies Lh = |m - y|^2 + S/N and repeats bitwise", async () => {
    const shape = [3, 6, 5] as const;
    const predictions = randomArray(3 * 7 * 1080, 3);
    const target = randomArray(3 * 1080, 4);
    const rotations = [4, 8, 15, 16, 23, 2, 11];
    const result = await twirl(predictions, rotations, target, shape, 3);
    const { sums, errors } = result;
    for (let n = 0; n < 3; n++) {
      const split = sums[4 * n]! + sums[4 * n + 1]! / 7;
      expect(Math.abs(split / (errors[n]! / 7) - 1)).toBeLessThan(3e-6);
    }
    expect(await twirl(predictions, rotations, target, shape, 3)).toEqual(result);
  });

  it("keeps small deviations from a large mean", async () => {
    // Predictions 100 + 0.001 z: M2 by E[x^2] - m^2 would be lost entirely in float32.
    const shape = [1, 4, 2] as const;
    const predictions = randomArray(24 * 128, 5, 1e-3).map((z) => 100 + z);
    const target = new Float32Array(128);
    const { m2 } = await twirl(predictions, ALL, target, shape, 5);
    const expected = twin(predictions, ALL, target, shape).m2;
    const total = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
    expect(Math.abs(total(m2) / total(expected) - 1)).toBeLessThan(0.02);
  });

  it("finds f(x) = A x per voxel equivariant to rounding, and a position-dependent f not", async () => {
    const shape = [2, 4, 3] as const;
    const [samples, size, channels] = shape;
    const each = size ** 3 * channels;
    const x = randomArray(samples * each, 6);
    const { y: rotated } = (await runKernels(
      await testGpu(),
      { x: { shape: cube(shape, samples), data: x }, rotations: { shape: [24], data: Uint32Array.from(ALL) } },
      { y: { shape: cube(shape, samples * 24) } },
      (ctx, t) => rotateOctahedral(ctx, { label: "twist", x: t.x, rotations: t.rotations, y: t.y }),
    )) as { y: Float32Array };
    const a = randomArray(channels * channels, 7);
    const apply = (from: Float32Array, gain: (voxel: number) => number) =>
      from.map((_, at) => {
        const voxel = Math.floor(at / channels);
        let sum = 0;
        for (let c = 0; c < channels; c++) sum += a[(at % channels) * channels + c]! * from[voxel * channels + c]!;
        return sum * gain(voxel);
      });
    const target = randomArray(samples * each, 8);
    const percent = async (gain: (voxel: number) => number) => {
      const { sums } = await twirl(apply(rotated, gain), ALL, target, shape, 8);
      return decomposeSums(sampleSums(sums), { rotations: 24, elements: each });
    };
    const equivariant = await percent(() => 1);
    expect(equivariant.percentEquiv).toBeLessThan(1e-9);
    const broken = await percent((voxel) => 1 + (voxel % 4));
    expect(broken.percentEquiv).toBeGreaterThan(5);
    const zero = [...target].reduce((sum, y) => sum + y * y, 0) / target.length;
    expect(Math.abs(broken.lossZero / zero - 1)).toBeLessThan(1e-5);
  });

  it("is a plain variance with the identity and without a target", async () => {
    const [samples, size, channels, k] = [2, 4, 3, 5];
    const each = size ** 3 * channels;
    const x = randomArray(samples * k * each, 9);
    const { mean, sums } = (await runKernels(
      await testGpu(),
      {
        x: { shape: cube([samples, size, channels], samples * k), data: x },
        rotations: { shape: [k], data: new Uint32Array(k) },
      },
      { mean: { shape: cube([samples, size, channels], samples) }, sums: { shape: [samples, 4] } },
      (ctx, t) => {
        const m2 = ctx.scratch("m2", t.mean.shape);
        const [predictions, rotations, reduce] = [t.x, t.rotations, { sums: t.sums }];
        twirlMerge(ctx, { label: "variance", predictions, rotations, mean: t.mean, m2, count: 0, reduce });
      },
    )) as Record<"mean" | "sums", Float32Array>;
    const expected = twin(x, new Array(k).fill(0), new Float32Array(samples * each), [samples, size, channels]);
    expectClose(mean, expected.mean, 1e-6, "mean");
    const spreads = Array.from(sums, (_, i) => (i % 4 === 1 ? expected.sums[i]! : 0));
    expectClose(
      sums,
      spreads,
      spreads.map((value) => 1e-5 * value),
      "sums",
    );
  });

  it("refuses predictions that are not K for each sample", async () => {
    const gpu = await testGpu();
    await expect(
      runKernels(
        gpu,
        {
          predictions: { shape: [3, 1, 1, 1, 1], data: new Float32Array(3) },
          rotations: { shape: [2], data: new Uint32Array(2) },
        },
        { mean: { shape: [2, 1, 1, 1, 1] }, m2: { shape: [2, 1, 1, 1, 1] } },
        (ctx, t) =>
          twirlMerge(ctx, {
            label: "merge",
            predictions: t.predictions,
            rotations: t.rotations,
            mean: t.mean,
            m2: t.m2,
            count: 0,
          }),
      ),
    ).rejects.toMatchObject({ code: "bad-shape" });
  });
});

it.each([
  [1, { kind: "absolute" }],
  [4, { kind: "absolute" }],
  [3, { kind: "huber", delta: 0.1 }],
  [8, { kind: "huber", delta: 0.1 }],
] as const)("slopes pass NaN on, of %i channels and the loss %j", async (channels, loss) => {
  const shape = [1, 2, channels] as const;
  const predictions = randomArray(2 * 8 * channels, 7);
  predictions[3] = NaN;
  const inputs = {
    predictions: { shape: cube(shape, 2), data: predictions },
    rotations: { shape: [2], data: Uint32Array.of(0, 5) },
    mean: { shape: cube(shape, 1), data: new Float32Array(8 * channels) },
    target: { shape: cube(shape, 1), data: new Float32Array(8 * channels) },
    weights: { shape: [2], data: Float32Array.of(1, 0.5) },
  };
  const outputs = { gradPredictions: { shape: cube(shape, 2) } };
  const { gradPredictions } = await runKernels(await testGpu(), inputs, outputs, (ctx, t) => {
    const { predictions, rotations, mean, target, weights, gradPredictions } = t;
    twirlGrad(ctx, { label: "grad", predictions, rotations, mean, target, weights, loss, gradPredictions });
  });
  expect([...gradPredictions].flatMap((value, i) => (Number.isNaN(value) ? [i] : []))).toEqual([3]);
});
