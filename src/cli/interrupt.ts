import { constants } from "node:os";
import { onStdoutFailure } from "./stdout.ts";

/**
 * What asks a process to stop: a person (Ctrl-C, Ctrl-\, a closed terminal), a service, and batch systems ahead of a
 * limit (Slurm, Grid Engine and LSF send SIGUSR1 or SIGUSR2, the kernel SIGXCPU). Windows has some of them.
 */
const STOPPING = (["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"] as const).filter(
  (name) => name in constants.signals,
);

/** Whoever sends one of these twice wants no more waiting. The others come several times by themselves. */
const INSISTING: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGQUIT"];

/** Wrappers (`timeout`, the traps of batch scripts) pass on what the whole process group got: one request, twice. */
const SAME_REQUEST_MS = 250;

export interface InterruptOptions {
  /** What is finished first, for the remark: "the steps in flight". */
  readonly after: string;
  /** Shows a remark, once. */
  readonly warn: (text: string) => void;
  /** Standard output has failed, and `warn` follows: nothing more can be printed there. */
  readonly onOutputLost?: () => void;
}

export interface Interruptible {
  /** Aborted by the first signal, and when standard output fails. */
  readonly signal: AbortSignal;
  /** Exit code by what came first: 128 and the signal's number, or that of `onStdoutFailure`. 0 while nothing has. */
  readonly code: number;
  /** Whether standard output has failed: a reason to fail even where all the work was done. */
  readonly outputLost: boolean;
  /** From here on there is something to finish. Before, a signal ends the process at once (process.exit). */
  begin(): void;
  /**
   * Leaves standard output to what it does by itself, and signals too where none has come: after one the process is
   * about to end, and one more in these last moments must not change how.
   */
  end(): void;
}

/**
 * Lets a command finish and save what it has in hand when it is asked to stop.
 *
 * Ctrl-C, SIGTERM or SIGQUIT a second time end the process at once. One of another kind does not: LSF sends SIGINT and
 * then SIGTERM, Slurm SIGUSR1 and then SIGTERM, and each leaves time to save.
 */
export function interruptible({ after, warn, onOutputLost }: InterruptOptions): Interruptible {
  const controller = new AbortController();
  const firsts = new Map<NodeJS.Signals, number>();
  let code = 0;
  let begun = false;
  let outputLost = false;
  const stop = (why: number, remark: string) => {
    if (code === 0) code = why;
    if (!begun) process.exit(why);
    if (controller.signal.aborted) return;
    controller.abort();
    warn(remark);
  };
  const onSignal = (name: NodeJS.Signals) => {
    const why = 128 + constants.signals[name];
    const first = firsts.get(name);
    if (first === undefined) firsts.set(name, performance.now());
    else if (INSISTING.includes(name) && performance.now() - first > SAME_REQUEST_MS) process.exit(why);
    stop(why, `stopping after ${after}${name === "SIGINT" ? "; once more to stop at once" : ` (${name})`}`);
  };
  for (const name of STOPPING) process.on(name, onSignal);
  const unwatch = onStdoutFailure((why) => {
    outputLost = true;
    onOutputLost?.();
    stop(why, `standard output is closed: stopping after ${after}`);
  });
  return {
    signal: controller.signal,
    get code() {
      return code;
    },
    get outputLost() {
      return outputLost;
    },
    begin: () => {
      begun = true;
    },
    end: () => {
      unwatch();
      if (controller.signal.aborted) return;
      for (const name of STOPPING) process.off(name, onSignal);
    },
  };
}

/**
 * Node opens its debugger on SIGUSR1, which batch systems send for a warning. From here on the signal does what it does
 * to other programs: it ends the process where nobody listens.
 */
export function withoutDebugger(): void {
  if (!("SIGUSR1" in constants.signals)) return;
  const listener = () => {};
  // Taking the last listener away gives a signal back to the system, not to Node.
  process.on("SIGUSR1", listener).off("SIGUSR1", listener);
}
