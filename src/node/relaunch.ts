import { spawn } from "node:child_process";
import { constants } from "node:os";
import { VoxtwirlError } from "../errors.ts";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGWINCH"] as const;

/** True in a process that `relaunch` has started, and in those it starts in turn: they must not start anew again. */
export function isRelaunched(): boolean {
  return Boolean(process.env.VOXTWIRL_RELAUNCHED);
}

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts this process anew with more environment variables and ends as the new one ends: with its exit code, or by the
 * signal that ended it. Standard input and output are shared and signals are passed on.
 *
 * The new process leads a session of its own, so that Ctrl-C reaches it once, through this process, rather than twice.
 *
 * @throws VoxtwirlError "no-adapter" when the process cannot be started
 */
export async function relaunch(environment: Record<string, string>): Promise<never> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: true,
    env: { ...process.env, ...environment, VOXTWIRL_RELAUNCHED: String(process.pid) },
  });
  const listeners = new Map<NodeJS.Signals, () => void>();
  const listen = (signal: NodeJS.Signals, listener: () => void) => {
    // Listeners that the program has set so far would act here on what is meant for the new process.
    process.removeAllListeners(signal);
    process.on(signal, listener);
    listeners.set(signal, listener);
  };
  for (const signal of FORWARDED) listen(signal, () => child.kill(signal));
  listen("SIGTSTP", () => {
    child.kill("SIGSTOP");
    process.kill(process.pid, "SIGSTOP");
  });
  listen("SIGCONT", () => child.kill("SIGCONT"));

  const { code, signal } = await new Promise<Ending>((resolve, reject) => {
    child.once("error", (error) => {
      const fix = "Set LD_LIBRARY_PATH and VK_ICD_FILENAMES yourself, or install a Vulkan driver.";
      reject(new VoxtwirlError("no-adapter", `The process could not be started anew: ${error.message}`, fix));
    });
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  for (const [name, listener] of listeners) process.removeListener(name, listener);
  if (signal !== null) {
    process.kill(process.pid, signal);
    // Only a signal that does not end this process leaves time to come here.
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  process.exit(code ?? 128 + constants.signals[signal!]);
}

let watching = false;

/** In a relaunched process: end when the process that started it is gone, even by SIGKILL, and not run on unseen. */
export function endWithParent(): void {
  // The variable passes on to processes that this one starts, whose channels are not ours.
  if (process.env.VOXTWIRL_RELAUNCHED !== String(process.ppid) || !process.channel || watching) return;
  watching = true;
  process.channel.unref();
  process.once("disconnect", () => process.kill(process.pid, "SIGHUP"));
}
