import { beforeAll, describe, expect, it } from "vitest";
import { gaussNewton, hessian } from "../../../src/analysis/hessian.ts";
import { TERMS } from "../../../src/analysis/lossTerms.ts";
import { decomposeSums } from "../../../src/equivariance/estimators.ts";
import { absoluteError, bregman, crossEntropy, huber, squaredError } from "../../../src/equivariance/losses.ts";
import { drawOctahedral } from "../../../src/equivariance/rotations.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { Random } from "../../../src/random.ts";
import { VoxelEvaluator } from "../../../src/tasks/voxels/voxelEvaluator.ts";
import { VoxelTerms, type VoxelTermsOptions } from "../../../src/tasks/voxels/voxelTerms.ts";
import { testGpu } from "../../harness.ts";
import { clouds } from "./clouds.ts";
import { CHANNELS, convexLoss, GRID, network, parameters, type TwinSample } from "./termsTwin.ts";

const SEED = 11;
const chosen = Uint32Array.of(1, 0);
const options = (more: Partial<VoxelTermsOptions> = {}): VoxelTermsOptions => ({
  molecules: clouds(2, 1, CHANNELS),
  ...{ grid: GRID, channels: CHANNELS, resolution: 1, sigma: 0.3, shift: 0.5, twirl: 24, seed: SEED, chosen },
  streams: { pose: 2, noise: 3 },
  ...{ parameters, network, load: (store) => initialise(store, parameters, 5) },
  ...more,
});

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const along = (w: Float64Array, v: Float64Array, h: number) => w.map((value, i) => value + h * v[i]!);
const drawn = (length: number, seed = 3) => {
  const random = new Random(seed);
  return Float64Array.from({ length }, () => random.normal());
};

/** Errors are some 0.3: a delta with numbers on both sides. */
const huberLoss = huber({ delta: 0.25 });

describe("terms of other convex losses", () => {
  let gpu: Gpu;
  let samples: TwinSample[];
  beforeAll(async () => {
    gpu = await testGpu();
    const evaluator = await VoxelEvaluator.create(gpu, options(), (_, x) => x);
    samples = [];
    for (const index of chosen) {
      const { noisy, clean } = await evaluator.sample(index);
      samples.push({ noisy, clean, rotations: drawOctahedral(new Random(SEED + (index + 1) * 2 ** 32), 24) });
    }
    evaluator.destroy();
  });

  it.each([absoluteError, huberLoss])("$name: the losses and gradients of the float64 twin", async (loss) => {
    const terms = await VoxelTerms.create(gpu, options({ loss }));
    const { weights } = terms;
    const found = decomposeSums(await terms.sums(weights), terms.sampling);
    const twin = (term: (typeof TERMS)[number], at = weights) => convexLoss(loss, term, at, samples);
    expect(found.lossTotal / twin("total")).toBeCloseTo(1, 5);
    expect(found.lossMean / twin("mean")).toBeCloseTo(1, 5);
    expect(found.lossEquiv / twin("equiv")).toBeCloseTo(1, 4);
    const single = [0, 331, 662].map((i) => Float64Array.from(weights, (_, j) => (i === j ? 1 : 0)));
    for (const term of TERMS) {
      const gradient = await terms.gradient(term, weights);
      const scale = Math.sqrt(dot(gradient, gradient));
      for (const v of [drawn(weights.length), ...single]) {
        // So small a step that no number crosses a kink.
        const h = 1e-7;
        const expected = (twin(term, along(weights, v, h)) - twin(term, along(weights, v, -h))) / (2 * h);
        expect(Math.abs(dot(gradient, v) - expected)).toBeLessThan(1e-4 * scale * Math.sqrt(dot(v, v)));
      }
    }
    terms.destroy();
  });

  it.each([absoluteError, huberLoss])("$name: the gradient is the slope of the measured terms", async (loss) => {
    const terms = await VoxelTerms.create(gpu, options({ loss }));
    const { weights } = terms;
    const v = drawn(weights.length, 8);
    // Few numbers cross a kink, and rounding stays below the change.
    const h = 1e-4;
    const [plus, minus] = [
      decomposeSums(await terms.sums(along(weights, v, h)), terms.sampling),
      decomposeSums(await terms.sums(along(weights, v, -h)), terms.sampling),
    ];
    for (const [term, name] of [
      ["total", "lossTotal"],
      ["mean", "lossMean"],
      ["equiv", "lossEquiv"],
    ] as const) {
      const gradient = await terms.gradient(term, weights);
      const measured = (plus[name] - minus[name]) / (2 * h);
      expect(Math.abs(measured - dot(gradient, v))).toBeLessThan(5e-3 * Math.sqrt(dot(gradient, gradient)));
    }
    const chunked = await VoxelTerms.create(gpu, options({ loss, chunk: 5 }));
    const [whole, parts] = [await terms.gradient("mean", weights), await chunked.gradient("mean", weights)];
    const scale = Math.sqrt(dot(whole, whole));
    whole.forEach((value, i) => expect(Math.abs(value - parts[i]!)).toBeLessThan(1e-4 * scale));
    expect(await chunked.sums(weights)).toEqual(await terms.sums(weights));
    chunked.destroy();
    terms.destroy();
  });

  it("Huber's with a large delta has half the gradient and Hessian of the squared error", async () => {
    const large = await VoxelTerms.create(gpu, options({ loss: huber({ delta: 1e6 }) }));
    const squared = await VoxelTerms.create(gpu, options());
    const v = drawn(large.weights.length);
    for (const term of TERMS) {
      const pairs = [
        [await large.gradient(term, large.weights), await squared.gradient(term, large.weights)],
        [await hessian(large, term).multiply(v), await hessian(squared, term).multiply(v)],
      ] as const;
      for (const [half, whole] of pairs) {
        const scale = Math.sqrt(dot(whole, whole));
        half.forEach((value, i) => expect(Math.abs(2 * value - whole[i]!)).toBeLessThan(1e-3 * scale));
      }
    }
    large.destroy();
    squared.destroy();
  });

  it("have no curvature where the gradient jumps, and Gauss-Newton's matrix for the squared error only", async () => {
    const absolute = await VoxelTerms.create(gpu, options({ loss: absoluteError }));
    const hubers = await VoxelTerms.create(gpu, options({ loss: huberLoss }));
    const unsupported = expect.objectContaining({ code: "unsupported" }) as unknown;
    expect(() => hessian(absolute, "total")).toThrow(unsupported);
    expect(() => gaussNewton(hubers, "total")).toThrow(unsupported);
    const { weights } = hubers;
    await expect(hubers.gaussNewtonProduct("total", weights, weights)).rejects.toEqual(unsupported);
    absolute.destroy();
    hubers.destroy();
  });

  it("are refused for some of the rotations, and for losses without gradients on voxels", async () => {
    const refused = (more: Partial<VoxelTermsOptions>) => expect(VoxelTerms.create(gpu, options(more))).rejects;
    await refused({ loss: absoluteError, twirl: 12 }).toMatchObject({ code: "bad-option" });
    await refused({ loss: crossEntropy({ classes: 3 }) }).toMatchObject({ code: "unsupported" });
    await refused({ loss: bregman({ phi: Math.exp, gradient: Math.exp }) }).toMatchObject({ code: "unsupported" });
    const hinge = { ...absoluteError, elementwise: { kind: "hinge" as "absolute" } };
    await refused({ loss: hinge }).toMatchObject({ code: "bad-option" });
    const squared = await VoxelTerms.create(gpu, options({ loss: squaredError, twirl: 12 }));
    expect(squared.loss).toBe(squaredError);
    squared.destroy();
  });
});
