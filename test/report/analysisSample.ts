import type { Curvature } from "../../src/analysis/curvature.ts";
import type { SpectralDensity } from "../../src/analysis/density.ts";
import type { TermGradients } from "../../src/analysis/gradients.ts";
import type { AnalysisResults } from "../../src/analysis/results.ts";
import type { SliceDirection, TermSlices } from "../../src/analysis/termSlices.ts";
import { axisAngle } from "../../src/equivariance/axisAngle.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";

const gradientsOf = (size: number): TermGradients => ({
  total: { norm: 3 * size, normStdErr: 0.2 * size },
  mean: { norm: 2.5 * size, normStdErr: 0.4 * size },
  equiv: { norm: size, normStdErr: 0.1 * size },
  ...{ cosineMeanEquiv: 0.25, cosineMeanEquivStdErr: 0.05 },
  ...{ percentGradient: 33.3, percentGradientStdErr: 1.5 },
});

const density: SpectralDensity = {
  axis: [-0.1, 0, 0.1, 0.2, 0.3],
  values: [1e-3, 9, 1e-2, 1e-12, 1e-3],
  stdErrs: [2e-3, 1, 5e-3, 0, 5e-4],
  ...{ smoothing: 0.01, probes: 3 },
};

const curvatureOf = (size: number): Curvature => ({
  ...{ lambdaMax: 4 * size, lambdaMaxResidual: 0.01 * size, lambdaMaxBound: 0.01 * size },
  ...{ lambdaMaxStepError: 1e-5 * size, productStepError: 2e-4 },
  lambdas: [
    { k: 2, value: 3 * size, residual: 0.02 * size, maxOverLambda: 4 / 3 },
    { k: 5, value: size, residual: 0.1 * size, maxOverLambda: 4 },
  ],
  ...{ lambdaMin: -0.125 * size, lambdaMinBound: 0.01 * size },
  ...{ trace: 20 * size, traceStdErr: 2 * size, traceOverMax: 5 },
  ...{ negativeShare: 0.02, negativeShareStdErr: 0.01 },
  ...{ density, vectors: [], products: 40, gradients: 80, interrupted: false },
});

const similarity = (mean: number) => ({ cosine: { mean, stdErr: 0.02 }, centred: { mean: mean - 0.1, stdErr: 0.03 } });
const similar = (mean: number) => {
  return { ...similarity(mean), samples: 4, byRotation: octahedralMatrices.map(() => similarity(mean)) };
};

const POINTS = [0, 0.125, 0.25, 0.5, 1];

/** L_equiv = 0.004 s^2 + offset; a fit that holds up to s = 0.25. */
function parameters(offset: number): NonNullable<AnalysisResults["parameters"]> {
  const equiv = (s: number) => offset + 0.004 * s * s;
  const kernels = { weights: 700, norm: 5, perpendicular: 3, ratio: 0.6, randomRatio: 0.923 };
  return {
    norms: {
      ...kernels,
      untouched: { weights: 30, norm: 1 },
      byLayer: [
        { layer: "conv <in>", edge: 3, ...kernels },
        { layer: "shortcut", edge: 1, ...kernels, perpendicular: 0, ratio: 0, randomRatio: 0 },
      ],
    },
    line: POINTS.map((s) => ({
      ...{ s, lossTotal: 0.01 + equiv(s), lossTotalStdErr: 1e-3, lossMean: 0.01, lossMeanStdErr: 1e-3 },
      ...{ lossEquiv: equiv(s), lossEquivStdErr: equiv(s) / 10, lossZero: 0.02 },
      ...{ percentEquiv: (100 * equiv(s)) / (0.01 + equiv(s)), percentEquivStdErr: 0.1 },
    })),
    fit: {
      ...{ exact: offset === 0, offset, slope: offset === 0 ? 0 : 1e-4, curvature: 4e-3, curvatureStdErr: 4e-4 },
      ...{ curvatureChange: 1e-5, tolerance: 0.1, fitted: POINTS.map(equiv), holdsTo: 0.25, failsAt: 0.5 },
    },
    ...{ samples: 4, rotations: 24, interrupted: false },
  };
}

/** All four analyses of a net of two layers. */
export function sampleAnalysis({ offset = 0 } = {}): Required<Omit<AnalysisResults, "slices">> {
  return {
    gradients: {
      ...gradientsOf(1e-2),
      ...{ percentEquiv: 12.3, percentEquivStdErr: 0.8, samples: 4, rotations: 24, parts: 4, interrupted: false },
      byLayer: [
        { layer: "conv <in>", weights: 1000, ...gradientsOf(1e-3) },
        { layer: "final", weights: 234, ...gradientsOf(1e-5) },
      ],
    },
    landscape: {
      ...{ total: curvatureOf(1), mean: curvatureOf(0.8), equiv: curvatureOf(0.02) },
      ...{ matrix: "hessian", samples: 2, rotations: 24, interrupted: false },
    },
    parameters: parameters(offset),
    latents: {
      ...{ samples: 4, rotations: octahedralMatrices.map(axisAngle), interrupted: false },
      layers: ["down.0", "final"].map((name, i) => ({
        ...{ name, size: 16 >> i, channels: 8 },
        trained: { rotated: similar(0.8 - 0.2 * i), others: similar(0.3) },
        initial: { rotated: similar(0.2), others: similar(0.1) },
      })),
    },
  };
}

/** L_mean = 0.01 (1 + a^2), L_equiv = 0.002 (1 + a^2 + b^2), a the first step and b the second. */
export function sampleSlices(): TermSlices {
  const steps = [-1, 0, 1];
  const point = (at: readonly number[]) => {
    const [lossMean, lossEquiv] = [0.01 * (1 + at[0]! ** 2), 2e-3 * (1 + at[0]! ** 2 + (at[1] ?? 0) ** 2)];
    const errors = { lossTotalStdErr: 1e-3, lossMeanStdErr: 1e-3, lossEquivStdErr: 1e-4, percentEquivStdErr: 1 };
    return { at, lossTotal: lossMean + lossEquiv, lossMean, lossEquiv, lossZero: 0.02, percentEquiv: 20, ...errors };
  };
  const line = (direction: SliceDirection) => ({ direction, length: 0.5, points: steps.map((a) => point([a])) });
  return {
    lines: [line("random"), line("mean"), line("equiv")],
    plane: {
      ...{ directions: ["mean", "equiv"], lengths: [0.5, 0.25], cosine: -0.25 },
      points: steps.flatMap((a) => steps.map((b) => point([a, b]))),
    },
    ...{ samples: 2, rotations: 24, interrupted: false },
  };
}
