import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import type { BenchRecord } from "../../bench/record.ts";
import { BUDGET, bundleOffline } from "../../scripts/bundle-offline.mjs";
import { environmentFor, type Host } from "../../scripts/offline/environment.mjs";
import { temporaryFolder } from "../temporary.ts";

const cache = fileURLToPath(new URL("../../.cache", import.meta.url));
mkdirSync(cache, { recursive: true });
const folder = temporaryFolder("offline", cache);
const unpacked = join(folder, "unpacked here");

let made: Awaited<ReturnType<typeof bundleOffline>>;
beforeAll(async () => {
  // Little compression, to be quick: the real archive is smaller.
  made = await bundleOffline({ out: join(folder, "offline.tar.gz"), level: 1 });
  mkdirSync(unpacked);
  execFileSync("tar", ["xf", made.path, "-C", unpacked]);
}, 180_000);

/** Runs the archive's script in an environment that has nothing but what is given. */
function start(args: string[], env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile("./run.sh", args, { cwd: unpacked, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** The suite's choice of an adapter holds here too: drivers of this machine, which the archive uses. */
function adapterEnvironment(): Record<string, string> {
  const names = ["VOXTWIRL_ADAPTER", "VK_DRIVER_FILES", "VK_ICD_FILENAMES", "LD_LIBRARY_PATH"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

test("the archive has what it needs, of one platform only, within the budget even with little compression", () => {
  const listing = execFileSync("tar", ["tvf", made.path, "--numeric-owner", "--full-time"], { encoding: "utf8" });
  const lines = listing.trim().split("\n");
  const paths = lines.map((line) => line.replace(/^(\S+\s+){5}/, ""));
  expect(paths).toEqual([...paths].sort());
  const wanted = ["run.sh", "bin/node", "dist/voxtwirl.js", "lib/vulkan/libvulkan.so.1", "package.json", "SHA256SUMS"];
  expect(paths).toEqual(expect.arrayContaining([...wanted, "shaders/conv3d/conv3d.wgsl"]));
  expect(paths.filter((path) => path.endsWith(".node"))).toEqual([
    `node_modules/webgpu/dist/${process.platform}-${process.arch}/dawn.node`,
  ]);
  expect(paths.filter((path) => /esbuild|vitest|playwright|chromium\.br|\.d\.ts$/.test(path))).toEqual([]);
  // Nothing of this machine and this moment goes in.
  for (const line of lines) expect(line).toMatch(/^-\S+ 0\/0 .* 1970-01-01 00:00:00 /);
  expect(made.size).toBeLessThan(BUDGET);
  expect(readFileSync(`${made.path}.sha256`, "utf8")).toBe(`${made.sha256}  offline.tar.gz\n`);
  execFileSync("sha256sum", ["-c", "--quiet", "offline.tar.gz.sha256"], { cwd: folder });
  execFileSync("sha256sum", ["-c", "--quiet", "SHA256SUMS"], { cwd: unpacked });
});

test("doctor runs from it in an empty environment", async () => {
  const { code, out, err } = await start(["doctor"], adapterEnvironment());
  expect(err.replace(/^Warning: .*\n/gm, "")).toBe("");
  expect(out).toContain("All works.");
  expect(code).toBe(0);
});

test("its own Vulkan loader stands in where the machine's does not load", async () => {
  const broken = join(folder, "no-loader");
  mkdirSync(broken);
  writeFileSync(join(broken, "libvulkan.so.1"), "");
  const { code, out } = await start(["doctor", "--json"], { LD_LIBRARY_PATH: broken });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ ok: true, host: { node: process.version } });
});

test("the benchmark's record names the commit that the archive was made from", async () => {
  const args = ["bench", "conv3d", "--filter", "conv3d/D", "--quick", "--json", "record.json"];
  const { code, err } = await start(args, adapterEnvironment());
  expect(err).not.toContain("Error");
  expect(code).toBe(0);
  const { context } = JSON.parse(readFileSync(join(unpacked, "record.json"), "utf8")) as BenchRecord;
  const head = execFileSync("git", ["rev-parse", "HEAD"], { cwd: cache, encoding: "utf8" }).trim();
  expect(context.commit).toBe(head);
});

test("exit codes come through", async () => {
  expect((await start(["docter"])).code).toBe(2);
});

const host = (changes: Partial<Host> = {}): Host => ({
  env: {},
  loads: () => undefined,
  drivers: [],
  devices: ["null"],
  writeManifest: () => "/x/nvidia_icd.json",
  ...changes,
});
const missing =
  (...names: string[]) =>
  (library: string) =>
    names.some((name) => library.endsWith(name)) ? `${library}: cannot open shared object file` : undefined;

test("a machine that has all is left as it is", () => {
  expect(environmentFor(host(), "/x")).toEqual({ variables: {}, notes: [] });
  const listed = host({ devices: ["nvidia0"], drivers: [`{"ICD":{"library_path":"libGLX_nvidia.so.0"}}`] });
  expect(environmentFor(listed, "/x")).toEqual({ variables: {}, notes: [] });
  const chosen = host({ devices: ["nvidia0"], env: { VK_DRIVER_FILES: "/mine.json" } });
  expect(environmentFor(chosen, "/x")).toEqual({ variables: {}, notes: [] });
});

test("a missing loader comes before what LD_LIBRARY_PATH has", () => {
  const { variables } = environmentFor(
    host({ loads: missing("libvulkan.so.1"), env: { LD_LIBRARY_PATH: "/y" } }),
    "/x",
  );
  expect(variables).toEqual({ LD_LIBRARY_PATH: "/x/lib/vulkan:/y" });
  const without = environmentFor(host({ loads: missing("dawn.node", "libvulkan.so.1") }), "/x");
  expect(without.variables).toEqual({ LD_LIBRARY_PATH: "/x/lib/cxx:/x/lib/vulkan" });
  expect(without.notes).toHaveLength(1);
});

test("NVIDIA's driver without its manifest is given one, beside the drivers that are listed", () => {
  let written = "";
  const writeManifest = (text: string) => ((written = text), "/x/nvidia_icd.json");
  const bare = environmentFor(host({ devices: ["nvidia0"], writeManifest }), "/x");
  expect(bare.variables).toEqual({ VK_DRIVER_FILES: "/x/nvidia_icd.json", VK_ICD_FILENAMES: "/x/nvidia_icd.json" });
  expect(JSON.parse(written)).toMatchObject({ ICD: { library_path: "libGLX_nvidia.so.0" } });
  const others = host({ devices: ["nvidia0"], writeManifest, drivers: ["{}"], loads: missing("libGLX_nvidia.so.0") });
  expect(environmentFor(others, "/x").variables).toEqual({ VK_ADD_DRIVER_FILES: "/x/nvidia_icd.json" });
  expect(JSON.parse(written)).toMatchObject({ ICD: { library_path: "libEGL_nvidia.so.0" } });
  const none = host({ devices: ["nvidia0"], loads: missing("libGLX_nvidia.so.0", "libEGL_nvidia.so.0") });
  expect(environmentFor(none, "/x").notes[0]).toContain("NVIDIA_DRIVER_CAPABILITIES");
});

test("what cannot be packed is refused with the reason", async () => {
  const out = join(folder, "refused.tar.gz");
  await expect(bundleOffline({ out, level: 1, budget: 2 ** 20 })).rejects.toThrow(
    /the archive has \d+\.\d MiB, more than the 1\.0 MiB allowed; before compression:\n {2}Node +\d+\.\d MiB\n/,
  );
  await expect(bundleOffline({ out, platform: "linux-mips" })).rejects.toThrow("linux-x64, linux-arm64");
  const other = process.arch === "x64" ? "linux-arm64" : "linux-x64";
  await expect(bundleOffline({ out, platform: other })).rejects.toThrow("--node FILE");
  await expect(bundleOffline({ out, platform: other, node: process.execPath })).rejects.toThrow(
    `not a Node for ${other}`,
  );
  await expect(bundleOffline({ out: join(folder, "x.zip") })).rejects.toThrow(".tar.xz");
  expect(existsSync(out)).toBe(false);
});
