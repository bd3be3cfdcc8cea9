import { requireArray, requireObject, requireTyped, requireWhole } from "../check.ts";
import { ratioOfSums } from "../equivariance/estimators.ts";
import {
  act,
  inverseRotation,
  requireRotationGroup,
  type Rotation,
  type RotationGroup,
} from "../equivariance/groups.ts";
import type { FloatArray } from "../equivariance/numbers.ts";
import { requireLength, requireRepresentation, type Representation } from "../equivariance/representations.ts";
import { VoxtwirlError } from "../errors.ts";
import { featureCosine, type FeatureCosine } from "./featureCosine.ts";

/** What is known of a layer's features h(x). */
export interface FeatureLayer {
  readonly name: string;
  /** How rotations act on them: a hidden map is a grid; for invariant ones ("scalars") cos(h(x), h(T x)) is taken. */
  readonly how: Representation;
  /** Length of the last axis, over the rest of which the centred cosine takes its means. */
  readonly channels: number;
}

/** A mean over samples and its standard error, which is NaN for fewer than two. */
export interface SampleMean {
  readonly mean: number;
  readonly stdErr: number;
}

/** Means of cosines over samples: see `FeatureCosine`. */
export interface Similarity {
  readonly cosine: SampleMean;
  readonly centred: SampleMean;
}

/** Similarity in the mean over the rotations that are not the identity, and under each. */
export interface RotationSimilarity extends Similarity {
  /** How many samples, or pairs of samples, the means are over. */
  readonly samples: number;
  /** In the order of the rotations. */
  readonly byRotation: readonly Similarity[];
}

/** The similarities of one layer in one network. */
export interface LayerSimilarity {
  /** cos(h(x), T^-1 h(T x)): 1 where the layer is equivariant, its channels being scalars. */
  readonly rotated: RotationSimilarity;
  /**
   * cos(h(x), T^-1 h(T x')) for another sample x': what is alike without being the same. Pairs are the first and second
   * sample, the third and fourth and so on, so that they are independent of each other; NaN without a pair.
   */
  readonly others: RotationSimilarity;
}

/** What is tallied. */
export interface FeatureTallyOptions {
  readonly layers: readonly FeatureLayer[];
  readonly group: RotationGroup;
  /** The identity first. */
  readonly rotations: readonly Rotation[];
}

/** Of one layer by sample: cosines under each rotation. */
interface LayerTally {
  reference: FloatArray | undefined;
  /** That of the sample before, where the present one is compared with it. */
  partner: FloatArray | undefined;
  current: { readonly rotated: FeatureCosine[]; readonly others: FeatureCosine[] };
  readonly rotated: FeatureCosine[][];
  readonly others: FeatureCosine[][];
}

/**
 * Estimates how alike features stay under rotation (arXiv 2512.02303, for hidden voxel maps): the cosine of h(x) and
 * T^-1 h(T x), over all numbers of the layer, in the mean over samples. Samples are the independent units, so errors
 * are over them; the mean over rotations is taken within each sample first.
 *
 * Of each sample it keeps two cosines a layer and rotation; features are kept of the present sample and of the one
 * before, un-rotated.
 *
 * ```ts
 * const tally = new FeatureTally({ layers: [{ name: "h", how: { kind: "scalars" }, channels: 8 }], group, rotations });
 * for (const x of samples) {
 *   tally.begin();
 *   rotations.forEach((rotation, k) => tally.add(0, k, features(rotate(rotation, x))));
 *   tally.end();
 * }
 * console.log(tally.result()[0].rotated.cosine);
 * ```
 */
export class FeatureTally {
  readonly #options: FeatureTallyOptions;
  readonly #layers: readonly LayerTally[];
  /** Of the samples so far. */
  #samples = 0;

