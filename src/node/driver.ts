import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { cacheFolders, checkPrivate } from "./cacheFolder.ts";
import { loadLibrary } from "./loadLibrary.ts";

/** A folder to take the driver from, before the system's own; or "none". */
export const DRIVER_VARIABLE = "VOXTWIRL_DRIVER";

/** Mesa's software driver, Vulkan's loader, and the driver's manifest, in the folder of an installed driver. */
export const DRIVER_LIBRARY = "libvulkan_lvp.so";
export const LOADER_LIBRARY = "libvulkan.so.1";
export const DRIVER_ICD = "lvp_icd.json";
/** Written by `installDriver`: what it put there. */
export const DRIVER_MANIFEST = "driver.json";

/** A driver that lies in a folder with a Vulkan loader and all that they need. */
export interface UnpackedDriver {
  readonly folder: string;
  /** The driver's manifest, for VK_ICD_FILENAMES. */
  readonly icd: string;
}

/** Mesa's software driver, put into the user's cache by `voxtwirl driver install`. */
export interface InstalledDriver extends UnpackedDriver {
  /** Of the package mesa-vulkan-drivers, such as "25.0.7-2~bpo12+1". */
  readonly version: string;
  /** File names of the libraries that the driver needs, each after those that it needs itself. */
  readonly libraries: readonly string[];
  /** It is asked for by VOXTWIRL_DRIVER. */
  readonly chosen: boolean;
}

/** Where this machine's kind of processor has its driver: a link to the folder, which is replaced in one step. */
export function driverLink(): string {
  return join(cacheFolders()[0]!, `driver-${process.arch}`);
}

/**
 * The driver of `voxtwirl driver install`, if there is one that nobody else can have written.
 *
 * @throws VoxtwirlError "no-adapter" where VOXTWIRL_DRIVER names a folder that has none
 */
export function installedDriver(): InstalledDriver | undefined {
  const named = process.env[DRIVER_VARIABLE];
  if (process.platform !== "linux" || named === "none") return undefined;
  if (!named) return linkedDriver();
  try {
    return { ...readDriver(named), chosen: true };
  } catch (cause) {
    const fix = `Unset ${DRIVER_VARIABLE}, or name the folder that voxtwirl driver install made.`;
    throw new VoxtwirlError(
      "no-adapter",
      `${DRIVER_VARIABLE}=${named} is no driver: ${(cause as Error).message}`,
      fix,
      { cause },
    );
  }
}

/** The driver in the user's cache, whatever VOXTWIRL_DRIVER says. */
export function linkedDriver(): InstalledDriver | undefined {
  try {
    return readDriver(driverLink());
  } catch {
    return undefined;
  }
}

function readDriver(path: string): InstalledDriver {
  const folder = realpathSync(path);
  checkPrivate(folder);
  const manifest = JSON.parse(readFileSync(join(folder, DRIVER_MANIFEST), "utf8")) as InstalledDriver;
  const { version, libraries } = manifest;
  return { folder, icd: join(folder, DRIVER_ICD), version, libraries, chosen: false };
}

/**
 * Loads what the driver needs, to be found where it lies. To be done before drivers of the system load: of libraries
 * with one name a process has the first, and these are as new as the driver, which the system's need not be.
 *
 * @returns undefined, or what does not load
 */
export function loadDriverLibraries({ folder, libraries }: InstalledDriver): string | undefined {
  for (const name of libraries) {
    const why = loadLibrary(join(folder, name));
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Whether this process has loaded the driver itself. */
export function isDriverLoaded({ folder }: UnpackedDriver): boolean {
  return readFileSync("/proc/self/maps", "utf8").includes(join(folder, DRIVER_LIBRARY));
}

/** How to get a fast software driver on this machine. */
export function driverAdvice(): string {
  if (hasProgram("apt-get")) return "npx voxtwirl driver install (needs no root)";
  return "install Mesa 25 or later (mesa-vulkan-drivers or vulkan-swrast)";
}

/** Whether a program is found along PATH. */
export function hasProgram(name: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));
}

/** Variables with which a process started anew has that driver alone. Newer loaders prefer VK_DRIVER_FILES. */
export function driverEnvironment({ folder, icd }: UnpackedDriver): Record<string, string> {
  const path = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  return { ...icdVariables(icd), LD_LIBRARY_PATH: path };
}

/** Makes the Vulkan loader use one driver alone. */
export function icdVariables(icd: string): Record<string, string> {
  return { VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd };
}
