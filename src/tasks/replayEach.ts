import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";

/** Replays are submitted ahead for about this long, and at most so many. */
const QUEUE_MS = 500;
const MAX_QUEUE = 16;

/** Who may stop a row of replays, and who is told how far it is. */
export interface ReplayOptions {
  /** Stops before the next replay. */
  readonly signal?: AbortSignal | undefined;
  /** Called with how many are known to be done, and of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Submits replay after replay. The queue is bounded: each holds the driver's memory for its commands, and an abort
 * should take effect soon.
 *
 * @throws VoxtwirlError "aborted" when the signal is, once the GPU has done what it was given
 */
export async function replayEach(
  gpu: Gpu,
  total: number,
  submit: (i: number) => void,
  { signal, onProgress }: ReplayOptions,
): Promise<void> {
  let queue = 1;
  let queued = 0;
  let since = performance.now();
  for (let i = 0; i < total; i++) {
    if (signal?.aborted) {
      await gpu.finish();
      throw new VoxtwirlError("aborted", "the evaluation was stopped", "Start it again.");
    }
    submit(i);
    if (++queued < queue && i + 1 < total) continue;
    await gpu.finish();
    onProgress?.(i + 1, total);
    const ms = (performance.now() - since) / queued;
    queue = Math.min(Math.max(Math.floor(QUEUE_MS / ms), 1), MAX_QUEUE);
    queued = 0;
    since = performance.now();
  }
}
