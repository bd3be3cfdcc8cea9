import { Tally, type Measurement } from "../../equivariance/decomposition.ts";
import { OCTAHEDRAL_ORDER } from "../../equivariance/octahedral.ts";
import type { SampleRotations } from "../sampleRotations.ts";
import { QUARTERS, type FlowSample } from "./flowSamples.ts";
import { WienerFilter, type SecondMoments } from "./secondMoments.ts";

/** What keeps the loss's weight finite at time 1. */
const EPS = 1e-5;

/** What was predicted of one sample. */
export interface SampleEndpoints {
  readonly sample: FlowSample;
  /** For each rotation T^-1 x1_hat(T x), [n, 3] in nm. */
  readonly endpoints: readonly Float64Array[];
}

/** What a part of the times gives. */
export interface TimePart {
  /** "0 to 0.25" */
  readonly times: string;
  readonly measured: Measurement;
  /** Of the Wiener filter. */
  readonly lossWiener: number;
}

/** Factor of coordinates whose sum of squares is then the loss: see `flowLoss`. */
export function lossScale({ residues, time }: Pick<FlowSample, "residues" | "time">): number {
  return 1 / Math.sqrt(3 * residues * ((1 - time) ** 2 + EPS));
}

/**
 * Adds up what was found of chains. A chain's loss is the mean of its samples' by the weights of their times, and all
 * chains count alike.
 */
export class FlowTally {
  readonly #places: number;
  readonly #filter: WienerFilter;
  readonly #whole: Tally;
  readonly #parts: readonly Tally[];
  readonly #wiener = new Float64Array(QUARTERS);
  #weights: readonly number[] = [];
  #chains = 0;

  /** @param places residues of a chain at most */
  constructor({ group, rotations, seed }: SampleRotations, places: number, moments: SecondMoments) {
    const groupOrder = group === "octahedral" ? OCTAHEDRAL_ORDER : Infinity;
    const tally = () => new Tally({ rotations, groupOrder, seed });
    this.#places = places;
    this.#filter = new WienerFilter(moments);
    this.#whole = tally();
    this.#parts = Array.from({ length: QUARTERS }, tally);
  }

  /**
   * @param predicted of one chain, by quarters
   * @throws VoxtwirlError "not-finite" where a prediction is not
   */
  add(predicted: readonly SampleEndpoints[]): void {
    this.#weights = predicted.map(({ sample }) => sample.weight);
    const scaled = predicted.map((one) => this.#velocities(one));
    scaled.forEach(({ predictions, target }, quarter) => this.#parts[quarter]!.add(flat(predictions), target));
    // Tallies take means over numbers: with so many of them a chain's mean is the weighted sum.
    const factors = this.#weights.map((weight) => Math.sqrt(QUARTERS * weight));
    const weighted = (values: Float64Array, quarter: number) => values.map((value) => value * factors[quarter]!);
    const rotations = scaled[0]!.predictions.map((_, k) =>
      flat(scaled.map(({ predictions }, quarter) => weighted(predictions[k]!, quarter))),
    );
    this.#whole.add(flat(rotations), flat(scaled.map(({ target }, quarter) => weighted(target, quarter))));
    predicted.forEach(({ sample }, quarter) => {
      const filtered = this.#filter.endpoint(sample.time, sample.x);
      const error = filtered.reduce((sum, value, at) => sum + (value - sample.target[at]!) ** 2, 0);
      this.#wiener[quarter]! += error * lossScale(sample) ** 2;
    });
    this.#chains++;
  }

  /**
   * (1 - t) v and (1 - t) v*, what endpoints and targets are beyond x_t: so predicting zero is to stay where one is.
   * They are scaled, and padded to as many numbers for all chains, so that means over numbers are the loss.
   */
  #velocities({ sample, endpoints }: SampleEndpoints) {
    const numbers = 3 * this.#places;
    const scale = lossScale(sample) * Math.sqrt(numbers);
    const beyond = (values: Float64Array) => {
      const padded = new Float64Array(numbers);
      values.forEach((value, at) => (padded[at] = scale * (value - sample.x[at]!)));
      return padded;
    };
    return { predictions: endpoints.map(beyond), target: beyond(sample.target) };
  }

  /** Over all times, as training has them. */
  whole(): { readonly measured: Measurement; readonly lossWiener: number } {
    const lossWiener = this.#wiener.reduce((sum, loss, quarter) => sum + loss * this.#weights[quarter]!, 0);
    return { measured: this.#whole.result(), lossWiener: lossWiener / this.#chains };
  }

  /** By quarters of the time. */
  byTime(): TimePart[] {
    return this.#parts.map((part, quarter) => ({
      times: `${quarter / QUARTERS} to ${(quarter + 1) / QUARTERS}`,
      measured: part.result(),
      lossWiener: this.#wiener[quarter]! / this.#chains,
    }));
  }
}

function flat(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
