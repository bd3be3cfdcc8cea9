import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { VoxtwirlError } from "../errors.ts";
import { cacheFolders, privateFolder } from "./cacheFolder.ts";
import type { UnpackedDriver } from "./driver.ts";
import { readTar } from "./tar.ts";

/** Files taken from the package's archive: the driver, its manifest, and a Vulkan loader for machines without one. */
const FILES = ["libvk_swiftshader.so", "libvulkan.so.1", "vk_swiftshader_icd.json"];

/** How to get the package with SwiftShader: the last version that runs on Node 20. */
const INSTALL = "npm install @sparticuz/chromium@147.0.0";

/**
 * Finds the archive with SwiftShader in the npm package @sparticuz/chromium.
 *
 * @returns its path, or why there is none for this machine and the command that adds it where one does
 */
export function findSwiftShaderArchive(): { path: string } | { missing: string; install?: string } {
  if (process.env.VOXTWIRL_NO_SWIFTSHADER) return { missing: "VOXTWIRL_NO_SWIFTSHADER is set" };
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { missing: `SwiftShader is packed for Linux on x64, this is ${process.platform} on ${process.arch}` };
  }
  try {
    // The package exports its main module only, build/cjs/index.cjs; bin lies two folders up.
    const main = createRequire(import.meta.url).resolve("@sparticuz/chromium");
    const path = join(dirname(main), "..", "..", "bin", "swiftshader.tar.br");
    if (existsSync(path)) return { path };
  } catch {
    // Not installed: the sentence below says so.
  }
  return { missing: "the npm package @sparticuz/chromium is not installed", install: INSTALL };
}

/**
 * Unpacks SwiftShader into a cache folder named after its contents, once per user, and says where it lies.
 *
 * The folder appears atomically, so processes that unpack at the same time do not disturb each other.
 *
 * @throws VoxtwirlError "no-adapter" where there is no archive for this machine, "io" where nothing can be written
 */
export function unpackSwiftShader(): UnpackedDriver {
  const archive = findSwiftShaderArchive();
  if ("missing" in archive) {
    const fix = `Install it with: ${INSTALL} (Linux on x64)`;
    throw new VoxtwirlError("no-adapter", `There is no SwiftShader: ${archive.missing}.`, fix);
  }
  const packed = readFileSync(archive.path);
  const name = `swiftshader-${createHash("sha256").update(packed).digest("hex").slice(0, 16)}`;
  let failure: unknown;
  for (const cache of cacheFolders()) {
    try {
      const folder = join(privateFolder(cache), name);
      if (!isComplete(folder)) unpackInto(folder, packed);
      return { folder, icd: join(folder, "vk_swiftshader_icd.json") };
    } catch (error) {
      failure = error;
    }
  }
  const fix = "Set XDG_CACHE_HOME to a folder you may write to.";
  throw new VoxtwirlError("io", `SwiftShader could not be unpacked: ${String(failure)}`, fix, { cause: failure });
}

function isComplete(folder: string): boolean {
  return FILES.every((name) => existsSync(join(folder, name)));
}

function unpackInto(folder: string, packed: Uint8Array): void {
  const files = readTar(brotliDecompressSync(packed));
  const partial = `${folder}.${process.pid}-${randomBytes(4).toString("hex")}`;
  mkdirSync(partial);
  try {
    for (const name of FILES) {
      const data = files.get(name);
      if (!data) throw new Error(`the archive has no ${name}`);
      writeFileSync(join(partial, name), data, { mode: 0o755 });
    }
    // An incomplete folder can only be what a cleaner of temporary files has left.
    if (existsSync(folder) && !isComplete(folder)) rmSync(folder, { recursive: true, force: true });
    try {
      renameSync(partial, folder);
    } catch (error) {
      if (!isComplete(folder)) throw error;
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
