import { silu, siluSlope } from "./activations.ts";
import { mapped, twin, type Twins } from "./twin.ts";

/** Twin of shaders/groupNorm*.wgsl in float64: arrays of shape [samples, voxels, channels]. */
export interface GroupNormCase {
  samples: number;
  voxels: number;
  channels: number;
  groups: number;
  eps: number;
  silu: boolean;
}

export interface GroupNormResult {
  y: Float64Array;
  /** [samples, groups] of (mean, 1 / standard deviation). */
  stats: Float64Array;
}

/** Calls `visit` with the index of each element of a group and its channel. */
function eachOfGroup(
  c: GroupNormCase,
  sample: number,
  group: number,
  visit: (at: number, channel: number) => void,
): void {
  const width = c.channels / c.groups;
  for (let voxel = 0; voxel < c.voxels; voxel++) {
    for (let channel = group * width; channel < (group + 1) * width; channel++) {
      visit((sample * c.voxels + voxel) * c.channels + channel, channel);
    }
  }
}

export function groupNorm(
  c: GroupNormCase,
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
): GroupNormResult {
  const y = new Float64Array(x.length);
  const stats = new Float64Array(c.samples * c.groups * 2);
  const count = (c.voxels * c.channels) / c.groups;
  for (let sample = 0; sample < c.samples; sample++) {
    for (let group = 0; group < c.groups; group++) {
      let mean = 0;
      eachOfGroup(c, sample, group, (at) => (mean += x[at]! / count));
      let variance = 0;
      eachOfGroup(c, sample, group, (at) => (variance += (x[at]! - mean) ** 2 / count));
      const rstd = 1 / Math.sqrt(variance + c.eps);
      stats.set([mean, rstd], (sample * c.groups + group) * 2);
      eachOfGroup(c, sample, group, (at, channel) => {
        const z = gamma[channel]! * (x[at]! - mean) * rstd + beta[channel]!;
        y[at] = c.silu ? silu(z) : z;
      });
    }
  }
  return { y, stats };
}

export function groupNormGrad(
  c: GroupNormCase,
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  gradY: ArrayLike<number>,
): { gradX: Float64Array; gradGamma: Float64Array; gradBeta: Float64Array } {
  return groupNormGradFrom(c, x, gamma, beta, groupNorm(c, x, gamma, beta).stats, gradY);
}

/** As `groupNormGrad`, with means and inverse deviations that are given. */
function groupNormGradFrom(
  c: GroupNormCase,
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  stats: ArrayLike<number>,
  gradY: ArrayLike<number>,
) {
  const gradX = new Float64Array(x.length);
  const gradGamma = new Float64Array(c.channels);
  const gradBeta = new Float64Array(c.channels);
  const count = (c.voxels * c.channels) / c.groups;
  for (let sample = 0; sample < c.samples; sample++) {
    for (let group = 0; group < c.groups; group++) {
      const [mean, rstd] = [0, 1].map((k) => stats[(sample * c.groups + group) * 2 + k]!) as [number, number];
      const normalised = (at: number) => (x[at]! - mean) * rstd;
      const inner = (at: number, channel: number) =>
        gradY[at]! * (c.silu ? siluSlope(gamma[channel]! * normalised(at) + beta[channel]!) : 1);
      let a = 0;
      let b = 0;
      eachOfGroup(c, sample, group, (at, channel) => {
        const u = inner(at, channel);
        gradBeta[channel]! += u;
        gradGamma[channel]! += u * normalised(at);
        a += (gamma[channel]! * u) / count;
        b += (gamma[channel]! * u * normalised(at)) / count;
      });
      eachOfGroup(c, sample, group, (at, channel) => {
        gradX[at] = rstd * (gamma[channel]! * inner(at, channel) - a - normalised(at) * b);
      });
    }
  }
  return { gradX, gradGamma, gradBeta };
}

type Sizes = "samples" | "voxels" | "channels" | "groups" | "silu";

const caseOf = ({ silu, ...sizes }: Readonly<Record<Sizes, number>>): GroupNormCase => {
  return { ...sizes, silu: silu === 1, eps: 1e-5 };
};

export const twins: Twins = {
  groupNorm: twin<"x" | "gamma" | "beta", Sizes>(({ x, gamma, beta }, shape) => {
    return { ...groupNorm(caseOf(shape), x, gamma, beta) };
  }),
  groupNormGrad: twin<"x" | "gamma" | "beta" | "stats" | "gradY" | "gradGamma" | "gradBeta", Sizes>((t, shape) => {
    const { gradX, gradGamma, gradBeta } = groupNormGradFrom(caseOf(shape), t.x, t.gamma, t.beta, t.stats, t.gradY);
    return {
      gradX,
      gradGamma: mapped(gradGamma, (value, i) => t.gradGamma[i]! + value),
      gradBeta: mapped(gradBeta, (value, i) => t.gradBeta[i]! + value),
    };
  }),
};
