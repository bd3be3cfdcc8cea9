import type { NumberArray } from "./numbers.ts";

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
