import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { octahedral, so3, type RotationGroup } from "../../src/equivariance/groups.ts";
import { measureEquivariance } from "../../src/equivariance/measure.ts";
import type { EquivarianceSample, Predict } from "../../src/equivariance/predict.ts";
import type { NumberArray } from "../../src/equivariance/numbers.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import type { BufferView } from "../../src/gpu/gpu.ts";
import { Random } from "../../src/random.ts";
import { randomArray, testGpu } from "../harness.ts";

const ATOMS = 5;
const NODES = 6;

/**
 * The force head of EScAIP (arXiv 2410.24169) by hand: force_i = m_i sum_j c_ij (*) d_ij with unit edge vectors d_ij
 * and 3-vectors c_ij that no rotation changes. Equivariant only where the three numbers of each c_ij are equal.
 */
function forceHead(samples: number, seed: number) {
  const random = new Random(seed);
  const made = Array.from({ length: samples }, () => ({
    positions: Float32Array.from({ length: 3 * ATOMS }, () => random.normal()),
    masses: Array.from({ length: ATOMS }, () => 0.5 + random.next()),
    c: Array.from({ length: ATOMS * ATOMS * 3 }, () => random.normal()),
  }));
  const directions = (x: Float32Array) => (i: number, j: number) => {
    const d = [0, 1, 2].map((a) => x[3 * j + a]! - x[3 * i + a]!);
    return d.map((value) => value / Math.hypot(...d));
  };
  const pairs = (i: number) => Array.from({ length: ATOMS }, (_, j) => j).filter((j) => j !== i);
  const forces = (n: number, x: Float32Array, isotropic: boolean) => {
    const { masses, c } = made[n]!;
    const d = directions(x);
    const out = new Float32Array(3 * ATOMS);
    for (let i = 0; i < ATOMS; i++) {
      for (const j of pairs(i)) {
        const given = c.slice(3 * (i * ATOMS + j), 3 * (i * ATOMS + j) + 3);
        const average = (given[0]! + given[1]! + given[2]!) / 3;
        d(i, j).forEach((value, a) => (out[3 * i + a]! += masses[i]! * (isotropic ? average : given[a]!) * value));
      }
    }
    return out;
  };
  /** L_equiv of one sample, per number: m_i^2 sum_jk (delta_ij . delta_ik)/3 (d_ij . d_ik), delta = c - mean(c). */
  const lossEquiv = (n: number) => {
    const { positions, masses, c } = made[n]!;
    const d = directions(positions);
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const delta = (i: number, j: number) => {
      const given = c.slice(3 * (i * ATOMS + j), 3 * (i * ATOMS + j) + 3);
      return given.map((value) => value - (given[0]! + given[1]! + given[2]!) / 3);
    };
    let sum = 0;
    for (let i = 0; i < ATOMS; i++) {
      for (const j of pairs(i)) {
        for (const k of pairs(i)) sum += (masses[i]! ** 2 * dot(delta(i, j), delta(i, k)) * dot(d(i, j), d(i, k))) / 3;
      }
    }
    return sum / (3 * ATOMS);
  };
  const inputs: EquivarianceSample<Float32Array>[] = made.map(({ positions }, n) => ({
    input: positions,
    // Some target that the twirled prediction misses: mu plus a constant shift of every force.
    target: forces(n, positions, true).map((value) => value + 0.5),
  }));
  const predict: Predict<Float32Array> = (x, { count, sample }) => {
    const out = new Float32Array(x.length);
    for (let t = 0; t < count; t++) {
      out.set(forces(sample, x.subarray(t * 3 * ATOMS, (t + 1) * 3 * ATOMS), false), t * 3 * ATOMS);
    }
    return out;
  };
  const mean = Array.from({ length: samples }, (_, n) => lossEquiv(n)).reduce((a, b) => a + b, 0) / samples;
  return { inputs, predict, lossEquiv: mean };
}

const vectors = { input: { kind: "vectors" } } as const;

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

