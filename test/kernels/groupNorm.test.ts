import { beforeAll, describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { groupNorm } from "../../src/kernels/groupNorm/groupNorm.ts";
import { groupNormGrad } from "../../src/kernels/groupNorm/groupNormGrad.ts";
import { expectClose, randomArray, relativeError, runKernels, testGpu } from "../harness.ts";
import { groupNorm as twin, groupNormGrad as gradTwin, type GroupNormCase } from "../../src/reference/groupNorm.ts";
import { ADAPTERS, withCaps } from "./capsOf.ts";
import { centralDifferences, EPS, innerProduct } from "./differences.ts";
import { needsStored, roundedTo, STORED, storedTolerance, type Stored } from "./half.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

interface Data {
  x: Float32Array;
  gamma: Float32Array;
  beta: Float32Array;
  gradY: Float32Array;
  addend: Float32Array;
}

function dataOf(c: GroupNormCase, offset = 0.5, dtype: Stored = "f32"): Data {
  const count = c.samples * c.voxels * c.channels;
  return {
    x: roundedTo(
      dtype,
      randomArray(count, 1, 2).map((value) => value + offset),
    ),
    gamma: randomArray(c.channels, 2).map((value) => 1 + value / 2),
    beta: randomArray(c.channels, 3, 0.5),
    gradY: roundedTo(dtype, randomArray(count, 4)),
    addend: roundedTo(dtype, randomArray(count, 5, 0.1)),
  };
}

async function run(
  c: GroupNormCase,
  data: Data,
  withAddend = false,
  caps: Partial<GpuCaps> = {},
  dtype: Stored = "f32",
) {
  const shape = [c.samples, c.voxels, 1, 1, c.channels];
  const channels = [c.channels];
  const out = await runKernels(
    gpu,
    {
      x: { shape, dtype, data: data.x },
      gamma: { shape: channels, data: data.gamma },
      beta: { shape: channels, data: data.beta },
      gradY: { shape, dtype, data: data.gradY },
      ...(withAddend && { addend: { shape, dtype, data: data.addend } }),
    },
    {
      y: { shape, dtype },
      stats: { shape: [c.samples, c.groups, 2] },
      gradX: { shape, dtype },
      gradGamma: { shape: channels, init: new Float32Array(c.channels).fill(1) },
      gradBeta: { shape: channels, init: new Float32Array(c.channels).fill(-2) },
    },
    (context, { x, gamma, beta, gradY, addend, y, stats, gradX, gradGamma, gradBeta }) => {
      const ctx = withCaps(context, caps);
      const common = { x, gamma, beta, stats, groups: c.groups, silu: c.silu };
      groupNorm(ctx, { ...common, label: "norm", eps: c.eps, y });
      groupNormGrad(ctx, {
        ...common,
        label: "normGrad",
        gradY,
        gradX,
        gradGamma,
        gradBeta,
        ...(withAddend && { addend }),
      });
    },
  );
  return out as Record<"y" | "stats" | "gradX" | "gradGamma" | "gradBeta", Float32Array>;
}

// [samples, voxels, channels, groups]
const SHAPES: [number, number, number, number][] = [
  [1, 1, 8, 4],
  [3, 1, 5, 1],
  [1, 27, 8, 4],
  [3, 125, 6, 2],
  [2, 64, 15, 5],
  [3, 343, 12, 4],
  [2, 27, 512, 16],
  [1, 2197, 20, 4],
  [1, 4913, 8, 4],
  [1, 4913, 6, 2],
  [8, 4096, 8, 4],
];

function caseOf([samples, voxels, channels, groups]: [number, number, number, number], silu: boolean): GroupNormCase {
  return { samples, voxels, channels, groups, eps: 1e-5, silu };
}

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((max, value) => Math.max(max, Math.abs(value)), 0);

describe.each(STORED)("groupNorm in %s", (dtype) => {
  needsStored(dtype);

  for (const silu of [false, true]) {
    it.each(SHAPES)(
      `and its gradients follow the twin, SiLU ${silu}: %d x %d voxels x %d channels, %d groups`,
      async (...shape) => {
        const c = caseOf(shape, silu);
        const data = dataOf(c, 0.5, dtype);
        const withAddend = shape[1] % 2 === 1;
        const result = await run(c, data, withAddend, {}, dtype);
        const exact = twin(c, data.x, data.gamma, data.beta);
        const grads = gradTwin(c, data.x, data.gamma, data.beta, data.gradY);

        const width = c.channels / c.groups;
        const channelOf = (at: number) => at % c.channels;
        const groupAt = (at: number) =>
          Math.floor(at / (c.voxels * c.channels)) * c.groups + Math.floor(channelOf(at) / width);
        const mean = (at: number) => exact.stats[2 * groupAt(at)]!;
        const rstd = (at: number) => exact.stats[2 * groupAt(at) + 1]!;
        // The mean and the deviation are right to a few roundings of values of size |x|; so is the normalised value to
        // that, relative to the deviation.
        const sizeOfX = largest(data.x);
        expectClose(
          result.stats,
          exact.stats,
          exact.stats.map((value, i) =>
            i % 2 === 0 ? 8 * EPS * sizeOfX : 16 * EPS * value * (1 + EPS * sizeOfX * value),
          ),
          "stats",
        );
        const normalError = (at: number) => EPS * (16 * sizeOfX * rstd(at) + 8);
        const scale = (at: number) => Math.abs(data.gamma[channelOf(at)]!);
        const yError = exact.y.map((y, at) => {
          return (
            scale(at) * 1.1 * normalError(at) + 16 * EPS * (Math.abs(y) + Math.abs(data.beta[channelOf(at)]!) + 0.3)
          );
        });
        expectClose(result.y, exact.y, storedTolerance(dtype, exact.y, yError), "y");

        // Every term of gradX is at most gradY * gamma * (1 + n^2) rstd, where n is bounded by the largest.
        const n = Float64Array.from(data.x, (value, at) => (value - mean(at)) * rstd(at));
        const sizeOfTerm = largest(data.gradY) * largest(data.gamma) * (1 + largest(n) ** 2);
        const expected = withAddend ? grads.gradX.map((value, at) => value + data.addend[at]!) : grads.gradX;
        const gradError = expected.map((_, at) => 4 * normalError(at) * rstd(at) * sizeOfTerm);
        expectClose(result.gradX, expected, storedTolerance(dtype, expected, gradError), "gradX");
        const terms = c.samples * c.voxels;
        const sumError =
          4 * Math.sqrt(terms) * (1 + largest(n)) * largest(data.gradY) * largest(n.map((_, at) => normalError(at)));
        expectClose(
          result.gradGamma,
          grads.gradGamma.map((g) => g + 1),
          sumError + 4 * EPS,
          "gradGamma",
        );
        expectClose(
          result.gradBeta,
          grads.gradBeta.map((g) => g - 2),
          sumError + 8 * EPS,
          "gradBeta",
        );
        if (c.voxels > 1) expect(relativeError(result.gradX, expected)).toBeLessThan(dtype === "f16" ? 2 ** -11 : 2e-6);
      },
    );
  }
});

describe("groupNorm", () => {
  it("keeps the deviation of values far from zero", async () => {
    const c = caseOf([2, 1000, 8, 4], false);
    const data = dataOf(c, 4000);
    const { stats, y } = await run(c, data);
    const exact = twin(c, data.x, data.gamma, data.beta);
    const rstds = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => i % 2 === 1);
    // E[x^2] - m^2 would be wrong by 4000^2 * EPS = 1, a quarter of the variance.
    expect(relativeError(rstds(stats), rstds(exact.stats))).toBeLessThan(1e-5);
    expect(relativeError(y, exact.y)).toBeLessThan(3e-4);
  });

  it("gives beta for a constant input", async () => {
    const c = caseOf([1, 100, 8, 2], false);
    const data = { ...dataOf(c), x: new Float32Array(800).fill(3) };
    const { y, stats } = await run(c, data);
    expectClose(
      y,
      Float64Array.from(y, (_, i) => data.beta[i % 8]!),
      1e-6,
    );
    expectClose(stats, [3, 1e5 ** 0.5, 3, 1e5 ** 0.5], 1e-3);
  });

  it.each(Object.entries(ADAPTERS))(
    "merges runs of several levels when the grid is large, the adapter %s",
    async (_, caps) => {
      const c = caseOf([1, 64 * 64 * 17 + 3, 4, 2], true);
      const data = dataOf(c);
      const result = await run(c, data, false, caps);
      const exact = twin(c, data.x, data.gamma, data.beta);
      const grads = gradTwin(c, data.x, data.gamma, data.beta, data.gradY);
      expect(relativeError(result.y, exact.y)).toBeLessThan(1e-6);
      expect(relativeError(result.gradX, grads.gradX)).toBeLessThan(1e-6);
      expect(
        relativeError(
          result.gradGamma,
          grads.gradGamma.map((g) => g + 1),
        ),
      ).toBeLessThan(1e-5);
      expect(
        relativeError(
          result.gradBeta,
          grads.gradBeta.map((g) => g - 2),
        ),
      ).toBeLessThan(1e-5);
    },
  );

  it("repeats bitwise", async () => {
    const c = caseOf([3, 343, 12, 4], true);
    expect(await run(c, dataOf(c))).toEqual(await run(c, dataOf(c)));
  });

  it.each([false, true])("has a twin whose gradients are those of central differences, SiLU %s", (silu) => {
    const c = caseOf([2, 5, 6, 2], silu);
    const { x, gamma, beta, gradY } = dataOf(c);
    const exact = gradTwin(c, x, gamma, beta, gradY);
    const loss = (of: { x?: Float64Array; gamma?: Float64Array; beta?: Float64Array }) =>
      innerProduct(twin(c, of.x ?? x, of.gamma ?? gamma, of.beta ?? beta).y, gradY);
    expectClose(
      exact.gradX,
      centralDifferences((v) => loss({ x: v }), x),
      1e-7,
      "gradX",
    );
    expectClose(
      exact.gradGamma,
      centralDifferences((v) => loss({ gamma: v }), gamma),
      1e-7,
      "gradGamma",
    );
    expectClose(
      exact.gradBeta,
      centralDifferences((v) => loss({ beta: v }), beta),
      1e-7,
      "gradBeta",
    );
  });

  it("refuses groups that do not divide the channels", async () => {
    const c = { ...caseOf([1, 8, 6, 2], false), groups: 4 };
    await expect(run(c, dataOf(c))).rejects.toMatchObject({
      code: "bad-shape",
      message: expect.stringContaining("4 groups"),
    });
  });
});
