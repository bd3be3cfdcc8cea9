import { requireArray, requireMethod } from "../check.ts";
import { type AxisAngle, axisAngle } from "../equivariance/axisAngle.ts";
import type { Rotation } from "../equivariance/groups.ts";
import { VoxtwirlError } from "../errors.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { FeatureTally, LayerSimilarity } from "./featureTally.ts";

/** A layer as a model has it. */
export interface LatentLayer {
  readonly name: string;
  /** Voxels along an edge of its map: which level it is of. Null where it is no map. */
  readonly size: number | null;
  readonly channels: number;
}

/** The similarities of a layer after training and before. */
export interface LatentSimilarity extends LatentLayer {
  readonly trained: LayerSimilarity;
  /** The same of the network at its initial weights. */
  readonly initial: LayerSimilarity;
}

/** How alike the hidden features of a model stay under rotation; numbers that are not known are NaN (null in JSON). */
export interface LatentResult {
  readonly samples: number;
  /** In the order of `byRotation`; the identity first. */
  readonly rotations: readonly AxisAngle[];
  /** In the order in which the model computes them. */
  readonly layers: readonly LatentSimilarity[];
}

/** Measures the features of a model's layers sample by sample, for as long as somebody wants. */
export interface LatentMeasurer {
  /**
   * Adds one of the samples.
   *
   * @throws VoxtwirlError "not-finite" where a feature is not, "aborted" where the signal is: the sample does not count
   */
  add(this: void, index: number, signal?: AbortSignal): Promise<void>;
  /** Of the samples so far. */
  result(this: void): LatentResult;
  /** Frees all that was made. */
  destroy(this: void): void;
}

/** Who may stop a measurement, and who hears how far it is. */
export interface MeasureLatentsOptions {
  /** Stops between rotations. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each sample with how many are done, and of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Adds samples one after another until all are done or the signal says stop.
 *
 * @param indices which samples
 * @returns what is known then; `interrupted` where that is not all
 * @throws VoxtwirlError "aborted" where nothing is known yet, "no-data" without indices
 */
export async function measureLatents(
  measurer: LatentMeasurer,
  indices: readonly number[],
  options: MeasureLatentsOptions = {},
): Promise<LatentResult & { readonly interrupted: boolean }> {
  requireMethod("measurer", measurer, "add", "Give what voxelLatents, or another task's latents, resolved to.");
  requireArray("indices", indices, "Give the numbers of the samples: [0, 1, 2].");
  const { signal, onProgress } = options;
  let done = 0;
  try {
    for (const index of indices) {
      await measurer.add(index, signal);
      done++;
      onProgress?.(done, indices.length);
    }
  } catch (error) {
    if (!(error instanceof VoxtwirlError) || error.code !== "aborted" || done === 0) throw error;
  }
  return { ...measurer.result(), interrupted: done < indices.length };
}

/** The result of two tallies of the same layers, rotations and samples. */
export function latentResult(
  layers: readonly LatentLayer[],
  rotations: readonly Rotation[],
  tallies: { readonly trained: FeatureTally; readonly initial: FeatureTally },
): LatentResult {
  const [trained, initial] = [tallies.trained.result(), tallies.initial.result()];
  return {
    samples: tallies.trained.samples,
    rotations: rotations.map(axisAngle),
    layers: layers.map(({ name, size, channels }, i) => ({
      ...{ name, size, channels, trained: trained[i]!, initial: initial[i]! },
    })),
  };
}
