import { requireArray, requireObject, requireWhole } from "../../check.ts";
import { requireEta } from "./samplingSchedule.ts";

/** Which chains are to be made, and how. */
export interface SamplingOptions {
  /** Chains; one of each length when left out. */
  readonly count?: number | undefined;
  /** Residues of the chains, which take these in turn; the crop that the model was trained on when left out. */
  readonly lengths?: readonly number[] | undefined;
  /** Steps from noise to data; 400 when left out. */
  readonly steps?: number | undefined;
  /**
   * Noise of a step: 0.45 when left out; 0 for none, the ordinary differential equation. 1 keeps the distribution, less
   * narrows it. Above 0 fewer than 400 steps are too few: the first ones blow up.
   */
  readonly eta?: number | undefined;
  /** Of all noise; 0 when left out. */
  readonly seed?: number | undefined;
  /** Chains at once at most; 8 when left out. */
  readonly batch?: number | undefined;
}

/** The same with nothing left out. */
export interface SamplingPlan {
  /** Residues of each chain. */
  readonly lengths: readonly number[];
  readonly steps: number;
  readonly eta: number;
  readonly seed: number;
  readonly batch: number;
}

/** Chains that are made at once: their places in the plan. */
export interface SamplingBatch {
  readonly numbers: readonly number[];
  /** Residues that each has room for. */
  readonly places: number;
  /** Chains that the plan has room for. */
  readonly chains: number;
}

/** Beyond what attention's pairs have room for on any adapter. */
const LONGEST = 8192;
const MOST_CHAINS = 2 ** 20;
/** Chains whose lengths round up to the same multiple of it are made together. */
const PLACES = 8;

/** @throws VoxtwirlError "bad-option" naming the first value that cannot work */
export function samplingPlan(options: SamplingOptions, crop: number): SamplingPlan {
  requireObject("options", options, "Give { count, lengths, steps, eta, seed }, or {}.");
  const { lengths = [crop], steps = 400, eta = 0.45, seed = 0, batch = 8 } = options;
  requireArray("lengths", lengths, "Give the number of residues of each chain, or of all: [64].");
  requireWhole("the number of lengths", lengths.length, 1, MOST_CHAINS);
  for (const length of lengths) requireWhole("the length of a chain", length, 2, LONGEST);
  const { count = lengths.length } = options;
  requireWhole("count", count, 1, MOST_CHAINS);
  requireWhole("steps", steps, 1, 2 ** 20);
  requireEta(eta);
  requireWhole("seed", seed, 0);
  requireWhole("batch", batch, 1, MOST_CHAINS);
  return { lengths: Array.from({ length: count }, (_, i) => lengths[i % lengths.length]!), steps, eta, seed, batch };
}

/**
 * Chains of about one length together, in their order. How they are cut does not depend on what is done already, so
 * that a resumed sampling makes the same batches.
 */
export function samplingBatches({ lengths, batch }: SamplingPlan): SamplingBatch[] {
  const groups = new Map<number, number[]>();
  lengths.forEach((length, number) => {
    const places = PLACES * Math.ceil(length / PLACES);
    const group = groups.get(places);
    if (group) group.push(number);
    else groups.set(places, [number]);
  });
  return [...groups].flatMap(([places, all]) => {
    const chains = Math.min(batch, all.length);
    const from = Array.from({ length: Math.ceil(all.length / chains) }, (_, i) => i * chains);
    return from.map((at) => ({ numbers: all.slice(at, at + chains), places, chains }));
  });
}
