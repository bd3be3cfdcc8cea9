// Sampling with fields whose answer is known: what comes out has the distribution that it has to have. Tolerances are
// four standard errors of the samples, and where steps are of finite length what is known to be off by that.
import { beforeAll, describe, expect, it } from "vitest";
import { threads1d } from "../../../src/kernels/threads.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { centre } from "../../../src/reference/flow.ts";
import { chainNoise } from "../../../src/reference/flowStep.ts";
import { FlowPaths, type EndpointField } from "../../../src/tasks/flow/flowPaths.ts";
import { samplingTimes, stepCoefficients } from "../../../src/tasks/flow/samplingSchedule.ts";
import { testGpu } from "../../harness.ts";
import mixtureShader from "./mixture.wgsl";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Two Gaussians of centred chains. */
interface Mixture {
  readonly shares: readonly [number, number];
  readonly deviations: readonly [number, number];
  /** [n, 3] each, centred. */
  readonly means: readonly [readonly number[], readonly number[]];
}

/** Its exact endpoints. */
function exactField({ shares, deviations, means }: Mixture): EndpointField {
  const parts = [0, 1].flatMap((k) => [Math.log(shares[k]!), deviations[k]! ** 2]);
  const [partsView, meansView] = [parts, means.flat()].map((v) => gpu.upload("mixture", Float32Array.from(v)));
  return {
    append(graph, { x, times }) {
      const [chains, side] = x.shape as [number, number];
      const y = graph.scratch("endpoints", x.shape);
      graph.dispatch({
        label: "mixture",
        shader: mixtureShader,
        constants: {},
        params: { chains, side },
        bindings: {
          ...{ x, times, y },
          parts: graph.external("parts", [2, 2], partsView!),
          means: graph.external("means", [2, side, 3], meansView!),
        },
        workgroups: threads1d(chains * side),
        flops: 0,
        bytes: 1,
      });
      return y;
    },
  };
}

const SEED = 11;

/** Chains after all steps, [chains, n, 3]. */
async function sampled(mixture: Mixture, chains: number, steps: number, eta: number): Promise<Float32Array> {
  const side = mixture.means[0].length / 3;
  const field = exactField(mixture);
  const paths = await FlowPaths.create(gpu, { chains, side, field, precision: "f32", seed: SEED, eta });
  const numbers = Array.from({ length: chains }, (_, i) => i);
  paths.start(numbers, new Float32Array(chains * side).fill(1));
  const times = samplingTimes(steps);
  for (let index = 0; index < steps; index++) paths.step({ index, t: times[index]!, next: times[index + 1]! });
  const { x } = await paths.read();
  paths.destroy();
  return x;
}

/** Mean and variance, and the standard error of both. */
function moments(values: readonly number[]) {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const power = (p: number) => values.reduce((sum, v) => sum + (v - mean) ** p, 0) / n;
  const variance = power(2);
  return {
    mean,
    variance,
    meanError: Math.sqrt(variance / n),
    varianceError: Math.sqrt((power(4) - variance ** 2) / n),
  };
}

describe("a mixture of two Gaussians, of pairs of residues", () => {
  // The directions of centred pairs: (x_1 - x_2) / sqrt(2).
  const centres = [
    [1.2, 0, 0],
    [-0.4, 0.6, 0],
  ] as const;
  const pair = (c: readonly number[]) => [...c.map((v) => v / Math.SQRT2), ...c.map((v) => -v / Math.SQRT2)];
  const mixture: Mixture = {
    shares: [0.3, 0.7],
    deviations: [0.3, 0.5],
    means: [pair(centres[0]), pair(centres[1])],
  };
  const mean = (f: (k: 0 | 1) => number) => mixture.shares[0] * f(0) + mixture.shares[1] * f(1);
  const wantMean = [0, 1, 2].map((a) => mean((k) => centres[k][a]!));
  const wantProduct = (a: number, b: number) =>
    mean((k) => (a === b ? mixture.deviations[k] ** 2 : 0) + centres[k][a]! * centres[k][b]!) -
    wantMean[a]! * wantMean[b]!;

  it.each([
    // Of the steps' length: they are Euler's. With 400 it is a third of that.
    [0, 0.025],
    [1, 0.012],
  ])("with eta %d, means and covariances are those of the mixture", async (eta, steps) => {
    const chains = 1024;
    const x = await sampled(mixture, chains, 150, eta);
    const w = [0, 1, 2].map((a) =>
      Array.from({ length: chains }, (_, c) => (x[6 * c + a]! - x[6 * c + 3 + a]!) / Math.SQRT2),
    );
    for (const a of [0, 1, 2]) {
      const found = moments(w[a]!);
      expect(Math.abs(found.mean - wantMean[a]!), `mean ${a}`).toBeLessThan(4 * found.meanError);
      for (let b = 0; b <= a; b++) {
        const products = w[a]!.map((v, c) => (v - wantMean[a]!) * (w[b]![c]! - wantMean[b]!));
        const { mean: product, meanError } = moments(products);
        expect(Math.abs(product - wantProduct(a, b)), `covariance ${a} ${b}`).toBeLessThan(4 * meanError + steps);
      }
    }
    // Both are there, in their shares: one Gaussian of the same covariance would have 41 % beyond 0.27.
    const first = w[0]!.filter((v) => v > 0.6).length / chains;
    const tail = (k: 0 | 1) => normalTail((0.6 - centres[k][0]) / mixture.deviations[k]);
    const share = mean(tail);
    expect(Math.abs(first - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / chains) + steps);
  });
});

