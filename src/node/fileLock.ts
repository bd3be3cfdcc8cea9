/** A lock that is a file: one process at a time, also on a file system that machines share. */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { VoxtwirlError } from "../errors.ts";
import { ioError, temporaryPath } from "./files.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { isGone, thisProcess, type ProcessIdentity } from "./processIdentity.ts";

/** Its holder shows that it lives this often. */
const BEAT_MS = 5000;
/** A holder that cannot be seen from here is taken for dead after this many missed beats ... */
const SILENT_BEATS = 12;
/** ... and some that were waited for: a server that comes back has beats to catch up with. */
const WATCHED_BEATS = 2.5;

export interface FileLockOptions {
  /** What it guards, for messages. */
  readonly what: string;
  /** What to do where another process has it, and where it was lost to another one, for messages. */
  readonly fix: { readonly inUse: string; readonly lost: string };
  /** Takes the lock whoever holds it. A holder that still runs stops before its next write. */
  readonly takeOver?: boolean | undefined;
  /** Shows a remark: that it waits, that a dead process's lock is taken over. */
  readonly onRemark?: ((text: string) => void) | undefined;
  /** Called once the lock is given back or was not to be had, also when the process exits. */
  readonly onRelease?: (() => void) | undefined;
  readonly beatMs?: number | undefined;
}

/** What a lock file says. */
interface Seen {
  /** Its first line, which never changes. */
  readonly head: string;
  readonly holder: (ProcessIdentity & { readonly since: string; readonly beatMs: number }) | undefined;
  /** Changes with every beat. */
  readonly beat: string;
  /** Milliseconds, by the file system's clock. */
  readonly modified: number;
}

const held = new Set<FileLock>();

/**
 * The file holds a line about its process and a count of heartbeats. It is made exclusively (O_EXCL), which shared file
 * systems do right, and needs no flock.
 *
 * A lock is dead when its process is gone, or has another start time (same machine and container), or, elsewhere, when
 * its heartbeat has been silent for a minute. It passes on to the one process that makes the file PATH.TAG, TAG being
 * that of the dead lock, and renames it to PATH: only while it is there may that lock be replaced.
 */
export class FileLock {
  readonly path: string;
  readonly #options: FileLockOptions;
  readonly #head: string;
  #stopHeartbeat = () => {};

  private constructor(path: string, options: FileLockOptions) {
    this.path = path;
    this.#options = options;
    const since = new Date().toISOString();
    const holder = { ...thisProcess(), since, beatMs: options.beatMs ?? BEAT_MS, id: randomBytes(8).toString("hex") };
    this.#head = `${JSON.stringify(holder)}\n`;
  }

  /**
   * @throws VoxtwirlError "in-use" where another process holds the lock, naming it; "io" when the file system refuses
   */
  static async take(path: string, options: FileLockOptions): Promise<FileLock> {
    const lock = new FileLock(path, options);
    if (held.size === 0) process.on("exit", releaseAll);
    held.add(lock);
    try {
      await lock.#take(path, options.takeOver);
    } catch (error) {
      lock.release();
      throw error;
    }
    lock.#stopHeartbeat = startHeartbeat(path, lock.#head, options.beatMs ?? BEAT_MS);
    return lock;
  }

