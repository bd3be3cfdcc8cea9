import { kindOf, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { BufferView, Gpu } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { Random } from "../random.ts";
import { BufferRotator, isBufferView } from "./bufferRotator.ts";
import { isRotationGroup, type Rotation, type RotationGroup } from "./groups.ts";
import { gatherVoxels } from "./interpolate.ts";
import { requireLoss, type Loss } from "./losses.ts";
import type { FloatArray, NumberArray } from "./numbers.ts";
import { otherTasks } from "./otherTasks.ts";
import type { EquivarianceSample, Predict } from "./predict.ts";
import { requireRepresentation, type Representation } from "./representations.ts";
import { octahedralElement } from "./octahedral.ts";
import { requireGroup, usualTwirl, type SymmetryGroup } from "./symmetryGroup.ts";
import { Tally, type Measurement } from "./decomposition.ts";
import { weightedTerms } from "./weightedTerms.ts";
import { checkArrays, joined, twistArrays, type Twisted } from "./twistArrays.ts";

/** What to measure, and under which symmetries. */
export interface MeasureOptions {
  /** `octahedral()`, `so3()` or another group; a function that makes it will do too. */
  readonly group: SymmetryGroup | (() => SymmetryGroup);
  /**
   * Elements T for each sample, at least 2; by default 24, or all of a smaller group or of a quadrature. Of a finite
   * group all are enumerated, fewer are drawn without replacement; otherwise they are independent draws.
   */
  readonly twirl?: number;
  /** What inputs are, and so how symmetries act on them. */
  readonly input: Representation;
  /** What targets and predictions are; as inputs by default. */
  readonly output?: Representation;
  /** The squared error by default. */
  readonly loss?: Loss;
  /** Seed of the drawn elements and of the averages that measure the gains; 0 by default. */
  readonly seed?: number;
  /** The device that GPU buffers lie on; needed for them, and not used for arrays. */
  readonly gpu?: Gpu;
  /** Stops before the next sample, with an error: nothing is returned of a part of the samples. */
  readonly signal?: AbortSignal;
  /** Called after each sample. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Measures which share of a model's loss is symmetry not learned: L = L_mean + L_equiv over a group, of rotations or of
 * whatever acts on inputs and predictions, from T^-1 f(T x) for each sample x and elements T.
 *
 * Samples and predictions are arrays of numbers of whatever kind and realm, and then all is done on the host; `predict`
 * is given a Float32Array. With GPU buffers (f32 grids in, f32 grids out; usage COPY_SRC) the grids are rotated on the
 * GPU before and after `predict`, whose result is copied and may be used again at once; the group is then one of
 * rotations, of the cube or interpolating.
 *
 * A group that interpolates on grids is compared within the grid's inscribed ball only, where nothing is rotated out;
 * its interpolation error counts as lost symmetry. The rotations of the cube have neither limit.
 *
 * @throws VoxtwirlError "bad-option" for a group that is none or does not act on such samples, or a `twirl` that it
 *   does not have; "no-data" without samples, "bad-shape" when a sample or a prediction is no array of numbers or does
 *   not fit its representation, "not-finite" when it holds NaN, "aborted" when the signal is; what `predict` throws
 *   passes
 */
export async function measureEquivariance(
  predict: Predict<Float32Array, NumberArray>,
  samples: readonly EquivarianceSample[],
  options: MeasureOptions,
): Promise<Measurement>;
export async function measureEquivariance(
  predict: Predict<BufferView>,
  samples: readonly EquivarianceSample<BufferView>[],
  options: MeasureOptions & { readonly gpu: Gpu },
): Promise<Measurement>;
export async function measureEquivariance(
  predict: Predict<Float32Array, NumberArray> | Predict<BufferView>,
  samples: readonly EquivarianceSample[] | readonly EquivarianceSample<BufferView>[],
  options: MeasureOptions,
): Promise<Measurement> {
  const checked = checkOptions(predict, samples, options);
  if (!samples.some(({ input }) => isBufferView(input))) {
    const twisting = { ...checked, predict, samples } as Parameters<typeof twistArrays>[0];
    checkArrays(twisting);
    return tallied(checked, (i, elements) => twistArrays(twisting, i, elements));
  }
  const { gpu, twirl: count, input, output } = checked;
  if (!gpu || input.kind !== "grid" || output.kind !== "grid") {
    throw new VoxtwirlError(
      "bad-option",
      "GPU buffers are measured as grids on a given device",
      "Give gpu and grids, or arrays of numbers.",
    );
  }
  const group = requireBufferRotations(checked.group);
  const rotator = await BufferRotator.create(gpu, { group, count, input, output });
  const views = samples as readonly EquivarianceSample<BufferView>[];
  try {
    for (const [i, { input: x, target }] of views.entries()) rotator.check(`sample ${i}`, x, target);
    return await tallied(checked, async (i, elements) => {
      const rotations = elements as readonly Rotation[];
      const inputs = rotator.rotate(views[i]!.input, rotations);
      const raw = await (predict as Predict<BufferView>)(inputs, { count, sample: i });
      return rotator.rotateBack(`the prediction for sample ${i}`, raw, rotations, views[i]!.target);
    });
  } finally {
    rotator.destroy();
  }
}

/** @throws VoxtwirlError "bad-option" for a group that there are no kernels for */
function requireBufferRotations(group: SymmetryGroup): RotationGroup {
  if (isRotationGroup(group)) {
    const elements = group.enumerate?.() ?? [];
    if (group.interpolation || elements.every((one) => octahedralElement(one) !== undefined)) return group;
  }
  const message = `the group ${group.name} does not act on GPU buffers`;
  throw new VoxtwirlError("bad-option", message, "Give octahedral() or so3(), or arrays of numbers.");
}

interface Checked extends MeasureOptions {
  readonly group: SymmetryGroup;
  readonly twirl: number;
  readonly output: Representation;
  readonly seed: number;
  /** How many samples there are. */
  readonly total: number;
}

/** Twists every sample in turn and keeps its sums. */
async function tallied(
  { group, twirl, output, loss, seed, total, signal, onProgress }: Checked,
  twist: (sample: number, elements: readonly unknown[]) => Promise<Twisted>,
): Promise<Measurement> {
  const random = new Random(seed);
  const terms = group.weights && weightedTerms(group.weights);
  const tally = new Tally({ rotations: twirl, groupOrder: group.order, terms, loss, seed: seed + 1 });
  const voxels = output.kind === "grid" ? group.compared?.(output.size) : undefined;
  const inside = (values: FloatArray) =>
    voxels && output.kind === "grid" ? gatherVoxels(values, voxels, output.channels) : values;
  const turn = otherTasks();
  for (let i = 0; i < total; i++) {
    // A model that is never awaited would keep the signal from being raised.
    if (signal) await turn();
    if (signal?.aborted) throw new VoxtwirlError("aborted", "the measurement was stopped", "Start it again.");
    const elements = group.enumerate && twirl === group.order ? group.enumerate() : group.sample(random, twirl);
    const { predictions, target } = await twist(i, elements);
    tally.add(joined(predictions, inside), inside(target));
    onProgress?.(i + 1, total);
  }
  return tally.result();
}

function checkOptions(predict: unknown, samples: unknown, options: MeasureOptions): Checked {
  if (typeof predict !== "function") {
    throw new VoxtwirlError("bad-option", `predict is ${kindOf(predict)}`, "Give a function of the inputs.");
  }
  if (!Array.isArray(samples)) {
    throw new VoxtwirlError("bad-option", `samples is ${kindOf(samples)}`, "Give an array of { input, target }.");
  }
  if (samples.length === 0) {
    throw new VoxtwirlError("no-data", "there is no sample to measure on", "Give at least one.");
  }
  const none = samples.findIndex((sample) => typeof sample !== "object" || sample === null);
  if (none >= 0) {
    throw new VoxtwirlError("bad-shape", `sample ${none} is ${kindOf(samples[none])}`, "Give { input, target }.");
  }
  requireObject("options", options, "Give { group, input }.");
  const { input, output = input, loss, seed = 0, gpu } = options;
  const group = requireGroup(options.group);
  requireRepresentation("input", input);
  requireRepresentation("output", output);
  if (loss !== undefined) requireLoss(loss);
  if (gpu !== undefined && typeof gpu.upload !== "function") {
    throw new VoxtwirlError("bad-option", `gpu is ${kindOf(gpu)}`, "Give a Gpu: Gpu.fromDevice(device).");
  }
  return { ...options, group, output, seed, twirl: checkTwirl(group, options.twirl), total: samples.length };
}

function checkTwirl(group: SymmetryGroup, twirl = usualTwirl(group)): number {
  const { name, order } = group;
  if (Number.isInteger(twirl) && twirl >= 2 && twirl <= order) return twirl;
  const most = Number.isFinite(order) ? ` to ${order}` : " upwards";
  throw new VoxtwirlError(
    "bad-option",
    `twirl is ${twirl} for the group ${name}`,
    `Give a whole number from 2${most}.`,
  );
}
