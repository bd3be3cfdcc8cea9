import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { readTar } from "../../src/node/tar.ts";

const cache = fileURLToPath(new URL("../../.cache", import.meta.url));

/** Without the second, requestAdapter gives null; without the third, the packed Chromium does. */
const FLAGS = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/**
 * Starts the headless Chromium of the npm package @sparticuz/chromium, unpacked once into .cache, or the one that
 * VOXTWIRL_CHROMIUM names ("none" for none).
 *
 * @returns the browser, or why there is none on this machine
 */
export async function startChromium(): Promise<{ browser: Browser } | { missing: string }> {
  const named = process.env.VOXTWIRL_CHROMIUM;
  if (named === "none") return { missing: "VOXTWIRL_CHROMIUM is none" };
  if (named) return { browser: await launch(named) };
  const folder = packedFolder();
  if (typeof folder !== "string") return folder;
  const path = await unpack(folder);
  try {
    return { browser: await launch(path) };
  } catch (error) {
    if (!/error while loading shared libraries/.test(String(error))) throw error;
  }
  // The package brings the libraries that small systems lack, for Amazon's.
  return { browser: await launch(path, await unpackLibraries(folder)) };
}

/** The folder with the package's archives. */
function packedFolder(): string | { missing: string } {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { missing: `Chromium is packed for Linux on x64, this is ${process.platform} on ${process.arch}` };
  }
  try {
    return join(dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium")), "..", "..", "bin");
  } catch {
    return { missing: "the npm package @sparticuz/chromium is not installed" };
  }
}

async function unpack(folder: string): Promise<string> {
  const manifest = readFileSync(join(folder, "..", "package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const target = join(cache, `chromium-${version}`);
  await makeOnce(target, async (partial) => {
    // The package unpacks into the system's folder for temporary files, and takes what it finds there for whole.
    const { TMPDIR } = process.env;
    process.env.TMPDIR = partial;
    try {
      const { default: packed } = await import("@sparticuz/chromium");
      await packed.executablePath();
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
  });
  return join(target, "chromium");
}

/** Makes a folder that appears whole, once: another test file may be at it at the same time. */
async function makeOnce(target: string, make: (partial: string) => Promise<void> | void): Promise<void> {
  if (existsSync(target)) return;
  const partial = `${target}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    await make(partial);
    renameSync(partial, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function unpackLibraries(folder: string): Promise<string> {
  const target = join(cache, "chromium-libraries");
  await makeOnce(target, (partial) => {
    const files = readTar(brotliDecompressSync(readFileSync(join(folder, "al2023.tar.br"))));
    for (const [name, data] of files) writeFileSync(join(partial, name.replace(/^lib\//, "")), data, { mode: 0o755 });
  });
  return target;
}

function launch(executablePath: string, libraries?: string): Promise<Browser> {
  // Chromium has a Vulkan loader and SwiftShader of its own: the tests' would be in their way.
  const { LD_LIBRARY_PATH: _, VK_ICD_FILENAMES: __, VK_DRIVER_FILES: ___, ...rest } = process.env;
  const env = { ...rest, ...(libraries && { LD_LIBRARY_PATH: libraries }) } as Record<string, string>;
  return chromium.launch({ executablePath, args: FLAGS, env, timeout: 60_000 });
}
