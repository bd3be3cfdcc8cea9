import { VoxtwirlError } from "../errors.ts";
import type { AbortSignal } from "../hostTypes.ts";

/** Does work that its signal may end with an error; false where that happened. Other errors pass. */
export async function untilAborted(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (signal?.aborted && error instanceof VoxtwirlError && error.code === "aborted") return false;
    throw error;
  }
}

/** @throws VoxtwirlError "aborted" when the signal is */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new VoxtwirlError("aborted", "the analysis was stopped", "Start it again.");
}
