// What goes into the offline archive, for bundle-offline.mjs.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { extract } from "tar-stream";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** e_machine of ELF files. */
const MACHINES = { "linux-x64": 62, "linux-arm64": 183 };
export const platforms = Object.keys(MACHINES);

/** Libraries that a machine with glibc has, or that the archive brings. */
const COMMON = /^(linux-vdso|libc|libm|libdl|libpthread|librt|libatomic|libgcc_s|libstdc\+\+)\.so|ld-linux/;

/**
 * Everything that goes into the archive.
 *
 * @param options `dist`: folder with the built code; `platform`; `node`: Node's binary for it; `swiftshader`: whether
 *   to bring it; `loader`: a Vulkan loader's file, else the one that comes with SwiftShader, else this system's
 * @returns `files`: `{ path, data, mode, part }`; `notes`: what could not be done
 * @throws Error saying what is missing
 */
export async function offlineFiles({ dist, platform, node, swiftshader, loader }) {
  const notes = [];
  const files = [];
  const add = (part, path, data, mode = 0o644) => files.push({ part, path, data: Buffer.from(data), mode });
  const own = platform === `${process.platform}-${process.arch}`;

  checkNode(node, platform, own);
  add("Node", "bin/node", stripped(node, notes), 0o755);
  const webgpu = packageFolder("webgpu");
  const dawn = join(webgpu, "dist", platform, "dawn.node");
  if (!existsSync(dawn)) throw new Error(`the npm package webgpu has nothing for ${platform}: ${relative(root, dawn)}`);
  add("Dawn", `node_modules/webgpu/dist/${platform}/dawn.node`, stripped(dawn, notes), 0o755);
  for (const name of ["package.json", "index.js", "LICENSE.md"]) {
    add("Dawn", `node_modules/webgpu/${name}`, readFileSync(join(webgpu, name)));
  }
  const ocl = packageFolder("openchemlib");
  for (const name of ["package.json", "dist/openchemlib.js", "LICENSE"]) {
    add("openchemlib", `node_modules/openchemlib/${name}`, readFileSync(join(ocl, name)));
  }
  const commander = packageFolder("commander");
  for (const name of ["package.json", "index.js", "esm.mjs", "LICENSE"]) {
    add("commander", `node_modules/commander/${name}`, readFileSync(join(commander, name)));
  }
  addFolder("commander", join(commander, "lib"), "node_modules/commander/lib");
  addFolder("voxtwirl", dist, "dist", (path) => !path.startsWith("types/"));
  addFolder("voxtwirl", join(root, "shaders"), "shaders");
  // The one peer of the benchmark that machines bring themselves.
  addFolder("voxtwirl", join(root, "bench", "peers"), "bench/peers", (path) => /^[^/]+\.py$/.test(path));
  add("voxtwirl", "package.json", manifest());
  add("voxtwirl", "LICENSE", readFileSync(join(root, "LICENSE")));
  for (const name of ["README", "environment.mjs"]) add("voxtwirl", name, script(name));
  add("voxtwirl", "run.sh", script("run.sh"), 0o755);
  await addVulkan();
  const sums = files.map(({ path, data }) => `${createHash("sha256").update(data).digest("hex")}  ${path}`);
  add("voxtwirl", "SHA256SUMS", `${sums.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join("\n")}\n`);
  return { files, notes };

  function addFolder(part, folder, target, wanted = () => true) {
    for (const item of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(item.parentPath ?? item.path, item.name);
      const name = relative(folder, path);
      if (item.isFile() && wanted(name)) add(part, `${target}/${name}`, readFileSync(path));
    }
  }

  async function addVulkan() {
    const packed = platform === "linux-x64" && packageFolder("@sparticuz/chromium", false);
    const archive = packed && join(packed, "bin", "swiftshader.tar.br");
    if (swiftshader) {
      if (!archive) throw new Error(`npm's @sparticuz/chromium has no SwiftShader for ${platform}: --no-swiftshader`);
      const target = "node_modules/@sparticuz/chromium";
      for (const name of ["package.json", "build/cjs/index.cjs", "bin/swiftshader.tar.br"]) {
        add("SwiftShader", `${target}/${name}`, readFileSync(join(packed, name)));
      }
    }
    // Chromium's loader runs with older C libraries than a distribution's.
    const packedOrOwn = () => (archive ? member(archive, "libvulkan.so.1") : systemLibrary("libvulkan.so.1", own));
    const data = loader ? readFileSync(loader) : await packedOrOwn();
    if (!data) throw new Error("no Vulkan loader is found: install libvulkan1, or name one with --loader FILE");
    add("Vulkan loader", "lib/vulkan/libvulkan.so.1", data, 0o755);
    for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) {
      const library = systemLibrary(name, own);
      if (library) add("C++ library", `lib/cxx/${name}`, library, 0o755);
      else notes.push(`${name} is not found here and left out: the machine needs its own`);
    }
  }
}

