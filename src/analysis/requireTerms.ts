import { requireMethod } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { LossTerms } from "./lossTerms.ts";

/** @throws VoxtwirlError "bad-option" unless `value` is LossTerms */
export function requireTerms(value: unknown): void {
  for (const method of ["sums", "gradient"]) requireMethod("terms", value, method, "Give the LossTerms of a model.");
}

/** @throws VoxtwirlError "unsupported" where the terms' loss has no such matrix */
export function requireCurvature(matrix: "hessian" | "gaussNewton", { loss }: Pick<LossTerms, "loss">): void {
  if (!loss || loss.elementwise?.kind === "squared") return;
  if (matrix === "gaussNewton") {
    const what = `the Gauss-Newton matrix is that of the squared error, and the loss is ${loss.name}`;
    throw new VoxtwirlError("unsupported", what, "Take the Hessian, or the squared error.");
  }
  if (loss.elementwise?.kind !== "absolute") return;
  const what = "the gradient of the absolute error jumps where f = y, and its differences are no curvature";
  throw new VoxtwirlError("unsupported", what, "Take Huber's loss or the squared error.");
}
