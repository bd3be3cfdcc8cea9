import { requireArray, requireNumbers, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { ratioOfSums } from "./estimators.ts";

/** Sums of one sample, over the voxels and channels compared. */
export interface PoseSums {
  /** V - W/J, V the variance over rotations of the means over noises, W the mean variance within a rotation. */
  readonly pose: number;
  /** Mean over rotations and noises of |T^-1 f - y|^2. */
  readonly total: number;
  /** |y|^2 */
  readonly zero: number;
  /** V of the clean grids themselves, rotated and back: what interpolation adds to `pose`. */
  readonly floor: number;
  /** Their mean of |T^-1 clean - y|^2. */
  readonly floorTotal: number;
}

/**
 * How much predictions depend on the pose under all rotations. Not the terms of the octahedral measurement: there the
 * noise turns with the molecule, here every pose has fresh noise and only E_noise f is compared.
 */
export interface PoseResult {
  /** Var_T(E_noise T^-1 f(T x)) per voxel and channel; unbiased, so it may be negative. */
  readonly lossPose: number;
  readonly lossPoseStdErr: number;
  /** Mean of |T^-1 f - y|^2 over the same rotations and noises. */
  readonly lossTotalPose: number;
  readonly lossTotalPoseStdErr: number;
  /** 100 lossPose / lossTotalPose. */
  readonly percentPose: number;
  readonly percentPoseStdErr: number;
  /** lossPose of f = identity on clean grids through the same pipeline: its interpolation error. */
  readonly lossPoseFloor: number;
  /** lossTotalPose of the same. */
  readonly lossTotalPoseFloor: number;
  /** 100 lossPoseFloor / lossTotalPose. */
  readonly percentPoseFloor: number;
  /** Loss of predicting zero, over the same voxels. */
  readonly lossZeroPose: number;
}

/** The result from sums of samples, `elements` voxels and channels each; ratios of sums, errors over samples. */
export function poseResult(sums: readonly PoseSums[], elements: number): PoseResult {
  requireArray("sums", sums, "Give sums of samples: see poseSums.");
  if (sums.length === 0) {
    throw new VoxtwirlError("no-data", "there is no sample to average over", "Give at least one molecule.");
  }
  const of = (name: keyof PoseSums) => sums.map((sample) => sample[name]);
  const perElement = sums.map(() => elements);
  const pose = ratioOfSums(of("pose"), perElement);
  const total = ratioOfSums(of("total"), perElement);
  const percent = ratioOfSums(of("pose"), of("total"));
  const floor = ratioOfSums(of("floor"), perElement).value;
  return {
    lossPose: pose.value,
    lossPoseStdErr: pose.stdErr,
    lossTotalPose: total.value,
    lossTotalPoseStdErr: total.stdErr,
    percentPose: 100 * percent.value,
    percentPoseStdErr: 100 * percent.stdErr,
    lossPoseFloor: floor,
    lossTotalPoseFloor: ratioOfSums(of("floorTotal"), perElement).value,
    percentPoseFloor: (100 * floor) / total.value,
    lossZeroPose: ratioOfSums(of("zero"), perElement).value,
  };
}

/**
 * One sample's sums. V - W/J is unbiased for the variance over rotations of the mean over noises: V alone would count
 * the noise left in means of J as lost symmetry.
 *
 * @param predictions [rotations, noises, ...], rotated back; two noises and two rotations or more
 * @param clean [rotations, ...]: the clean grids, rotated back
 * @param target the clean grid itself
 * @throws VoxtwirlError "bad-option" with fewer than two rotations or noises, "bad-shape" when lengths do not fit
 */
export function poseSums(
  predictions: ArrayLike<number>,
  clean: ArrayLike<number>,
  target: ArrayLike<number>,
  draws: { rotations: number; noises: number },
): PoseSums {
  requirePoses(predictions, target, draws);
  requireNumbers("clean", clean);
  const { rotations, noises } = draws;
  if (rotations < 2 || noises < 2) {
    const message = `${rotations} rotations with ${noises} noises each give no variance`;
    throw new VoxtwirlError("bad-option", message, "Use at least two of both.");
  }
  const elements = target.length;
  if (predictions.length !== rotations * noises * elements || clean.length !== rotations * elements) {
    const message =
      `${predictions.length} and ${clean.length} numbers are not ${rotations} by ${noises} and ` +
      `${rotations} grids of ${elements}`;
    throw new VoxtwirlError("bad-shape", message, "Give every grid the target's shape.");
  }
  let pose = 0;
  let total = 0;
  let zero = 0;
  let floor = 0;
  let floorTotal = 0;
  const means = new Float64Array(rotations);
  const cleans = new Float64Array(rotations);
  for (let e = 0; e < elements; e++) {
    const y = target[e]!;
    let within = 0;
    for (let i = 0; i < rotations; i++) {
      let mean = 0;
      for (let j = 0; j < noises; j++) mean += predictions[(i * noises + j) * elements + e]! / noises;
      for (let j = 0; j < noises; j++) {
        const value = predictions[(i * noises + j) * elements + e]!;
        within += (value - mean) ** 2 / (noises - 1);
        total += (value - y) ** 2 / (rotations * noises);
      }
      means[i] = mean;
      cleans[i] = clean[i * elements + e]!;
      floorTotal += (cleans[i]! - y) ** 2 / rotations;
    }
    pose += variance(means) - within / rotations / noises;
    floor += variance(cleans);
    zero += y * y;
  }
  return { pose, total, zero, floor, floorTotal };
}

/** @throws VoxtwirlError "bad-option" unless predictions, target and numbers of draws are given */
export function requirePoses(predictions: unknown, target: unknown, draws: unknown): void {
  requireNumbers("predictions", predictions);
  requireNumbers("target", target);
  requireObject("draws", draws, "Give { rotations, noises }.");
}

/** With divisor n - 1, in two passes. */
function variance(values: Float64Array): number {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  return sum / (values.length - 1);
}
