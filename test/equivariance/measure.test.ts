import { describe, expect, it } from "vitest";
import { octahedral, so3, type RotationGroup } from "../../src/equivariance/groups.ts";
import { measureEquivariance, type EquivarianceSample, type Predict } from "../../src/equivariance/measure.ts";
import { decompose } from "../../src/equivariance/tally.ts";
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
        const raw = octahedral().actOnGrid(rotation, input, NODES, 2).map((value, i) => value * mask[i]!);
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

describe("what cannot be measured", () => {
  const { inputs, predict } = forceHead(2, 1);
  const code = (name: string) => expect.objectContaining({ code: name });

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
