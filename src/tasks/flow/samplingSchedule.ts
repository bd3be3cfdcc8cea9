import { requireFinite, requireWhole } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";

/** The last step is a hundredth of the first, about. */
const DECADES = 2;
/** Later than this, steps have no noise. */
const LAST_NOISE = 0.99;
/** What keeps the noise finite at time 0. */
const NOISE_OFFSET = 0.01;
/** Steps below which noise makes the first ones blow up: the drift's weight is 100 at time 0. */
export const NOISY_STEPS = 400;

/** What is added up in a step: x, where its path is taken to end, and noise. */
export type StepCoefficients = readonly [x: number, endpoint: number, noise: number];

/**
 * The K + 1 times of K steps from noise (0) to data (1): t_k = (1 - 10^(-2 k / K)) / (1 - 10^-2), dense at the end.
 *
 * @throws VoxtwirlError "bad-option" for steps that are no count
 */
export function samplingTimes(steps: number): Float64Array {
  requireWhole("steps", steps, 1);
  const whole = 1 - 10 ** -DECADES;
  return Float64Array.from({ length: steps + 1 }, (_, k) => (1 - 10 ** ((-DECADES * k) / steps)) / whole);
}

/**
 * A step from time t to `next` along a flow's paths, as coefficients of x, of the endpoint y taken for it and of
 * standard normal noise n; centring is to follow.
 *
 * With v = (y - x) / (1 - t) and dt = next - t, eta 0 goes along the ordinary differential equation: x + v dt, which at
 * the end is y. Otherwise it is a step of the stochastic one, x + (v + g s) dt + sqrt(2 g eta dt) n with the score s =
 * (t v - x) / (1 - t) and g = 1 / (t + 0.01), as long as t is at most 0.99. Eta 1 keeps the distribution at every time,
 * less makes it narrower.
 *
 * @throws VoxtwirlError "bad-option" for times that are not 0 <= t < next <= 1, and eta below 0
 */
export function stepCoefficients(t: number, next: number, eta: number): StepCoefficients {
  requireEta(eta);
  if (!(t >= 0 && t < next && next <= 1)) {
    const fix = "Give 0 <= t < next <= 1: two in a row of samplingTimes.";
    throw new VoxtwirlError("bad-option", `a step goes from time ${t} to ${next}`, fix);
  }
  const dt = next - t;
  const rest = 1 - t;
  if (eta === 0 || t > LAST_NOISE || next === 1) return [1 - dt / rest, dt / rest, 0];
  const g = 1 / (t + NOISE_OFFSET);
  const velocity = (dt * (1 + (g * t) / rest)) / rest;
  return [1 - (g * dt) / rest - velocity, velocity, Math.sqrt(2 * g * eta * dt)];
}

/** @throws VoxtwirlError "bad-option" unless it is a number from 0 on */
export function requireEta(eta: number): void {
  requireFinite("eta", eta);
  if (eta < 0) throw new VoxtwirlError("bad-option", `eta is ${eta}`, "Give 0, or a number above it: 0.45.");
}