  /**
   * To be called before each write: a process that was stopped for long may have lost its lock.
   *
   * @throws VoxtwirlError "in-use" where it has, or has given it back
   */
  async check(): Promise<void> {
    const { what, fix } = this.#options;
    if (!held.has(this)) throw new VoxtwirlError("in-use", `${what} was closed`, "Open it again to write it.");
    const seen = await readLock(this.path);
    if (seen?.head === this.#head) return;
    // Gone, it may have been another's that has done its work.
    const why = seen ? `now belongs to ${describe(seen)}` : `has lost its lock ${this.path}`;
    throw new VoxtwirlError("in-use", `${what} ${why}: it was taken over, or somebody removed the lock`, fix.lost);
  }

  /** Gives the lock back, unless another process has it by now. */
  release(): void {
    if (!held.delete(this)) return;
    if (held.size === 0) process.off("exit", releaseAll);
    this.#stopHeartbeat();
    try {
      if (readFileSync(this.path, "utf8").startsWith(this.#head)) unlinkSync(this.path);
    } catch {
      // Out of reach or gone: others see that this process has ended.
    }
    this.#options.onRelease?.();
  }

  async #take(path: string, takeOver = false): Promise<void> {
    for (;;) {
      if (await this.#create(path)) return;
      const seen = await readLock(path);
      if (seen === undefined) continue;
      const why = takeOver ? "as asked" : await this.#whyDead(path, seen);
      if (why === undefined) continue;
      const claim = `${path}.${createHash("sha256").update(seen.head).digest("hex").slice(0, 8)}`;
      await this.#take(claim);
      if (!(await replaced(path, claim, seen))) continue;
      this.#options.onRemark?.(`${this.#options.what}: taken over from ${describe(seen)}, ${why}`);
      return;
    }
  }

  /**
   * Makes the file; false where it is there. In one go, as a signal may end the process between two steps, and leave
   * a file of which nobody knows whose it is.
   */
  async #create(path: string): Promise<boolean> {
    let file: number | undefined;
    try {
      file = openSync(path, "wx");
      writeSync(file, `${this.#head}${"0".padStart(12)}\n`);
      closeSync(file);
    } catch (error) {
      if (file !== undefined) discard(file, path);
      else if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw ioError(error, "write", path);
    }
    return (await readLock(path))?.head === this.#head;
  }

  /**
   * Why a lock is dead; undefined when it has changed hands meanwhile.
   *
   * @throws VoxtwirlError "in-use" where it is not
   */
  async #whyDead(path: string, first: Seen): Promise<string | undefined> {
    const { holder } = first;
    const gone = holder ? isGone(holder) : undefined;
    if (gone) return "which is gone";
    if (gone === false) throw this.#inUse(first, "which is running");
    const beatMs = holder?.beatMs ?? BEAT_MS;
    const silentBefore = (await fileSystemNow(this.path)) - first.modified;
    const from = performance.now();
    for (let told = false; ; told = true) {
      const seen = await readLock(path);
      if (seen?.head !== first.head) return undefined;
      if (seen.beat !== first.beat || seen.modified !== first.modified) {
        throw this.#inUse(first, "whose last sign of life was just now");
      }
      const watched = performance.now() - from;
      // The file's time may lie in the future: a copy, a clock that was set.
      const silent = Math.max(silentBefore + watched, watched);
      if (silent > SILENT_BEATS * beatMs && watched > WATCHED_BEATS * beatMs) {
        return `which has shown no sign of life for ${Math.round(silent / 1000)} s`;
      }
      if (!told) {
        const most = Math.ceil(Math.max(SILENT_BEATS * beatMs - silent, WATCHED_BEATS * beatMs) / 1000);
        const { what, onRemark } = this.#options;
        onRemark?.(`${what} belongs to ${describe(first)}: watching for up to ${most} s whether it lives`);
      }
      await sleep(beatMs / 4);
    }
  }

  #inUse(seen: Seen, state: string): VoxtwirlError {
    const { what, fix } = this.#options;
    return new VoxtwirlError("in-use", `${what} is being written by ${describe(seen)}, ${state}`, fix.inUse);
  }
}

/** Puts the claim in the place of the lock that was judged dead, if that is what still lies there; else removes it. */
async function replaced(path: string, claim: string, dead: Seen): Promise<boolean> {
  try {
    if ((await readLock(path))?.head === dead.head) {
      await rename(claim, path);
      return true;
    }
  } catch (error) {
    await rm(claim, { force: true }).catch(() => {});
    throw ioError(error, "write", path);
  }
  await rm(claim, { force: true }).catch(() => {});
  return false;
}

/** Takes away a file that could not be written whole. */
function discard(file: number, path: string): void {
  for (const step of [() => closeSync(file), () => unlinkSync(path)]) {
    try {
      step();
    } catch {
      // Closing may be what has failed before.
    }
  }
}

function releaseAll(): void {
  for (const lock of [...held]) lock.release();
}

async function readLock(path: string): Promise<Seen | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const text = await file.readFile("utf8");
    const { mtimeMs } = await file.stat();
    const head = text.slice(0, text.indexOf("\n") + 1);
    return { head, holder: parseHolder(head), beat: text.slice(head.length), modified: mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw ioError(error, "read", path);
  } finally {
    await file?.close().catch(() => {});
  }
}

/** Undefined for a line that is no holder: of a process that died while it wrote. */
function parseHolder(line: string): Seen["holder"] {
  try {
    const holder = JSON.parse(line) as NonNullable<Seen["holder"]>;
    const { host, pid, since, beatMs } = holder;
    const named = typeof host === "string" && Number.isSafeInteger(pid) && pid > 0 && typeof since === "string";
    return named && beatMs > 0 && beatMs <= 60_000 ? holder : undefined;
  } catch {
    return undefined;
  }
}

function describe({ holder }: Seen): string {
  if (!holder) return "an unknown process";
  const { host, pid, since } = holder;
  const here = thisProcess();
  const self = holder.place === here.place && host === here.host && pid === here.pid;
  return `${self ? "this process" : `process ${pid} on ${host}`} (since ${since.slice(0, 19).replace("T", " ")} UTC)`;
}

/** The time of the file system that a path lies on, in milliseconds: that of a new file beside it. */
async function fileSystemNow(path: string): Promise<number> {
  const probe = temporaryPath(path);
  let file: FileHandle | undefined;
  try {
    file = await open(probe, "wx");
    await file.writeFile("\n");
    return (await file.stat()).mtimeMs;
  } catch (error) {
    throw ioError(error, "write", probe);
  } finally {
    await file?.close().catch(() => {});
    if (file) await rm(probe, { force: true }).catch(() => {});
  }
}