  constructor(options: FeatureTallyOptions) {
    requireObject("options", options, "Give { layers, group, rotations }.");
    requireArray("layers", options.layers, "Give [{ name, how, channels }].");
    requireArray("rotations", options.rotations, "Give matrices, the identity first: octahedral().enumerate().");
    for (const { name, how, channels } of options.layers) {
      requireRepresentation(`how of '${name}'`, how);
      requireWhole(`channels of '${name}'`, channels, 1);
    }
    if (!isIdentity(options.rotations[0] ?? [])) {
      const message = "the first rotation is not the identity, with which the others are compared";
      throw new VoxtwirlError("bad-option", message, "Put [1, 0, 0, 0, 1, 0, 0, 0, 1] in front.");
    }
    this.#options = { ...options, group: requireRotationGroup(options.group) };
    this.#layers = options.layers.map(() => ({
      ...{ reference: undefined, partner: undefined, rotated: [], others: [] },
      current: { rotated: [], others: [] },
    }));
  }

  /** How many samples are complete. */
  get samples(): number {
    return this.#samples;
  }

  /** Begins a sample; what was added of one that did not end is forgotten. */
  begin(): void {
    for (const layer of this.#layers) {
      layer.reference = undefined;
      layer.current = { rotated: [], others: [] };
    }
  }

  /**
   * Takes the features h(T x) of a layer, not rotated back; those of the identity first.
   *
   * @throws VoxtwirlError "bad-option" for what is no layer or rotation, or out of order; "bad-shape"; "not-finite"
   */
  add(layer: number, rotation: number, features: FloatArray): void {
    const { layers, group, rotations } = this.#options;
    requireWhole("layer", layer, 0, layers.length - 1);
    requireWhole("rotation", rotation, 0, rotations.length - 1);
    const { name, how, channels } = layers[layer]!;
    const tally = this.#layers[layer]!;
    requireTyped("features", features);
    requireLength(`'${name}'`, features.length, how);
    if (rotation === 0) tally.reference = features.slice();
    const { reference, partner, current } = tally;
    if (!reference) {
      const message = `'${name}' has no features of the un-rotated sample yet`;
      throw new VoxtwirlError("bad-option", message, "After begin() add those of rotation 0 first.");
    }
    const back = rotation === 0 ? features : act(group, how, inverseRotation(rotations[rotation]!), features);
    current.rotated[rotation] = featureCosine(reference, back, channels);
    // Samples of other lengths have nothing to be compared number by number.
    if (partner?.length === back.length) current.others[rotation] = featureCosine(partner, back, channels);
  }

  /**
   * Counts the sample.
   *
   * @throws VoxtwirlError "bad-option" where features of a layer and a rotation are missing
   */
  end(): void {
    const { layers, rotations } = this.#options;
    const missing = this.#layers.findIndex(({ current }) => rotations.some((_, k) => !current.rotated[k]));
    if (missing >= 0) {
      const message = `features of '${layers[missing]!.name}' are missing`;
      throw new VoxtwirlError("bad-option", message, "Add those of each layer under each rotation, then end().");
    }
    const isSecond = this.#samples++ % 2 === 1;
    for (const layer of this.#layers) {
      layer.rotated.push(layer.current.rotated);
      if (layer.current.others.length > 0) layer.others.push(layer.current.others);
      layer.partner = isSecond ? undefined : layer.reference;
    }
    this.begin();
  }

  /**
   * Of the complete samples, for each layer.
   *
   * @throws VoxtwirlError "no-data" without one
   */
  result(): LayerSimilarity[] {
    if (this.#samples === 0) {
      throw new VoxtwirlError("no-data", "there are no features to compare", "Add a sample.");
    }
    const { rotations } = this.#options;
    const turning = rotations.flatMap((rotation, k) => (isIdentity(rotation) ? [] : [k]));
    return this.#layers.map(({ rotated, others }) => ({
      rotated: meansOf(rotated, rotations.length, turning),
      others: meansOf(others, rotations.length, turning),
    }));
  }
}

function isIdentity(rotation: Rotation): boolean {
  return rotation.length === 9 && rotation.every((value, at) => Math.abs(value - (at % 4 === 0 ? 1 : 0)) < 1e-9);
}

/** @param turning which rotations are not the identity */
function meansOf(
  samples: readonly (readonly FeatureCosine[])[],
  rotations: number,
  turning: readonly number[],
): RotationSimilarity {
  const over = (chosen: readonly number[]): Similarity => {
    const mean = (which: keyof FeatureCosine) =>
      sampleMean(samples.map((of) => chosen.reduce((sum, k) => sum + of[k]![which], 0) / chosen.length));
    return { cosine: mean("cosine"), centred: mean("centred") };
  };
  return {
    ...over(turning),
    samples: samples.length,
    byRotation: Array.from({ length: rotations }, (_, k) => over([k])),
  };
}

function sampleMean(values: readonly number[]): SampleMean {
  const { value, stdErr } = ratioOfSums(
    values,
    values.map(() => 1),
  );
  return { mean: value, stdErr };
}
