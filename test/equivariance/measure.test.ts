import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { octahedral, so3, type RotationGroup } from "../../src/equivariance/groups.ts";
import { measureEquivariance } from "../../src/equivariance/measure.ts";
import type { Predict } from "../../src/equivariance/predict.ts";
import type { NumberArray } from "../../src/equivariance/numbers.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import type { BufferView } from "../../src/gpu/gpu.ts";
import { randomArray, testGpu } from "../harness.ts";
import { ATOMS, forceHead, vectors } from "./forceHead.ts";

const NODES = 6;

describe("the force head of EScAIP", () => {
  const { inputs, predict, lossEquiv } = forceHead(20, 4);

  it("loses under the octahedral group exactly what its coefficients say", async () => {
    const result = await measureEquivariance(predict, inputs, { group: octahedral(), ...vectors });
    expect(Math.abs(result.lossEquiv / lossEquiv - 1)).toBeLessThan(1e-5);
    expect(result.lossMean).toBeCloseTo(0.25, 5);
    expect(result).toMatchObject({ samples: 20, rotations: 24 });
  });

  it.each<[string, RotationGroup, number]>([
    ["so3", so3(), 400],
    ["octahedral", octahedral(), 6],
  ])("loses the same within the error of a sample of rotations: %s", async (_, group, twirl) => {
    const exact = lossEquiv / (lossEquiv + 0.25);
    const seeds = Array.from({ length: group.enumerate ? 40 : 8 }, (_, seed) => seed);
    const results = await Promise.all(
      seeds.map((seed) => measureEquivariance(predict, inputs, { group, twirl, seed: 100 * seed, ...vectors })),
    );
    const shares = results.map(({ lossEquiv: found }) => found / lossEquiv);
    const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
    const error = Math.sqrt(shares.reduce((sum, s) => sum + (s - mean) ** 2, 0) / (shares.length - 1) / shares.length);
    expect(Math.abs(mean - 1)).toBeLessThan(3.5 * error);
    expect(error).toBeLessThan(0.02);
    expect(Math.abs(results[0]!.percentEquiv - 100 * exact)).toBeLessThan(4 * results[0]!.percentEquivStdErr);
  });

  it("gains by averaging K predictions what other samples predict", async () => {
    const many = forceHead(120, 6);
    const enumerated = await measureEquivariance(many.predict, many.inputs, { group: octahedral(), ...vectors });
    expect(enumerated.gains.map(({ count }) => count)).toEqual([1, 2, 4, 8, 12, 24]);
    const drawn = await measureEquivariance(many.predict, many.inputs, { group: so3(), twirl: 24, ...vectors });
    for (const [gains, order] of [
      [enumerated.gains, 24],
      [drawn.gains, Infinity],
    ] as const) {
      for (const gain of gains) {
        const error = Math.hypot(gain.percentGainStdErr, gain.percentPredictedStdErr);
        expect(Math.abs(gain.percentGain - gain.percentPredicted), `K = ${gain.count}`).toBeLessThan(
          3.5 * error + 1e-9,
        );
      }
      const factor = (k: number) => (order === 24 ? (24 * (k - 1)) / (k * 23) : 1 - 1 / k);
      expect(gains[3]!.percentPredicted / gains[1]!.percentPredicted).toBeCloseTo(factor(8) / factor(2), 10);
      expect(gains[1]!.percentGain).toBeGreaterThan(10);
      expect(gains[0]!.percentGain).toBeCloseTo(0, 10);
    }
  });

  it("finds nothing in an equivariant head, and ignores how the scalars of an invariant model turn", async () => {
    const identity: Predict<Float32Array> = (x) => x;
    const same = await measureEquivariance(identity, inputs, { group: so3(), ...vectors });
    expect(same.percentEquiv).toBeLessThan(1e-8);
    const radii: Predict<Float32Array> = (x) =>
      Float32Array.from({ length: x.length / 3 }, (_, i) => Math.hypot(...x.subarray(3 * i, 3 * i + 3)));
    const scalars = inputs.map(({ input }) => ({ input, target: new Float32Array(ATOMS) }));
    const output = { kind: "scalars" } as const;
    const result = await measureEquivariance(radii, scalars, { group: so3(), output, ...vectors });
    expect(result.percentEquiv).toBeLessThan(1e-8);
  });
});

