/** Which process this is, said so that another one can tell whether it still runs. */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Where `pid` means this process: the machine's boot and the PID namespace. Left out where there is no /proc. */
  readonly place?: string;
  /** When it started, in clock ticks since the boot: a later process with the same number has another. */
  readonly started?: string;
}

export function thisProcess(): ProcessIdentity {
  const identity = { host: hostname(), pid: process.pid };
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const place = `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
    return { ...identity, place, started: processStat("self")!.started };
  } catch {
    return identity;
  }
}

/**
 * Whether a process is gone; undefined where that cannot be seen from here: on another machine, in another container,
 * or where its number may have passed on to another process.
 */
export function isGone({ host, pid, place, started }: ProcessIdentity): boolean | undefined {
  const here = thisProcess();
  if (place !== here.place || (place === undefined && host !== here.host)) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Of another user's process we may not ask, but then it is there.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
  }
  const stat = processStat(pid);
  return stat && (stat.ended || stat.started !== started);
}

/** Undefined where /proc does not show the process, if there is a /proc at all. */
function processStat(pid: number | "self"): { ended: boolean; started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may hold anything. After it the state comes first, and the start time is the 20th.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { ended: ["Z", "X"].includes(fields[0]!), started: fields[19]! };
  } catch {
    return undefined;
  }
}
