/** The losses whose terms have gradients, and how these are put together. */
import type { Term } from "../analysis/lossTerms.ts";
import type { Sampling } from "../equivariance/estimators.ts";
import { requireLoss, type Loss } from "../equivariance/losses.ts";
import { OCTAHEDRAL_ORDER } from "../equivariance/octahedral.ts";
import { VoxtwirlError } from "../errors.ts";
import type { ElementwiseLoss } from "../kernels/twirl/twirlGrad.ts";

/** Its terms have unbiased estimates from some of the rotations, and sums of their own on the GPU. */
export const isSquared = (loss: Loss): boolean => loss.elementwise?.kind === "squared";

/**
 * The loss as kernels know it.
 *
 * @throws VoxtwirlError "unsupported" unless the GPU takes gradients of the loss, "bad-option" where it takes all
 *   rotations and there are fewer
 */
export function requireTermLoss(loss: Loss, rotations: number): ElementwiseLoss {
  requireLoss(loss);
  const { name, elementwise } = loss;
  if (!elementwise) {
    const what = `gradients of the loss ${name} are not known`;
    throw new VoxtwirlError("unsupported", what, "Take squaredError, absoluteError or huber({ delta }).");
  }
  if (isSquared(loss) || rotations === OCTAHEDRAL_ORDER) return elementwise;
  const what = `the loss ${name} has terms for all ${OCTAHEDRAL_ORDER} rotations, and there are ${rotations}`;
  throw new VoxtwirlError("bad-option", what, "Take all rotations, or the squared error.");
}

/**
 * What `twirlGrad` takes as weights for a term: of the squared error f - y and f - m are multiplied by them. The losses
 * of `decomposeSums` are L = sum of |f - y|^2 / N and L_equiv = c sum of |f - m|^2, L_mean their difference. Other
 * losses are of all N rotations, and their slopes are whole derivatives, not half of them: 1/N for both.
 */
export function termWeights(term: Term, { rotations, groupOrder = OCTAHEDRAL_ORDER }: Sampling, loss: Loss) {
  const correction = Number.isFinite(groupOrder) ? (groupOrder - 1) / groupOrder : 1;
  const total = isSquared(loss) ? 2 / rotations : 1 / rotations;
  const equiv = isSquared(loss) ? (2 * correction) / (rotations - 1) : total;
  if (term === "total") return [total, 0] as const;
  return term === "equiv" ? ([0, equiv] as const) : ([total, -equiv] as const);
}
