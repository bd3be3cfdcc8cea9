/** `--loss` and `--delta`. */
import {
  absoluteError,
  crossEntropy,
  huber,
  itakuraSaito,
  kullbackLeibler,
  squaredError,
  type Loss,
} from "../equivariance/losses.ts";
import { brierScore, probabilityCrossEntropy } from "../equivariance/probabilityLosses.ts";
import { badOption, choice, number } from "./args.ts";

const NAMES = [
  "squared",
  "absolute",
  "huber",
  "cross-entropy",
  "kullback-leibler",
  "itakura-saito",
  "brier",
  "cross-entropy-probabilities",
] as const;
const OF_CLASSES = {
  "cross-entropy": crossEntropy,
  brier: brierScore,
  "cross-entropy-probabilities": probabilityCrossEntropy,
} as const;
const HUBER_DELTA = 1;
type LossName = (typeof NAMES)[number];

/** What `--loss` and `--delta` say. */
export interface LossChoice {
  readonly loss?: LossName;
  readonly delta?: number;
}

/** Of a command that takes models only: the losses of voxels. */
export function modelLossOption() {
  return choice(
    "--loss <NAME>",
    "squared (default, (f - y)^2), absolute, huber; the latter two need all rotations",
    NAMES,
  );
}

export function lossOption() {
  const help =
    "squared (default, (f - y)^2), absolute, huber; with --predictions also cross-entropy (logits and distributions " +
    "along the last axis), brier and cross-entropy-probabilities (softmax outputs there), kullback-leibler (numbers " +
    "from 0), itakura-saito (numbers above 0)";
  return choice("--loss <NAME>", help, NAMES);
}

export function deltaOption() {
  return number("--delta <X>", "with --loss huber, the error from which it grows linearly (default 1)", {
    min: 0,
    max: 1e30,
    exclusiveMin: true,
  });
}

/**
 * The loss asked for.
 *
 * @param classes how long the last axis of predictions is, where there is one
 * @throws VoxtwirlError "bad-option" when --delta goes with another loss, or logits have no axis
 */
export function chosenLoss({ loss = "squared", delta }: LossChoice, classes?: number): Loss {
  if (delta !== undefined && loss !== "huber") {
    throw badOption(`--delta goes with --loss huber, not with ${loss}`, "Leave it out.");
  }
  if (loss === "squared") return squaredError;
  if (loss === "absolute") return absoluteError;
  if (loss === "huber") return huber({ delta: delta ?? HUBER_DELTA });
  if (loss === "kullback-leibler") return kullbackLeibler;
  if (loss === "itakura-saito") return itakuraSaito;
  if (classes !== undefined && classes >= 2) return OF_CLASSES[loss]({ classes });
  throw badOption(
    `--loss ${loss} needs ${loss === "cross-entropy" ? "logits" : "probabilities"} of at least two classes along ` +
      "the last axis",
    "Give predictions (N, samples, ..., classes) and targets (N, ..., classes), or labels (N, ...).",
  );
}

/** Whether a loss compares distributions, so that its targets may be class labels. */
export function takesLabels({ loss = "squared" }: LossChoice): boolean {
  return loss in OF_CLASSES;
}

/** delta where the loss has one. */
export function deltaOf({ loss, delta = HUBER_DELTA }: LossChoice): number | undefined {
  return loss === "huber" ? delta : undefined;
}

/** The loss asked for, of the terms of frames. */
export function frameLoss(choice: LossChoice): Loss {
  const loss = chosenLoss(choice, 2);
  if (!loss.refuse) return loss;
  const message = `--loss ${loss.name} goes with --predictions: energies and forces are not what it takes`;
  throw badOption(message, "Use --loss squared, absolute or huber.");
}

/** The loss asked for, of a model that voxtwirl trained. */
export function modelLoss(choice: LossChoice, group: "octahedral" | "so3"): Loss {
  const { loss = "squared" } = choice;
  const chosen = chosenLoss(choice, 2);
  if (chosen.refuse) {
    throw badOption(
      `--loss ${loss} goes with --predictions of measure: voxels are no distributions, and may be zero or below`,
      "Use --loss squared, absolute or huber.",
    );
  }
  if (group === "so3" && chosen !== squaredError) {
    throw badOption(
      `--loss ${loss} does not go with --group so3: percentPose is of the squared error`,
      "Leave one of them out.",
    );
  }
  return chosen;
}