describe("grids", () => {
  const representation = { kind: "grid", size: NODES, channels: 2 } as const;
  const cells = NODES ** 3 * 2;
  const samples = Array.from({ length: 3 }, (_, n) => ({
    input: randomArray(cells, n),
    target: randomArray(cells, 10 + n),
  }));
  /** Multiplies every voxel by a number of its own: as far from equivariant as can be. */
  const mask = randomArray(cells, 30);
  const masked: Predict<Float32Array> = (x) => x.map((value, i) => value * mask[i % cells]!);

  it("are measured the same whether predictions come from here or from elsewhere", async () => {
    const measured = await measureEquivariance(masked, samples, { group: octahedral(), input: representation });
    const predictions = new Float32Array(3 * 24 * cells);
    const targets = new Float32Array(3 * cells);
    samples.forEach(({ input, target }, n) => {
      targets.set(target, n * cells);
      octahedral().enumerate!().forEach((rotation, g) => {
        const raw = octahedral()
          .actOnGrid(rotation, input, NODES, 2)
          .map((value, i) => value * mask[i]!);
        const transposed = rotation.map((_, at) => rotation[3 * (at % 3) + Math.floor(at / 3)]!);
        predictions.set(octahedral().actOnGrid(transposed, raw, NODES, 2), (n * 24 + g) * cells);
      });
    });
    const { gains: _, ...elsewhere } = decompose(predictions, targets, { samples: 3 });
    expect(measured).toMatchObject(elsewhere);
    expect(measured.percentEquiv).toBeGreaterThan(5);
  });

  it.each<[string, RotationGroup]>([
    ["octahedral", octahedral()],
    ["so3", so3()],
    ["so3 trilinear", so3("trilinear")],
  ])("that lie on the GPU are rotated there: %s", async (_, group) => {
    const gpu = await testGpu();
    const uploaded = samples.map(({ input, target }) => ({
      input: gpu.upload("input", input),
      target: gpu.upload("target", target),
    }));
    const before = gpu.allocatedBytes;
    const owned: BufferView[] = [];
    const predict: Predict<BufferView> = async (x) => {
      const [bytes] = await gpu.read(x);
      owned.push(gpu.upload("prediction", masked(new Float32Array(bytes!), { count: 5, sample: 0 }) as Float32Array));
      return owned.at(-1)!;
    };
    const options = { group, twirl: 5, input: representation, seed: 3 };
    const buffers = await measureEquivariance(predict, uploaded, { ...options, gpu });
    for (const { buffer } of owned) gpu.destroyBuffer(buffer);
    expect(gpu.allocatedBytes).toBe(before);
    const arrays = await measureEquivariance(masked, samples, options);
    for (const name of ["lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquiv"] as const) {
      expect(Math.abs(buffers[name] / arrays[name] - 1), name).toBeLessThan(1e-5);
    }
    // The prediction may lie in the very buffer that was handed out.
    const echo = await measureEquivariance((x) => x, uploaded, { ...options, gpu });
    const echoed = await measureEquivariance((x) => x, samples, options);
    expect(Math.abs(echo.lossTotal / echoed.lossTotal - 1)).toBeLessThan(1e-5);
    for (const { input, target } of uploaded) for (const { buffer } of [input, target]) gpu.destroyBuffer(buffer);
  });

  it("are compared in the inscribed ball alone where rotations interpolate", async () => {
    const corner = samples.map(({ target }) => ({ input: new Float32Array(cells), target }));
    const spoil: Predict<Float32Array> = (x) => x.map((_, i) => (i % cells < 2 ? 1e6 : 0));
    const ball = await measureEquivariance(spoil, corner, { group: so3("trilinear"), twirl: 2, input: representation });
    expect(ball.lossTotal).toBeLessThan(10);
  });
});

