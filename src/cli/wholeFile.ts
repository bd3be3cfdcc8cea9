/** Files that are there whole, or not at all where somebody asks to stop. */
import { interruptible } from "./interrupt.ts";
import { showProgress } from "./progress.ts";

/** What ends the writing early, so that nothing is left of it. */
class Interrupted extends Error {}

/** How the writing ended. */
export interface Ended<T> {
  /** Undefined where somebody asked to stop. */
  readonly result: T | undefined;
  /** 0 where it came to its end and standard output is still there. */
  readonly code: number;
}

/**
 * Writes a file, and says so where it is not written because somebody asked to stop.
 *
 * @param after what is finished first, for the remark: "the frame in hand"
 * @param write calls `goOn` now and then, which throws once somebody has asked to
 */
export async function writeWhole<T extends object>(
  { out, after }: { readonly out: string; readonly after: string },
  write: (goOn: () => void, progress: ReturnType<typeof showProgress>) => Promise<T>,
): Promise<Ended<T>> {
  const progress = showProgress();
  const interruption = interruptible({ after, warn: progress.warn });
  interruption.begin();
  let result: T | undefined;
  try {
    result = await write(() => {
      if (interruption.signal.aborted) throw new Interrupted();
    }, progress);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    progress.warn(`interrupted: ${out} is not written`);
    return { result: undefined, code: interruption.code };
  } finally {
    progress.clear();
    interruption.end();
  }
  return { result, code: interruption.outputLost ? interruption.code : 0 };
}
