/** What models are measured on: crops of held-out chains, between noise and data. */
import { rotatePoints } from "../../equivariance/groups.ts";
import { haarRotation } from "../../equivariance/rotations.ts";
import { centred } from "../../molecules/molecule.ts";
import { cropWindow } from "../../proteins/packing.ts";
import { Random } from "../../random.ts";
import type { FlowConfig } from "./flowConfig.ts";
import type { PackedBackbones } from "./packFlow.ts";

/** Quarters of the time that each chain is measured in. */
export const QUARTERS = 4;

/** A crop of a chain at a time. Coordinates are in nm, [n, 3]. */
export interface FlowSample {
  readonly residues: number;
  /** In [0, 1): 0 is noise, 1 is data. */
  readonly time: number;
  /** x_t, centred. */
  readonly x: Float64Array;
  /** x_1, centred. */
  readonly target: Float64Array;
  /** Residues, counted from 0, behind which the chain breaks. */
  readonly breaks: readonly number[];
  /** Whether the network is told what it says without being told. */
  readonly selfConditioned: boolean;
  /** Of training's times so many are in this quarter. */
  readonly weight: number;
}

/**
 * The samples of the chain at a place: a crop of it in a random pose, with noise of its own at a time of each quarter,
 * drawn from training's times there. Half of all are self-conditioned: of each chain two, of two chains one in each
 * quarter.
 *
 * @param seed all follows from it and the place alone
 */
export function flowSamples(
  { positions, breaks, offsets }: PackedBackbones,
  config: Pick<FlowConfig, "crop" | "timeAlpha" | "uniformShare">,
  seed: number,
  index: number,
): FlowSample[] {
  const random = new Random(seed * 65_539 + index);
  const first = offsets[index]!;
  const window = cropWindow(offsets[index + 1]! - first, config.crop, random.next());
  const [from, to] = [first + window.start, first + window.start + window.length];
  const target = rotatePoints(haarRotation(random), centred(positions.subarray(3 * from, 3 * to)));
  const broken = Array.from(breaks.subarray(from, to - 1)).flatMap((one, i) => (one === 1 ? [i] : []));
  return Array.from({ length: QUARTERS }, (_, quarter) => {
    const [low, high] = [quarter, quarter + 1].map((edge) => timesBelow(config, edge / QUARTERS)) as [number, number];
    const time = timeOf(config, low + random.next() * (high - low));
    const noise = centred(Float64Array.from(target, () => random.normal()));
    return {
      residues: window.length,
      time,
      x: target.map((one, at) => (1 - time) * noise[at]! + time * one),
      target,
      breaks: broken,
      selfConditioned: (index + quarter) % 2 === 0,
      weight: high - low,
    };
  });
}

/** Of these the one of the last quarter, where most of training's times are. */
export const lateSample = (...of: Parameters<typeof flowSamples>): FlowSample => flowSamples(...of)[QUARTERS - 1]!;

type Times = Pick<FlowConfig, "timeAlpha" | "uniformShare">;

/** The share of training's times below t. */
const timesBelow = ({ timeAlpha, uniformShare }: Times, t: number): number =>
  uniformShare * t + (1 - uniformShare) * t ** timeAlpha;

/** The time, as float32 has it, below which such a share of training's times is: by bisection. */
function timeOf(times: Times, share: number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (timesBelow(times, middle) < share) low = middle;
    else high = middle;
  }
  // 1 is no time of training's.
  return Math.min(Math.fround(low), 1 - 2 ** -24);
}
