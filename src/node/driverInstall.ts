import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { Apt, type Package } from "./apt.ts";
import { aptFailure } from "./aptFailure.ts";
import { privateFolder } from "./cacheFolder.ts";
import { driverLink, hasProgram, type InstalledDriver, linkedDriver } from "./driver.ts";
import { unpackDriver } from "./driverUnpack.ts";
import { FileLock } from "./fileLock.ts";

const PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"];

/** The first version of Mesa whose software driver Dawn accepts. */
const MESA_MINIMUM = 23;

/** Releases of Debian with an older Mesa, whose backports have a newer one. */
const NEEDS_BACKPORTS = ["bookworm"];

/** Bytes on disk for apt's lists; and for a package, beside its own bytes, for what it unpacks to. */
const LIST_BYTES = 150e6;
const UNPACKED_SHARE = 5;

export interface InstallOptions {
  /** Throws where the driver in the folder does not work. */
  prove(folder: string, signal?: AbortSignal): Promise<void>;
  /** Installs also what is installed already. */
  readonly force?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Receives what is being done, often. */
  readonly onProgress?: (text: string) => void;
  /** Receives, once, what will be fetched. */
  readonly onPlan?: (packages: readonly Package[]) => void;
}

/**
 * Puts Mesa's software driver and all that it needs into the user's cache, from the packages of this machine's Debian
 * or Ubuntu, without root. It takes the place of one that is there in one step, and only once it is proved; whatever
 * goes wrong, nothing else is left behind.
 *
 * @returns the driver, and whether it is new: one of the same version is left as it is
 * @throws VoxtwirlError "unsupported", "io", "bad-file", "in-use" or "aborted" with what to do; what `prove` throws
 */
export async function installDriver(options: InstallOptions): Promise<{ driver: InstalledDriver; isNew: boolean }> {
  checkMachine();
  return inWorkFolder(async (work, lock) => {
    const { signal, onProgress, onPlan, force = false } = options;
    const percent = (share: number) => onProgress?.(`${doing} ${Math.round(share * 100)} %`);
    let doing = "reading lists of packages";
    onProgress?.(doing);
    checkSpace(work, LIST_BYTES);
    const apt = await Apt.create(join(work, "apt"), wantedBackports(), { signal, onProgress: percent });
    await apt.update();
    const planned = await apt.plan(PACKAGES);
    const version = checkVersion(planned);
    const before = linkedDriver();
    if (before?.version === version && !force) return { driver: before, isNew: false };
    const bytes = planned.reduce((sum, one) => sum + one.bytes, 0);
    checkSpace(work, bytes * (1 + UNPACKED_SHARE));
    onPlan?.(planned);
    doing = "downloading";
    await apt.download(PACKAGES, planned);
    onProgress?.("unpacking");
    await unpackDriver(planned, join(work, "root"), join(work, "driver"), signal);
    onProgress?.("trying the driver: compiling and running a kernel");
    await options.prove(join(work, "driver"), signal);
    // A process that was stopped for long may have lost it.
    await lock.check();
    return { driver: putInPlace(join(work, "driver")), isNew: true };
  }, options.onProgress);
}

/**
 * Removes the driver of `installDriver`. Processes that use it go on.
 *
 * @returns the folder it was in; undefined where there was none
 * @throws VoxtwirlError "io", or "in-use" while a driver is installed
 */
export async function removeDriver(): Promise<string | undefined> {
  if (!existsSync(dirname(driverLink()))) return undefined;
  return inWorkFolder(() => {
    const folder = existsSync(driverLink()) ? realpathSync(driverLink()) : undefined;
    rmSync(driverLink(), { force: true });
    removeOthers();
    return folder;
  });
}

/** Bytes of the files of a driver. */
export function driverBytes({ folder }: InstalledDriver): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

function checkMachine(): void {
  if (process.platform !== "linux" || !hasProgram("apt-get")) {
    const message = `The driver is made of packages of Debian or Ubuntu, with apt-get, and this is ${systemName()}.`;
    const fix = "Have mesa-vulkan-drivers (or vulkan-swrast) of Mesa 23 or later installed by this system's own means.";
    throw new VoxtwirlError(
      "unsupported",
      message,
      process.platform === "linux" ? fix : "Use this system's own driver.",
    );
  }
  const lacking = ["apt-config", "dpkg-deb", "ldd"].find((name) => !hasProgram(name));
  if (lacking === undefined) return;
  throw new VoxtwirlError("unsupported", `This machine has apt-get, but no ${lacking}.`, `Have ${lacking} installed.`);
}

