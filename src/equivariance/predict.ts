import type { NumberArray } from "./numbers.ts";

/** One held-out input and what the model should make of it. */
export interface EquivarianceSample<Input = NumberArray, Target = Input> {
  /** What is transformed and predicted from. */
  readonly input: Input;
  /** What the prediction is compared with. */
  readonly target: Target;
}

/** What a model is told with its inputs. */
export interface PredictContext {
  /** How many transformed copies of the input there are. */
  readonly count: number;
  /** The sample's place, for a model that needs more than its input. */
  readonly sample: number;
}

/** A model: `count` transformed copies of one input, one after another, to as many predictions. */
export type Predict<Input, Prediction = Input> = (
  inputs: Input,
  context: PredictContext,
) => Prediction | Promise<Prediction>;
