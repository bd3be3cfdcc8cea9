import { formatCount } from "../report/format.ts";
import { interruptible } from "./interrupt.ts";
import { countProgress } from "./progress.ts";

/** How far a measurement of many came. */
export interface Swept {
  readonly done: number;
  readonly total: number;
  /** Somebody stopped it before all were done. */
  readonly interrupted: boolean;
  /** The exit code: 0 where all were done. */
  readonly code: number;
}

/**
 * Measures number 0, 1, ... of `total` one after another, with the time left on stderr, until all are done or somebody
 * asks to stop; then the one in hand is finished.
 *
 * @param one what they are, in the singular: "molecule"
 */
export async function sweep(one: string, total: number, measure: (at: number) => Promise<void>): Promise<Swept> {
  const progress = countProgress(`${one}s`, total);
  const interruption = interruptible({ after: `the ${one} in hand`, warn: progress.warn });
  interruption.begin();
  try {
    let done = 0;
    for (; done < total && !interruption.signal.aborted; done++) {
      progress.done(done);
      await measure(done);
    }
    const interrupted = done < total;
    return { done, total, interrupted, code: interrupted || interruption.outputLost ? interruption.code : 0 };
  } finally {
    progress.clear();
    interruption.end();
  }
}

/** What a table says first when it is of a part only. */
export function partLines({ done, total, interrupted }: Swept, many: string): string[] {
  return interrupted ? [`interrupted after ${formatCount(done)} of ${formatCount(total)} ${many}:`, ""] : [];
}

/** Says that there is nothing to print. @returns the exit code */
export function nothingKnown(one: string, { code }: { readonly code: number }): number {
  process.stderr.write(`voxtwirl: interrupted before the first ${one} was done: nothing is known yet\n`);
  return code;
}
