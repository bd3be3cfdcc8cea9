import { VoxtwirlError } from "../errors.ts";
import { inverseRotation, type Rotation, type RotationGroup } from "./groups.ts";
import type { EquivarianceSample, Predict } from "./predict.ts";
import { act, requireLength, type Representation } from "./representations.ts";
import { readNumbers, zerosLike, type FloatArray, type NumberArray } from "./numbers.ts";

/** Twisted predictions T^-1 f(T x) of one sample, and what they should be. */
export interface Twisted {
  readonly predictions: readonly FloatArray[];
  readonly target: FloatArray;
}

/** How a model on the host is asked. */
export interface ArrayTwisting {
  readonly predict: Predict<Float32Array, NumberArray>;
  readonly samples: readonly EquivarianceSample[];
  readonly group: RotationGroup;
  readonly input: Representation;
  readonly output: Representation;
}

/**
 * Reads every sample once, so that one that cannot be used is told before the model has worked for hours.
 *
 * @throws VoxtwirlError "bad-shape" and "not-finite", naming the sample
 */
export function checkArrays({ samples, input, output }: ArrayTwisting): void {
  samples.forEach((sample, i) => {
    requireLength(`the input of sample ${i}`, readNumbers(`the input of sample ${i}`, sample.input).length, input);
    requireLength(`the target of sample ${i}`, readNumbers(`the target of sample ${i}`, sample.target).length, output);
  });
}

/** Predicts rotated copies of sample i's input and rotates the predictions back, on the host. */
export async function twistArrays(
  twisting: ArrayTwisting,
  i: number,
  rotations: readonly Rotation[],
): Promise<Twisted> {
  const { predict, samples, group, input, output } = twisting;
  const x = new Float32Array(readNumbers(`the input of sample ${i}`, samples[i]!.input));
  const target = readNumbers(`the target of sample ${i}`, samples[i]!.target);
  const count = rotations.length;
  const inputs = new Float32Array(count * x.length);
  rotations.forEach((rotation, k) => inputs.set(act(group, input, rotation, x), k * x.length));
  const raw = readNumbers(`the prediction for sample ${i}`, await predict(inputs, { count, sample: i }));
  if (raw.length !== count * target.length) {
    throw new VoxtwirlError(
      "bad-shape",
      `the prediction for sample ${i} holds ${raw.length} numbers, not ${count} times its target's ${target.length}`,
      "Give a prediction of the target's shape for each of the rotated inputs, one after another.",
    );
  }
  const predictions = rotations.map((rotation, k) => {
    const one = raw.subarray(k * target.length, (k + 1) * target.length);
    return act(group, output, inverseRotation(rotation), one);
  });
  return { predictions, target };
}

/** All predictions, one after another, of the voxels within the ball where there is one. */
export function joined(predictions: readonly FloatArray[], inside: (values: FloatArray) => FloatArray): FloatArray {
  const parts = predictions.map(inside);
  const length = parts[0]!.length;
  const all = zerosLike(parts[0]!, parts.length * length);
  parts.forEach((values, k) => all.set(values, k * length));
  return all;
}