describe("arrays of every kind", () => {
  const { inputs, predict } = forceHead(5, 2);
  const Foreign = runInNewContext("Float32Array") as Float32ArrayConstructor;
  const kinds: [string, (values: Float32Array) => NumberArray][] = [
    ["Float32Array of another realm", (values) => Foreign.from(values)],
    ["Float64Array", (values) => Float64Array.from(values)],
    ["plain arrays", (values) => Array.from(values)],
    [
      "vectors in arrays",
      (values) => Array.from({ length: values.length / 3 }, (_, i) => values.subarray(3 * i, 3 * i + 3)),
    ],
  ];

  it.each(kinds)("give the same numbers as samples, targets and predictions: %s", async (_, as) => {
    for (const group of [octahedral, so3]) {
      const options = { group, twirl: 6, ...vectors };
      const expected = await measureEquivariance(predict, inputs, options);
      const given = inputs.map(({ input, target }) => ({ input: as(input), target: as(target) }));
      const answer: Predict<Float32Array, NumberArray> = async (x, context) => as(await predict(x, context));
      for (const [model, alike] of [
        [answer, group()],
        [predict, group],
      ] as const) {
        const found = await measureEquivariance(model, given, { ...options, group: alike });
        // What is given in float64 is rotated in it, too.
        for (const name of ["lossTotal", "lossMean", "lossEquiv", "lossZero"] as const) {
          expect(Math.abs(found[name] / expected[name] - 1), name).toBeLessThan(1e-7);
        }
      }
    }
  });

  it("keep what float32 would round away: energies of millions that differ by thousandths", async () => {
    const energy = -1234567.891;
    const samples = inputs.map(({ input }) => ({ input, target: [energy] }));
    const off: Predict<Float32Array, NumberArray> = (_, { count }) =>
      Array.from({ length: count }, () => energy + 0.002);
    const result = await measureEquivariance(off, samples, {
      group: octahedral(),
      ...vectors,
      output: { kind: "scalars" },
    });
    expect(result.lossTotal).toBeCloseTo(4e-6, 9);
    expect(result.percentEquiv).toBeCloseTo(0, 6);
  });

  it("may be one that the model uses again, or its own input", async () => {
    const options = { group: octahedral(), ...vectors };
    const expected = await measureEquivariance(predict, inputs, options);
    const shared = new Float32Array(24 * 3 * ATOMS);
    const again: Predict<Float32Array> = async (x, context) => (shared.set(await predict(x, context)), shared);
    expect(await measureEquivariance(again, inputs, options)).toEqual(expected);
    const within: Predict<Float32Array> = async (x, context) => (x.set(await predict(x, context)), x);
    expect(await measureEquivariance(within, inputs, options)).toEqual(expected);
  });
});

describe("a long measurement", () => {
  const { inputs, predict } = forceHead(5, 3);
  const options = { group: so3(), twirl: 2, ...vectors };

  it("tells how far it is", async () => {
    const told: number[][] = [];
    await measureEquivariance(predict, inputs, { ...options, onProgress: (...at) => told.push(at) });
    expect(told).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]));
  });

  it("ends between samples when it is told to, also where the model awaits nothing", async () => {
    const aborted = expect.objectContaining({ code: "aborted" });
    const controller = new AbortController();
    let done = 0;
    const stopped = measureEquivariance(predict, inputs, {
      ...options,
      signal: controller.signal,
      onProgress: () => ++done === 2 && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(aborted);
    expect(done).toBe(2);
    // Only where other tasks get their turn does the timer of the signal run before the samples end.
    const many = Array.from({ length: 100_000 }, () => inputs[0]!);
    const zero: Predict<Float32Array> = (x) => x;
    const timed = measureEquivariance(zero, many, { ...options, signal: AbortSignal.timeout(1) });
    await expect(timed).rejects.toThrow(aborted);
  });
});
