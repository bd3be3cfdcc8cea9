import { VoxtwirlError } from "../errors.ts";
import type { BufferView, Gpu } from "../gpu/gpu.ts";
import { Random } from "../random.ts";
import { inverseRotation, type Rotation, type RotationGroup } from "./groups.ts";
import { ballVoxels, gatherVoxels } from "./interpolate.ts";
import { BufferRotator } from "./bufferRotator.ts";
import { Tally, type Measurement } from "./tally.ts";

/** How rotations act on an array: a cubic grid [D, D, D, C], vectors [n, 3], or numbers that no rotation changes. */
export type Representation =
  | { readonly kind: "grid"; readonly size: number; readonly channels: number }
  | { readonly kind: "vectors" }
  | { readonly kind: "scalars" };

/** One held-out input and what the model should make of it. */
export interface EquivarianceSample<T> {
  readonly input: T;
  readonly target: T;
}

export interface PredictContext {
  /** How many rotated copies of the input there are. */
  readonly count: number;
  /** The sample's place, for a model that needs more than what rotates. */
  readonly sample: number;
}

/** A model: `count` rotated copies of one input, one after another, to as many predictions. */
export type Predict<T> = (inputs: T, context: PredictContext) => T | Promise<T>;

export interface MeasureOptions {
  readonly group: RotationGroup;
  /**
   * Rotations of each sample, at least 2: all of a finite group by default, fewer are drawn without replacement; 24
   * independent draws by default otherwise.
   */
  readonly twirl?: number;
  /** How rotations act on inputs. */
  readonly input: Representation;
  /** How they act on targets and predictions; as on inputs by default. */
  readonly output?: Representation;
  /** Seed of the drawn rotations and of the averages that measure the gains; 0 by default. */
  readonly seed?: number;
  /** The device that GPU buffers lie on; needed for them, and not used for typed arrays. */
  readonly gpu?: Gpu;
}

/**
 * Measures which share of a model's squared error is rotation symmetry not learned: L = L_mean + L_equiv over the
 * group, from T^-1 f(T x) for each sample x and its rotations T.
 *
 * With typed arrays all is done on the host. With GPU buffers (f32 grids in, f32 grids out; usage COPY_SRC) the grids
 * are rotated on the GPU before and after `predict`, whose result is copied and may be used again at once.
 *
 * A group that interpolates on grids is compared within the grid's inscribed ball only, where nothing is rotated out;
 * its interpolation error counts as lost symmetry. The rotations of the cube have neither limit.
 *
 * @throws VoxtwirlError "bad-option" for a `twirl` that the group does not have, "no-data" without samples, "bad-shape"
 *   when arrays do not fit their representation, "not-finite" when a prediction is not; what `predict` throws passes
 */
export async function measureEquivariance(
  predict: Predict<Float32Array>,
  samples: readonly EquivarianceSample<Float32Array>[],
  options: MeasureOptions,
): Promise<Measurement>;
export async function measureEquivariance(
  predict: Predict<BufferView>,
  samples: readonly EquivarianceSample<BufferView>[],
  options: MeasureOptions & { readonly gpu: Gpu },
): Promise<Measurement>;
export async function measureEquivariance(
  predict: Predict<Float32Array> | Predict<BufferView>,
  samples: readonly EquivarianceSample<Float32Array>[] | readonly EquivarianceSample<BufferView>[],
  options: MeasureOptions,
): Promise<Measurement> {
  const { group, input, output = input, seed = 0 } = options;
  const twirl = checkTwirl(group, options.twirl);
  if (samples.length === 0)
    throw new VoxtwirlError("no-data", "there is no sample to measure on", "Give at least one.");
  const random = new Random(seed);
  const draw = () => (group.enumerate && twirl === group.order ? group.enumerate() : group.sample(random, twirl));
  const tally = new Tally({ rotations: twirl, groupOrder: group.order, seed: seed + 1 });
  const add = (predictions: readonly Float32Array[], target: Float32Array) => {
    const ball = output.kind === "grid" && group.interpolation ? ballVoxels(output.size) : undefined;
    const inside = (values: Float32Array) =>
      ball && output.kind === "grid" ? gatherVoxels(values, ball, output.channels) : values;
    const y = inside(target);
    const all = new Float32Array(twirl * y.length);
    predictions.forEach((values, i) => all.set(inside(values), i * y.length));
    tally.add(all, y);
  };
  if (samples[0]!.input instanceof Float32Array) {
    for (const [sample, { input: x, target }] of (samples as readonly EquivarianceSample<Float32Array>[]).entries()) {
      const rotations = draw();
      const inputs = concatenate(rotations.map((rotation) => act(group, input, rotation, x)));
      const raw = await (predict as Predict<Float32Array>)(inputs, { count: twirl, sample });
      requireLength("the prediction", raw, twirl * target.length);
      add(
        rotations.map((rotation, i) => {
          const one = raw.subarray(i * target.length, (i + 1) * target.length);
          return act(group, output, inverseRotation(rotation), one);
        }),
        target,
      );
    }
    return tally.result();
  }
  const { gpu } = options;
  if (!gpu || input.kind !== "grid" || output.kind !== "grid") {
    throw new VoxtwirlError(
      "bad-option",
      "GPU buffers are measured as grids on a given device",
      "Give gpu and grids, or typed arrays.",
    );
  }
  const rotator = await BufferRotator.create(gpu, { group, count: twirl, input, output });
  try {
    for (const [sample, { input: x, target }] of (samples as readonly EquivarianceSample<BufferView>[]).entries()) {
      const rotations = draw();
      const inputs = rotator.rotate(x, rotations);
      const raw = await (predict as Predict<BufferView>)(inputs, { count: twirl, sample });
      const { predictions, target: y } = await rotator.rotateBack(raw, rotations, target);
      add(predictions, y);
    }
    return tally.result();
  } finally {
    rotator.destroy();
  }
}

function checkTwirl({ name, order }: RotationGroup, twirl = Math.min(order, 24)): number {
  if (Number.isInteger(twirl) && twirl >= 2 && twirl <= order) return twirl;
  const most = Number.isFinite(order) ? ` to ${order}` : " upwards";
  throw new VoxtwirlError(
    "bad-option",
    `twirl is ${twirl} for the group ${name}`,
    `Give a whole number from 2${most}.`,
  );
}

function act(
  group: RotationGroup,
  representation: Representation,
  rotation: Rotation,
  values: Float32Array,
): Float32Array {
  if (representation.kind === "scalars") return values;
  if (representation.kind === "vectors") return group.actOnPoints(rotation, values);
  return group.actOnGrid(rotation, values, representation.size, representation.channels);
}

function concatenate(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.length * arrays[0]!.length);
  arrays.forEach((values, i) => all.set(values, i * values.length));
  return all;
}

function requireLength(what: string, values: { length: number }, length: number): void {
  if (values?.length === length) return;
  throw new VoxtwirlError(
    "bad-shape",
    `${what} holds ${values?.length} numbers, not ${length}`,
    "Give a prediction of the target's shape for each of the rotated inputs.",
  );
}
