import { mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import type { Package } from "./apt.ts";
import { aptFailure } from "./aptFailure.ts";
import { DRIVER_ICD, DRIVER_LIBRARY, DRIVER_MANIFEST, LOADER_LIBRARY } from "./driver.ts";
import { runProgram } from "./runProgram.ts";

/** Every process has the machine's own of these, and no other would go with them. */
const OF_THE_MACHINE = /^(libc6|libc-bin|libgcc-s1|libstdc\+\+6|gcc-\d+-base)$/;

/**
 * Unpacks packages and puts the driver, Vulkan's loader and the libraries that they need into one folder.
 *
 * @param root folder to unpack into, on one disk with `folder`; both are made
 * @throws VoxtwirlError "unsupported" where the driver needs something that neither the packages nor the machine have
 */
export async function unpackDriver(
  packages: readonly Package[],
  root: string,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  mkdirSync(root);
  mkdirSync(folder);
  for (const { path } of packages.filter(({ name }) => !OF_THE_MACHINE.test(name))) {
    const { code, stderr } = await runProgram(["dpkg-deb", "-x", path, root], { signal });
    if (code !== 0) throw aptFailure(stderr);
  }
  const folders = libraryFolders(root);
  const driver = find(DRIVER_LIBRARY, folders);
  const loader = find(LOADER_LIBRARY, folders);
  const needed = await inLoadingOrder([driver, loader], root, folders, signal);
  for (const path of [driver, loader, ...needed]) renameSync(realpathSync(path), join(folder, basename(path)));
  const { api_version } = readIcd(root);
  const icd = { file_format_version: "1.0.0", ICD: { library_path: `./${DRIVER_LIBRARY}`, api_version } };
  writeFileSync(join(folder, DRIVER_ICD), `${JSON.stringify(icd)}\n`);
  const manifest = {
    version: packages.find(({ name }) => name === "mesa-vulkan-drivers")?.version,
    packages: packages.map(({ name, version }) => `${name}_${version}`),
    libraries: needed.map((path) => basename(path)),
  };
  writeFileSync(join(folder, DRIVER_MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** lib and usr/lib, each with the folder of the processor's kind (x86_64-linux-gnu). */
function libraryFolders(root: string): string[] {
  return ["usr/lib", "lib"].flatMap((name) => {
    const folder = join(root, name);
    const inside = list(folder).filter((entry) => entry.endsWith("-linux-gnu"));
    return [...inside.map((entry) => join(folder, entry)), folder];
  });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function find(library: string, folders: readonly string[]): string {
  const folder = folders.find((candidate) => list(candidate).includes(library));
  if (folder !== undefined) return join(folder, library);
  throw new VoxtwirlError("unsupported", `The packages of this release have no ${library}.`, "Use a newer release.");
}

function readIcd(root: string): { api_version?: string } {
  const folder = join(root, "usr", "share", "vulkan", "icd.d");
  const name = list(folder).find((entry) => entry.startsWith("lvp_icd"));
  if (name === undefined) return {};
  return (JSON.parse(readFileSync(join(folder, name), "utf8")) as { ICD: { api_version?: string } }).ICD;
}

/** What libraries need of what lies below `root`: those that need fewer first, which is each after what it needs. */
async function inLoadingOrder(
  libraries: readonly string[],
  root: string,
  folders: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const env = { LD_LIBRARY_PATH: folders.join(":") };
  const needs = async (library: string) => {
    const { stdout, stderr } = await runProgram(["ldd", library], { env, signal });
    const lacking = /^.*not found.*$/m.exec(`${stdout}\n${stderr}`)?.[0];
    if (lacking !== undefined) {
      const message = `The driver needs what this machine does not have: ${lacking.replace(root, "").trim()}`;
      throw new VoxtwirlError("unsupported", message, "Have apt's sources name the release that this machine runs.");
    }
    return [...stdout.matchAll(/ => (.+) \(0x/g)].map((match) => match[1]!);
  };
  const all = new Set((await Promise.all(libraries.map(needs))).flat().filter((path) => path.startsWith(`${root}/`)));
  const counted: { path: string; count: number }[] = [];
  for (const path of all) counted.push({ path, count: (await needs(path)).length });
  return counted.sort((a, b) => a.count - b.count).map(({ path }) => path);
}