describe("what cannot be measured", () => {
  const { inputs, predict } = forceHead(2, 1);
  const code = (name: string): unknown => expect.objectContaining({ code: name });

  it("is told before the model is asked, by sample", async () => {
    const good = inputs[0]!;
    const asked: number[] = [];
    const ask: Predict<Float32Array> = (x, { sample }) => (asked.push(sample), x);
    const measure = (samples: unknown, options: object = {}) =>
      measureEquivariance(ask, samples as typeof inputs, { group: octahedral(), ...vectors, ...options });
    const refused = (name: string, message: RegExp): unknown =>
      expect.objectContaining({ name: "VoxtwirlError", code: name, message: expect.stringMatching(message) });
    for (const [bad, name, message] of [
      [{ ...good, input: Float32Array.of(1, 2) }, "bad-shape", /^the input of sample 1 holds 2 numbers; vectors/],
      [{ ...good, input: [] }, "bad-shape", /^the input of sample 1 holds 0/],
      [{ ...good, target: undefined }, "bad-shape", /^the target of sample 1 is undefined/],
      [{ ...good, target: [1, NaN, 2] }, "not-finite", /^number 1 of the target of sample 1 is NaN/],
      [{ ...good, input: BigInt64Array.of(1n, 2n, 3n) }, "bad-shape", /^the input of sample 1 is a BigInt64Array/],
      [undefined, "bad-shape", /^sample 1 is undefined/],
    ] as const) {
      await expect(measure([good, bad])).rejects.toThrow(refused(name, message));
    }
    const grid = { input: { kind: "grid", size: 2, channels: 1 } };
    await expect(measure([good], grid)).rejects.toThrow(refused("bad-shape", /holds 15 numbers; a grid .* holds 8$/));
    await expect(measure(new Set([good]))).rejects.toThrow(refused("bad-option", /^samples is a Set/));
    for (const group of ["so3", undefined, {}, () => "so3"]) {
      await expect(measure([good], { group })).rejects.toThrow(refused("bad-option", /^group is/));
    }
    for (const input of [undefined, "vectors", { kind: "grid" }, { kind: "grid", size: 2.5, channels: 1 }]) {
      await expect(measure([good], { input })).rejects.toThrow(refused("bad-option", /^input is/));
    }
    await expect(measure([good], { gpu: {} })).rejects.toThrow(refused("bad-option", /^gpu is/));
    await expect(measureEquivariance(3 as never, [good], { group: so3(), ...vectors })).rejects.toThrow(
      refused("bad-option", /^predict is/),
    );
    expect(asked).toEqual([]);
  });

  it("is told of a prediction, by sample", async () => {
    const answers = (answer: (x: Float32Array) => unknown) =>
      measureEquivariance((x) => answer(x) as Float32Array, inputs, { group: octahedral(), ...vectors });
    const message = (text: RegExp): unknown => expect.objectContaining({ message: expect.stringMatching(text) });
    await expect(answers(() => undefined)).rejects.toThrow(message(/^the prediction for sample 0 is undefined/));
    await expect(answers((x) => x.subarray(15))).rejects.toThrow(
      message(/sample 0 holds 345 numbers, not 24 times its target's 15/),
    );
    await expect(answers((x) => x.map((v, i) => (i === 7 ? NaN : v)))).rejects.toThrow(message(/^number 7 .* is NaN/));
  });

  it("is told of ranges of GPU buffers", async () => {
    const gpu = await testGpu();
    const view = gpu.upload("grid", new Float32Array(8));
    const input = { kind: "grid", size: 2, channels: 1 } as const;
    const predictAll: Predict<BufferView> = (x) => x;
    const measure = (sample: unknown, answer = predictAll) =>
      measureEquivariance(answer, [{ input: view, target: view }, sample as never], {
        group: so3(),
        twirl: 2,
        input,
        gpu,
      });
    const message = (text: RegExp): unknown =>
      expect.objectContaining({ code: "bad-shape", message: expect.stringMatching(text) });
    for (const [bad, text] of [
      [new Float32Array(8), /^the target of sample 1 is a Float32Array, not a range/],
      [view.buffer, /^the target of sample 1 is a GPUBuffer, not a range/],
      [{ ...view, size: 16 }, /^the target of sample 1 takes 16 bytes, not 32/],
      [{ ...view, offset: 4 }, /^the target of sample 1 begins at byte 4/],
    ] as const) {
      await expect(measure({ input: view, target: bad })).rejects.toThrow(message(text));
    }
    const none = (() => undefined) as unknown as Predict<BufferView>;
    await expect(measure({ input: view, target: view }, none)).rejects.toThrow(
      message(/^the prediction for sample 0 is undefined/),
    );
    const bare = { input: view.buffer, target: view.buffer } as never;
    await expect(measureEquivariance(predictAll, [bare], { group: so3(), input, gpu })).rejects.toThrow(
      expect.objectContaining({ fix: expect.stringMatching(/buffer, offset: 0/) }),
    );
    gpu.destroyBuffer(view.buffer);
  });

  it("is refused with what to do", async () => {
    for (const twirl of [0, 1, 25, 2.5, NaN]) {
      await expect(measureEquivariance(predict, inputs, { group: octahedral(), twirl, ...vectors })).rejects.toThrow(
        code("bad-option"),
      );
    }
    await expect(measureEquivariance(predict, [], { group: so3(), ...vectors })).rejects.toThrow(code("no-data"));
    const short: Predict<Float32Array> = (x) => x.subarray(1);
    await expect(measureEquivariance(short, inputs, { group: so3(), ...vectors })).rejects.toThrow(code("bad-shape"));
    const broken: Predict<Float32Array> = (x) => x.map(() => NaN);
    await expect(measureEquivariance(broken, inputs, { group: so3(), ...vectors })).rejects.toThrow(code("not-finite"));
    expect(() => decompose([1, 2, 3], [1, 2])).toThrow(code("bad-shape"));
    expect(() => decompose([1, 2, 3, 4], [1, 2], { samples: 3 })).toThrow(code("bad-shape"));
    expect(() => decompose([1, 2], [1, 2])).toThrow(code("bad-option"));
  });

  it("leaves plain arrays alone, and gives no gains for a few samples", () => {
    const result = decompose([1, 3, 5, 5], [2, 4], { samples: 2, groupOrder: Infinity });
    // Sample 1: mean 2, target 2, spread 2; sample 2: mean 5, target 4, no spread.
    expect(result).toMatchObject({ lossTotal: 1, lossEquiv: 1, lossMean: 0, lossZero: 10, percentEquiv: 100 });
    expect(result.gains).toEqual([]);
  });
});