const script = (name) => readFileSync(new URL(name, import.meta.url));

/** The package's manifest without what only a checkout needs, and the commit, as npm names it. */
function manifest() {
  const { name, version, description, license, type, engines } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const options = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  const git = (...args) => execFileSync("git", args, options).trim();
  let commit = {};
  try {
    commit = {
      gitHead: git("rev-parse", "HEAD"),
      gitDirty: git("status", "--porcelain", "--untracked-files=no") !== "",
    };
  } catch {
    // Not a checkout.
  }
  const manifest = { name, version, private: true, description, license, type, engines, ...commit };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function packageFolder(name, required = true) {
  const folder = join(root, "node_modules", name);
  if (existsSync(join(folder, "package.json"))) return folder;
  if (required) throw new Error(`the npm package ${name} is not installed: npm ci`);
  return undefined;
}

function checkNode(path, platform, own) {
  const start = readFileSync(path).subarray(0, 20);
  const isElf = start.toString("latin1", 0, 4) === "\x7fELF";
  if (!isElf || start.readUInt16LE(18) !== MACHINES[platform]) {
    throw new Error(`${path} is not a Node for ${platform}: name one with --node FILE (nodejs.org has them)`);
  }
  const { stdout } = own ? spawnSync("ldd", [path], { encoding: "utf8" }) : { stdout: "" };
  const needed = [...(stdout ?? "").matchAll(/^\s*(\S+)(?: =>| \()/gm)].map((match) => match[1]);
  const others = needed.filter((name) => !COMMON.test(name.split("/").at(-1)));
  if (others.length > 0) {
    throw new Error(
      `${path} needs ${others.join(", ")}, which other machines lack: name nodejs.org's with --node FILE`,
    );
  }
}

/** An executable or library without debugging information; as it is where there is no strip for it. */
function stripped(path, notes) {
  const folder = mkdtempSync(join(tmpdir(), "voxtwirl-strip-"));
  try {
    const copy = join(folder, "file");
    copyFileSync(path, copy);
    const { status } = spawnSync("strip", [copy], { stdio: "ignore" });
    if (status !== 0) {
      notes.push(`${path} is packed with its symbols: strip (of binutils) is not there or cannot read it`);
    }
    return readFileSync(status === 0 ? copy : path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function member(archive, wanted) {
  const entries = Readable.from([brotliDecompressSync(readFileSync(archive))]).pipe(extract());
  for await (const entry of entries) {
    if (entry.header.name.replace(/^\.\//, "") === wanted) return buffer(entry);
    entry.resume();
  }
  throw new Error(`${archive} has no ${wanted}`);
}

/** A library of this system, found where its linker would. */
function systemLibrary(name, own) {
  if (!own) return undefined;
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  const { stdout } = spawnSync("ldconfig", ["-p"], { encoding: "utf8", env });
  const arch = process.arch === "x64" ? "x86-64" : "AArch64";
  const line = (stdout ?? "").split("\n").find((text) => text.trim().startsWith(`${name} `) && text.includes(arch));
  const path = line?.split("=> ")[1];
  return path && existsSync(path) ? readFileSync(path) : undefined;
}