/** What /etc/os-release says of this system. */
function release(): Record<string, string> {
  try {
    const rows = readFileSync("/etc/os-release", "utf8").matchAll(/^(\w+)=["']?(.*?)["']?$/gm);
    return Object.fromEntries(Array.from(rows, ([, name, value]) => [name!, value!]));
  } catch {
    return {};
  }
}

function systemName(): string {
  return process.platform === "linux" ? (release().PRETTY_NAME ?? "another Linux") : process.platform;
}

/** Names that apt's sources may have for a release of Debian whose own Mesa is too old; none for other releases. */
function wantedBackports(): string[] {
  const { VERSION_CODENAME, DEBIAN_CODENAME } = release();
  const name = NEEDS_BACKPORTS.find((old) => old === VERSION_CODENAME || old === DEBIAN_CODENAME);
  return name === undefined ? [] : [name, "oldstable", "stable"];
}

function checkVersion(planned: readonly Package[]): string {
  const version = planned.find(({ name }) => name === PACKAGES[0])?.version ?? "";
  const major = Number.parseInt(version.replace(/^\d+:/, ""), 10);
  if (major >= MESA_MINIMUM) return version;
  const message = `The newest Mesa that apt finds here is ${version || "none"}; WebGPU needs ${MESA_MINIMUM} or later.`;
  throw new VoxtwirlError("unsupported", message, `Use a newer release than ${systemName()}, or SwiftShader.`);
}

function checkSpace(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const megabytes = (count: number) => `${Math.ceil(count / 1e6)} MB`;
  const message = `${dirname(folder)} has ${megabytes(free)} free; installing takes ${megabytes(bytes)} for a while.`;
  throw new VoxtwirlError("io", message, "Free some space, or set XDG_CACHE_HOME to a folder on another disk.");
}

const LOCK_FIX = { inUse: "Wait until it is done, or end it there.", lost: "Start it again when no other one runs." };

/**
 * A folder to work in, which is removed in the end, as is what runs that were killed have left. One process at a time
 * has one, by a lock beside it.
 */
async function inWorkFolder<T>(
  body: (work: string, lock: FileLock) => Promise<T> | T,
  onRemark?: (text: string) => void,
): Promise<T> {
  const work = `${driverLink()}.partial.${randomBytes(4).toString("hex")}`;
  let lock: FileLock | undefined;
  try {
    privateFolder(dirname(work));
    lock = await FileLock.take(`${driverLink()}.lock`, { what: "The user's driver", fix: LOCK_FIX, onRemark });
    removeOthers();
    mkdirSync(work, { mode: 0o700 });
  } catch (cause) {
    lock?.release();
    if (cause instanceof VoxtwirlError && cause.code !== "io") throw cause;
    const fix = "Set XDG_CACHE_HOME to a folder of your own that you may write to.";
    throw new VoxtwirlError("io", `The user's cache cannot be used: ${(cause as Error).message}`, fix, { cause });
  }
  try {
    return await body(work, lock);
  } catch (error) {
    // The file system's own, such as a full disk.
    throw error instanceof Error && "syscall" in error ? aptFailure(error.message) : error;
  } finally {
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
    lock.release();
  }
}

/** Moves a driver to where it stays, and makes it the one that is used. */
function putInPlace(made: string): InstalledDriver {
  const unique = randomBytes(4).toString("hex");
  const folder = `${driverLink()}-${unique}`;
  renameSync(made, folder);
  const link = join(dirname(made), "link");
  symlinkSync(basename(folder), link);
  renameSync(link, driverLink());
  removeOthers();
  return linkedDriver()!;
}

/** Removes folders of drivers that are not the one in use. */
function removeOthers(): void {
  const link = driverLink();
  const used = existsSync(link) ? realpathSync(link) : undefined;
  for (const name of readdirSync(dirname(link))) {
    const path = join(dirname(link), name);
    const isDriver = new RegExp(`^${basename(link)}(-|\\.partial\\.)[0-9a-f]{8}$`).test(name);
    if (isDriver && realpathSync(path) !== used) rmSync(path, { recursive: true, force: true });
  }
}
