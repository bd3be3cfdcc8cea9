// `npm run bundle:offline [-- OPTIONS]`: one archive that runs on a Linux machine without Node and without a network.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import { build } from "./build.mjs";
import { offlineFiles, platforms } from "./offline/files.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What people still like to send. */
export const BUDGET = 60 * 2 ** 20;

const USAGE = `npm run bundle:offline -- [OPTIONS]
  --out FILE           the archive, .tar.xz or .tar.gz (default .cache/offline/voxtwirl-offline-PLATFORM.tar.xz)
  --platform PLATFORM  ${platforms.join(" or ")} (default: this one)
  --node FILE          Node's binary for it (default: the one that runs this)
  --loader FILE        a Vulkan loader for it, for machines that have none
  --no-swiftshader     leave the software driver out
  --level 0..9         of the compression (default 9)`;

/**
 * Makes the archive.
 *
 * @returns its path, size, sha256, the sizes of its parts before compression, and notes
 * @throws Error saying what is missing, or by how much it is too large
 */
export async function bundleOffline({
  out,
  platform = `${process.platform}-${process.arch}`,
  level = 9,
  ...rest
} = {}) {
  if (!platforms.includes(platform)) throw new Error(`${platform} is not one of ${platforms.join(", ")}: --platform`);
  const own = platform === `${process.platform}-${process.arch}`;
  const node = rest.node ?? (own ? realpathSync(process.execPath) : undefined);
  if (!node) throw new Error(`this Node is not for ${platform}: name one that is with --node FILE`);
  const target = resolve(out ?? join(root, ".cache", "offline", `voxtwirl-offline-${platform}.tar.xz`));
  if (!/\.tar\.(xz|gz)$/.test(target)) throw new Error(`${out} ends neither in .tar.xz nor in .tar.gz`);
  mkdirSync(dirname(target), { recursive: true });
  const dist = `${target}.${process.pid}.dist`;
  const partial = `${target}.${process.pid}`;
  try {
    if (!(await build(dist))) throw new Error("the build failed, see above");
    const swiftshader = rest.swiftshader ?? platform === "linux-x64";
    const { files, notes } = await offlineFiles({ dist, platform, node, swiftshader, loader: rest.loader });
    await compress(files, target.endsWith(".xz") ? "xz" : "gz", level, partial);
    const sizes = partSizes(files);
    const { size } = statSync(partial);
    if (size > (rest.budget ?? BUDGET)) throw new Error(tooLarge(size, rest.budget ?? BUDGET, sizes));
    renameSync(partial, target);
    const sha256 = await digest(target);
    writeFileSync(`${target}.sha256`, `${sha256}  ${basename(target)}\n`);
    return { path: target, size, sha256, sizes, notes };
  } finally {
    rmSync(dist, { recursive: true, force: true });
    rmSync(partial, { force: true });
  }
}

function partSizes(files) {
  const sizes = new Map();
  for (const { part, data } of files) sizes.set(part, (sizes.get(part) ?? 0) + data.length);
  return [...sizes];
}

/** An archive that depends on nothing but names, modes and contents: sorted, without times, owned by root. */
function tar(files) {
  const archive = pack();
  for (const { path, data, mode } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    archive.entry({ name: path, mode, mtime: new Date(0), uname: "root", gname: "root" }, data);
  }
  archive.finalize();
  return archive;
}

async function compress(files, format, level, target) {
  const source = Readable.from(tar(files));
  const sink = createWriteStream(target);
  if (format === "gz") return pipeline(source, createGzip({ level }), sink);
  // One thread: the same bytes on every machine.
  const xz = spawn("xz", [`-${level}`, "--threads=1", "--stdout"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((done, fail) => {
    xz.once("error", (error) => {
      const missing = "xz is not installed: install xz-utils, or make a .tar.gz with --out";
      fail(error.code === "ENOENT" ? new Error(missing) : error);
    });
    xz.once("exit", (code) => (code === 0 ? done() : fail(new Error(`xz ended with ${code}`))));
  });
  // A failed start ends the pipes too, with errors that say less.
  const piped = Promise.allSettled([pipeline(source, xz.stdin), pipeline(xz.stdout, sink)]);
  await ended;
  const failed = (await piped).find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
}

const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const listing = (sizes) => sizes.map(([part, bytes]) => `  ${part.padEnd(14)} ${mib(bytes).padStart(9)}`);

function tooLarge(size, budget, sizes) {
  const lines = [
    `the archive has ${mib(size)}, more than the ${mib(budget)} allowed; before compression:`,
    ...listing(sizes),
  ];
  return `${lines.join("\n")}\nA higher --level or --no-swiftshader make it smaller.`;
}

async function digest(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

async function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      ...Object.fromEntries(["out", "platform", "node", "loader", "level"].map((name) => [name, { type: "string" }])),
      "no-swiftshader": { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(USAGE);
  const level = values.level === undefined ? 9 : Number(values.level);
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new Error(`--level ${values.level} is not one of 0 to 9`);
  }
  const swiftshader = values["no-swiftshader"] ? false : undefined;
  const { out, platform, node, loader } = values;
  const made = await bundleOffline({ out, platform, node, loader, level, swiftshader });
  const lines = [
    ...made.notes.map((note) => `note: ${note}`),
    "before compression:",
    ...listing(made.sizes),
    `${relative(process.cwd(), made.path)}: ${mib(made.size)}`,
    `sha256 ${made.sha256}`,
    `On the other machine: mkdir voxtwirl && tar xf ${basename(made.path)} -C voxtwirl && voxtwirl/run.sh doctor`,
  ];
  console.log(lines.join("\n"));
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  await main(process.argv.slice(2)).catch((error) => {
    console.error(`bundle:offline: ${error.message}`);
    process.exitCode = 1;
  });
}
