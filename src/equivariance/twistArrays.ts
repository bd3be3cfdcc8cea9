import { VoxtwirlError } from "../errors.ts";
import { inverseRotation, type Rotation, type RotationGroup } from "./groups.ts";
import type { EquivarianceSample, Predict, Representation } from "./predict.ts";
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
    requireShape(`the input of sample ${i}`, readNumbers(`the input of sample ${i}`, sample.input), input);
    requireShape(`the target of sample ${i}`, readNumbers(`the target of sample ${i}`, sample.target), output);
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

function act<T extends FloatArray>(group: RotationGroup, how: Representation, rotation: Rotation, values: T): T {
  if (how.kind === "scalars") return values;
  if (how.kind === "vectors") return group.actOnPoints(rotation, values);
  return group.actOnGrid(rotation, values, how.size, how.channels);
}

function requireShape(what: string, { length }: FloatArray, how: Representation): void {
  const size = how.kind === "grid" ? how.size ** 3 * how.channels : undefined;
  if (length > 0 && (size === undefined ? how.kind === "scalars" || length % 3 === 0 : length === size)) return;
  const wanted = {
    grid: `a grid of the stated size and channels holds ${size}`,
    vectors: "vectors [n, 3] hold a multiple of 3",
    scalars: "scalars are at least one",
  }[how.kind];
  throw new VoxtwirlError(
    "bad-shape",
    `${what} holds ${length} numbers; ${wanted}`,
    "Give one sample's numbers, and with input and output how rotations act on them.",
  );
}

/** All predictions, one after another, of the voxels within the ball where there is one. */
export function joined(predictions: readonly FloatArray[], inside: (values: FloatArray) => FloatArray): FloatArray {
  const parts = predictions.map(inside);
  const length = parts[0]!.length;
  const all = zerosLike(parts[0]!, parts.length * length);
  parts.forEach((values, k) => all.set(values, k * length));
  return all;
}
