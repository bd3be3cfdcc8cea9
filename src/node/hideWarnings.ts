import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const STDERR = 2;
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY;

/**
 * What Dawn says of every driver of Mesa's, whose limits are above what WebGPU needs; and of a machine without a Vulkan
 * driver, with a place in its source code, where whoever asks finds no adapter and says so.
 */
const MEANINGLESS = [
  /^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced from .*\n/gm,
  /^Warning: vkCreateInstance: Found no drivers!\n/gm,
  /^Warning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER\n(\s+at .*\n)*\n?/gm,
];

/** What was written to standard error, without those warnings. */
export function withoutMeaningless(written: string): string {
  return MEANINGLESS.reduce((text, pattern) => text.replace(pattern, ""), written);
}

/**
 * Calls a function of native code and keeps its meaningless warnings, which it writes by itself, from a terminal or a
 * pipe; all else is passed on after the call. For the length of the call file descriptor 2 is another file, so this is
 * for programs of one's own, not for libraries. Linux; elsewhere, on files, and with VOXTWIRL_DEBUG set, a plain call.
 *
 * Two things are the caller's to know. Node has no dup2: descriptor 2 is closed, and opened again as the lowest that is
 * free, so no other thread may open a file at that moment; commands ask for an adapter while they have no other work.
 * Where native code ends the process within the call, its last words stay in the temporary file `voxtwirl-*`, and
 * VOXTWIRL_DEBUG=1 has them shown.
 */
export function withoutWarnings<T>(call: () => T): T {
  const restore = process.env.VOXTWIRL_DEBUG ? undefined : divert();
  if (!restore) return call();
  try {
    return call();
  } finally {
    restore();
  }
}

/** Puts a temporary file in the place of standard error. @returns what undoes it; undefined where it cannot be done */
function divert(): (() => void) | undefined {
  if (process.platform !== "linux") return undefined;
  // Opened now, Node's own stream on a terminal has a descriptor of its own.
  if (!process.stderr.isTTY && !isPipe()) return undefined;
  const path = join(tmpdir(), `voxtwirl-${randomBytes(8).toString("hex")}`);
  let original: number | undefined;
  let file: number | undefined;
  try {
    // As good as a copy of the descriptor, on a terminal or a pipe: these have no position.
    original = openSync("/proc/self/fd/2", APPEND);
    file = openSync(path, "ax+", 0o600);
  } catch {
    if (original !== undefined) closeSync(original);
    return undefined;
  }
  const use = (descriptor: number) => {
    closeSync(STDERR);
    openSync(`/proc/self/fd/${descriptor}`, APPEND);
  };
  use(file);
  return () => {
    use(original);
    closeSync(original);
    closeSync(file);
    const written = withoutMeaningless(readFileSync(path, "utf8"));
    unlinkSync(path);
    if (written) writeSync(STDERR, written);
  };
}

function isPipe(): boolean {
  return fstatSync(STDERR).isFIFO();
}
