import { kindOf } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { EquivarianceSample, Predict } from "./predict.ts";
import { requireLength, type Representation } from "./representations.ts";
import { readNumbers, zerosLike, type FloatArray, type NumberArray } from "./numbers.ts";
import type { SymmetryGroup } from "./symmetryGroup.ts";

/** Twisted predictions T^-1 f(T x) of one sample, and what they should be. */
export interface Twisted {
  readonly predictions: readonly FloatArray[];
  readonly target: FloatArray;
}

/** How a model on the host is asked. */
export interface ArrayTwisting {
  readonly predict: Predict<Float32Array, NumberArray>;
  readonly samples: readonly EquivarianceSample[];
  readonly group: SymmetryGroup;
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

/** Predicts sample i's input under each element T and brings the predictions back by T^-1, on the host. */
export async function twistArrays(twisting: ArrayTwisting, i: number, elements: readonly unknown[]): Promise<Twisted> {
  const { predict, samples, group, input, output } = twisting;
  const x = new Float32Array(readNumbers(`the input of sample ${i}`, samples[i]!.input));
  const target = readNumbers(`the target of sample ${i}`, samples[i]!.target);
  const count = elements.length;
  const inputs = new Float32Array(count * x.length);
  elements.forEach((element, k) => {
    const what = `what ${group.name} makes of the input of sample ${i}`;
    inputs.set(requireAs(what, group.act(element, x, input), x), k * x.length);
  });
  const raw = readNumbers(`the prediction for sample ${i}`, await predict(inputs, { count, sample: i }));
  if (raw.length !== count * target.length) {
    throw new VoxtwirlError(
      "bad-shape",
      `the prediction for sample ${i} holds ${raw.length} numbers, not ${count} times its target's ${target.length}`,
      "Give a prediction of the target's shape for each of the rotated inputs, one after another.",
    );
  }
  const predictions = elements.map((element, k) => {
    const one = raw.subarray(k * target.length, (k + 1) * target.length);
    const what = `what ${group.name} makes of the prediction for sample ${i}`;
    return requireAs(what, group.act(group.inverse(element), one, output), one);
  });
  return { predictions, target };
}

/** @throws VoxtwirlError "bad-shape" where a group of somebody's gives no array as long as the one it was given */
function requireAs(what: string, found: FloatArray, given: FloatArray): FloatArray {
  if (ArrayBuffer.isView(found) && found.length === given.length) return found;
  const kind = ArrayBuffer.isView(found) ? `${found.length} numbers` : kindOf(found);
  const message = `${what} is ${kind}, not an array of ${given.length} numbers`;
  throw new VoxtwirlError("bad-shape", message, "Let act return an array like the one that it is given.");
}

/** All predictions, one after another, of the voxels that are compared. */
export function joined(predictions: readonly FloatArray[], inside: (values: FloatArray) => FloatArray): FloatArray {
  const parts = predictions.map(inside);
  const length = parts[0]!.length;
  const all = zerosLike(parts[0]!, parts.length * length);
  parts.forEach((values, k) => all.set(values, k * length));
  return all;
}
