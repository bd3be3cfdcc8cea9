/** Standard output, and what happens when it fails: its reader is gone, or the disk it goes to is full. */

/** Exit code where the reader is gone, as of a process that SIGPIPE ended. */
const BROKEN_PIPE = 141;

let rescue: ((code: number) => void) | undefined;
let failed = false;

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Ends the process when standard output fails, unless `onStdoutFailure` has something to save first. */
export function watchStdout(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (failed) return;
    failed = true;
    // A reader that closes early (voxtwirl help | head) is no error to speak of.
    const code = error.code === "EPIPE" ? BROKEN_PIPE : 1;
    if (code === 1) {
      process.stderr.write(
        `voxtwirl: cannot write to standard output: ${error.message}\n  Free some space, or write elsewhere.\n`,
      );
    }
    if (rescue) rescue(code);
    else process.exit(code);
  });
  // A terminal that was closed: remarks have nowhere to go, and are no reason to lose work.
  process.stderr.on("error", () => {});
}

/**
 * Calls `listener` instead of ending the process when standard output fails, with the exit code to end with.
 *
 * @returns takes the listener away
 */
export function onStdoutFailure(listener: (code: number) => void): () => void {
  rescue = listener;
  return () => {
    rescue = undefined;
  };
}
