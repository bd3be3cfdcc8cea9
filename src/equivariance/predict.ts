import type { NumberArray } from "./numbers.ts";

/** How rotations act on an array: a cubic grid [D, D, D, C], vectors [n, 3], or numbers that no rotation changes. */
export type Representation =
  | { readonly kind: "grid"; readonly size: number; readonly channels: number }
  | { readonly kind: "vectors" }
  | { readonly kind: "scalars" };

/** One held-out input and what the model should make of it. */
export interface EquivarianceSample<Input = NumberArray, Target = Input> {
  /** What is rotated and predicted from. */
  readonly input: Input;
  /** What the prediction is compared with. */
  readonly target: Target;
}

/** What a model is told with its inputs. */
export interface PredictContext {
  /** How many rotated copies of the input there are. */
  readonly count: number;
  /** The sample's place, for a model that needs more than what rotates. */
  readonly sample: number;
}

/** A model: `count` rotated copies of one input, one after another, to as many predictions. */
export type Predict<Input, Prediction = Input> = (
  inputs: Input,
  context: PredictContext,
) => Prediction | Promise<Prediction>;
