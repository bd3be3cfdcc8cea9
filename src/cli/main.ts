#!/usr/bin/env node
import { CommanderError } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import { withoutDebugger } from "./interrupt.ts";
import { runProgram } from "./program.ts";
import { watchStdout } from "./stdout.ts";

/**
 * Prints an error the way a user can act on it; a stack only for what is our mistake, or on request.
 *
 * @returns the exit code: 1 failed, 2 called wrongly
 */
function report(error: unknown): number {
  if (error instanceof CommanderError) return 0;
  const debug = Boolean(process.env.VOXTWIRL_DEBUG);
  if (error instanceof VoxtwirlError) {
    process.stderr.write(`voxtwirl: ${error.message}\n  ${error.fix}\n`);
    if (debug) process.stderr.write(`${error.stack}\n`);
    return error.code === "bad-option" ? 2 : 1;
  }
  process.stderr.write(`voxtwirl: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}

withoutDebugger();
watchStdout();

// Commands set the exit code (0 done, 128 and the signal's number where one ended a run early) rather than exit: what
// was written to a pipe still has to reach it.
await runProgram(process.argv.slice(2)).catch((error: unknown) => {
  process.exitCode = report(error);
});
