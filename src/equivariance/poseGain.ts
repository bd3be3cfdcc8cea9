import { requireArray, requireRandom } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Random } from "../random.ts";
import { ratioOfSums } from "./estimators.ts";
import { poseResult, requirePoses, type PoseSums } from "./poseEstimator.ts";

/** Errors of one sample's averages over K poses, for each K asked for. */
export interface PoseAverages {
  /** |average over K poses of E_noise f - y|^2: what noise is left in the averages is estimated and taken away. */
  readonly still: readonly number[];
  /** |average of K predictions - y|^2, one of each pose with its own noise. */
  readonly noisy: readonly number[];
}

/** The share of lossTotalPose, in percent, that averaging predictions of K poses takes away. */
export interface PoseGain {
  /** K */
  readonly count: number;
  /** By the poses alone, on one half of the samples, from averages that were really made. */
  readonly percentGainPose: number;
  readonly percentGainPoseStdErr: number;
  /** What percentPose of the other half leads one to expect: percentPose (1 - 1/K). */
  readonly percentPredictedPose: number;
  readonly percentPredictedPoseStdErr: number;
  /** Poses and fresh noises together, on the first half. */
  readonly percentGainNoisyPose: number;
  readonly percentGainNoisyPoseStdErr: number;
}

const GIVE_COUNTS = "Give how many poses are averaged: [1, 2, 4].";

/**
 * Averages over as many disjoint sets of K poses as there are, drawn at random. With m_i the mean of pose i over its J
 * noises and W_i the variance within, |average of K m_i - y|^2 exceeds that of E_noise f by sum of W_i / (J K^2).
 *
 * @param predictions [rotations, noises, ...], rotated back
 */
export function poseAverages(
  predictions: ArrayLike<number>,
  target: ArrayLike<number>,
  draws: { rotations: number; noises: number },
  counts: readonly number[],
  random: Random,
): PoseAverages {
  requirePoses(predictions, target, draws);
  requireArray("counts", counts, GIVE_COUNTS);
  requireRandom(random);
  const { rotations, noises } = draws;
  const elements = target.length;
  if (predictions.length !== rotations * noises * elements) {
    const message = `${predictions.length} numbers are not ${rotations} by ${noises} grids of ${elements}`;
    throw new VoxtwirlError("bad-shape", message, "Give every grid the target's shape.");
  }
  const order = random.shuffle(Uint32Array.from({ length: rotations }, (_, i) => i));
  const value = (i: number, j: number, e: number) => predictions[(i * noises + j) * elements + e]!;
  const still: number[] = [];
  const noisy: number[] = [];
  const sums = new Float64Array(noises);
  for (const count of counts) {
    const sets = Math.floor(rotations / count);
    let [stillError, noisyError] = [0, 0];
    for (let set = 0; set < sets; set++) {
      const poses = order.subarray(set * count, (set + 1) * count);
      for (let e = 0; e < elements; e++) {
        const y = target[e]!;
        let within = 0;
        sums.fill(0);
        for (const i of poses) {
          let mean = 0;
          for (let j = 0; j < noises; j++) {
            sums[j]! += value(i, j, e);
            mean += value(i, j, e) / noises;
          }
          for (let j = 0; j < noises; j++) within += (value(i, j, e) - mean) ** 2 / (noises - 1);
        }
        let average = 0;
        for (const sum of sums) {
          average += sum / (count * noises);
          noisyError += (sum / count - y) ** 2 / noises;
        }
        stillError += (average - y) ** 2 - within / (noises * count * count);
      }
    }
    still.push(stillError / sets);
    noisy.push(noisyError / sets);
  }
  return { still, noisy };
}

/**
 * The gain of averaging K poses on every second sample, beside the gain that the other samples predict. Poses are
 * independent draws, so it is p (1 - 1/K), p the share of the pose. Every pose has fresh noise here, and averaging
 * predictions averages that too: the gain of both is given beside, and is no property of the pose.
 *
 * @param averages of each sample for each of `counts`, whose first is 1
 * @returns nothing with fewer than four samples
 */
export function poseGains(
  sums: readonly PoseSums[],
  averages: readonly PoseAverages[],
  counts: readonly number[],
): PoseGain[] {
  requireArray("sums", sums, "Give sums of samples: see poseSums.");
  requireArray("averages", averages, "Give averages of samples: see poseAverages.");
  requireArray("counts", counts, GIVE_COUNTS);
  if (sums.length < 4) return [];
  const { percentPose, percentPoseStdErr } = poseResult(
    sums.filter((_, i) => i % 2 === 0),
    1,
  );
  const others = averages.filter((_, i) => i % 2 === 1);
  const totals = sums.filter((_, i) => i % 2 === 1).map(({ total }) => total);
  return counts.map((count, k) => {
    const gain = (of: keyof PoseAverages) =>
      ratioOfSums(
        others.map((errors) => errors[of][0]! - errors[of][k]!),
        totals,
      );
    const [still, noisy] = [gain("still"), gain("noisy")];
    const factor = 1 - 1 / count;
    return {
      count,
      percentGainPose: 100 * still.value,
      percentGainPoseStdErr: 100 * still.stdErr,
      percentPredictedPose: factor * percentPose,
      percentPredictedPoseStdErr: factor * percentPoseStdErr,
      percentGainNoisyPose: 100 * noisy.value,
      percentGainNoisyPoseStdErr: 100 * noisy.stdErr,
    };
  });
}
