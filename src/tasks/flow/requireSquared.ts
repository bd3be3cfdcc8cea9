import { squaredError, type Loss } from "../../equivariance/losses.ts";
import { VoxtwirlError } from "../../errors.ts";

/** @throws VoxtwirlError "bad-option" for another loss than the squared error */
export function requireSquared(loss: Loss): void {
  if (loss === squaredError) return;
  const message = `flow matching has no loss ${loss.name}: its weights by time are those of the squared error`;
  throw new VoxtwirlError("bad-option", message, "Leave --loss out.");
}