/** The share of a standard normal distribution above z, by Simpson's rule. */
function normalTail(z: number): number {
  const [steps, end] = [400, 8];
  const h = (end - z) / steps;
  const density = (v: number) => Math.exp(-0.5 * v * v) / Math.sqrt(2 * Math.PI);
  let sum = density(z) + density(end);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * density(z + i * h);
  return (sum * h) / 3;
}

describe("one Gaussian, whose steps are linear", () => {
  const residues = 8;
  const pattern = Array.from({ length: 3 * residues }, (_, at) => Math.cos(at * at));
  const mean = Array.from(centre({ chains: 1, side: residues }, pattern, new Float32Array(residues).fill(1)));
  const deviation = 0.4;
  const gaussian: Mixture = { shares: [0.5, 0.5], deviations: [deviation, deviation], means: [mean, mean] };
  /** y = mean + pull (x - t mean) */
  const pull = (t: number) => (t * deviation ** 2) / (t * t * deviation ** 2 + (1 - t) ** 2);

  /** What mean (as a multiple of the mean) and variance become. */
  function recursion(steps: number, eta: number) {
    const times = samplingTimes(steps);
    let [m, v] = [0, 1];
    for (let k = 0; k < steps; k++) {
      const [p, q, r] = stepCoefficients(times[k]!, times[k + 1]!, eta);
      const c = pull(times[k]!);
      m = (p + q * c) * m + q * (1 - c * times[k]!);
      v = (p + q * c) ** 2 * v + r * r;
    }
    return { m, v };
  }

  it.each([
    [0, 100],
    [0.45, 100],
    [1, 100],
  ])("with eta %d, mean and variance are those of the exact recursion", async (eta, steps) => {
    const chains = 256;
    const x = await sampled(gaussian, chains, steps, eta);
    const { m, v } = recursion(steps, eta);
    // Of n residues of a centred chain with variance v in each direction: v (1 - 1 / n) along an axis.
    const directions = 3 * (residues - 1) * chains;
    const squares = x.reduce((sum, value, at) => sum + (value - m * mean[at % mean.length]!) ** 2, 0);
    expect(Math.abs(squares / directions / v - 1)).toBeLessThan(4 * Math.sqrt(2 / directions));
    const along = x.reduce((sum, value, at) => sum + value * mean[at % mean.length]!, 0) / chains;
    const length = mean.reduce((sum, value) => sum + value * value, 0);
    expect(Math.abs(along / length - m)).toBeLessThan(4 * Math.sqrt(v / length / chains));
    expect(m).toBeCloseTo(1, 2);
    // Less noise than keeps the distribution makes it narrower, and more than the errors can hide.
    const ratio = v / deviation ** 2;
    if (eta === 0.45) expect(ratio).toBeLessThan(0.85);
    else expect(Math.abs(ratio - 1)).toBeLessThan(0.08);
  });

  it("each chain takes the path that the float64 twin takes", async () => {
    const [chains, steps, eta] = [3, 30, 0.45];
    const x = await sampled(gaussian, chains, steps, eta);
    const sizes = { chains, side: residues };
    const all = new Float32Array(chains * residues).fill(1);
    const noise = (stream: number, step: number) =>
      chainNoise(sizes, [0, 1, 2], stream, { seedLo: SEED, seedHi: 0, step, sample: 0 });
    const times = samplingTimes(steps);
    let want = centre(sizes, noise(4096, 0), all);
    for (let k = 0; k < steps; k++) {
      const [p, q, r] = stepCoefficients(times[k]!, times[k + 1]!, eta);
      const [t, c, n] = [times[k]!, pull(times[k]!), noise(4097, k)];
      const moved = want.map((value, at) => {
        const own = mean[at % mean.length]!;
        return p * value + q * (own + c * (value - t * own)) + r * n[at]!;
      });
      want = centre(sizes, moved, all);
    }
    x.forEach((value, at) => expect(Math.abs(value - want[at]!), `${at}`).toBeLessThan(2e-4));
  });
});
