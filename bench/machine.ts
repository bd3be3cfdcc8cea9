import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import type { Gpu } from "../src/gpu/gpu.ts";
import { adapterName, isSoftware } from "../src/node/adapters.ts";
import { packageRoot } from "./packageRoot.ts";
import type { BenchRecord } from "./record.ts";

/** What is known before anything is measured: machine, versions, adapter. */
export function describeMachine(gpu: Gpu): Omit<BenchRecord["context"], "roofline" | "peers"> {
  const root = packageRoot();
  const { info, device } = gpu;
  const tuned = Object.keys(gpu.tuning?.choices ?? {}).length;
  return {
    date: new Date().toISOString(),
    executable: "voxtwirl bench",
    num_cpus: cpus().length,
    mhz_per_cpu: cpus()[0]?.speed ?? 0,
    cpu: cpus()[0]?.model.trim() ?? "",
    load_avg: loadavg(),
    library_version: readManifest(join(root, "package.json")).version,
    library_build_type: "release",
    json_schema_version: 1,
    ...commitOf(root),
    node: process.version,
    dawn: dawnVersion(),
    adapter: {
      name: adapterName(info),
      driver: info.description,
      software: isSoftware(info),
      features: [...device.features].sort(),
      ...(tuned > 0 && { tuned }),
    },
    cache_bytes: cacheBytes(isSoftware(info)),
  };
}

/** The commit of a checkout, and whether its files differ from it; of the offline archive as its manifest says. */
function commitOf(root: string): { commit: string; dirty: boolean } {
  if (!existsSync(join(root, ".git"))) {
    const { gitHead = "", gitDirty = false } = readManifest(join(root, "package.json"));
    return { commit: gitHead, dirty: gitDirty };
  }
  const git = (...args: string[]) => {
    return execFileSync("git", ["-C", root, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  };
  try {
    return {
      commit: git("rev-parse", "HEAD").trim(),
      dirty: git("status", "--porcelain", "--untracked-files=no").trim() !== "",
    };
  } catch {
    return { commit: "", dirty: false };
  }
}

interface Manifest {
  readonly version: string;
  /** Those of the offline archive. */
  readonly gitHead?: string;
  readonly gitDirty?: boolean;
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, "utf8")) as Manifest;
}

function dawnVersion(): string {
  try {
    let folder = dirname(createRequire(join(packageRoot(), "package.json")).resolve("webgpu"));
    while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
    return readManifest(join(folder, "package.json")).version;
  } catch {
    return "";
  }
}

/** Some 50 MB on large GPUs; WebGPU does not tell. */
const GPU_CACHE_BYTES = 64 * 2 ** 20;

/** The last cache of what computes: the processor's third level for software adapters. */
export function cacheBytes(software: boolean): number {
  if (!software) return GPU_CACHE_BYTES;
  try {
    const text = readFileSync("/sys/devices/system/cpu/cpu0/cache/index3/size", "utf8").trim();
    const [, digits, unit] = /^(\d+)([KM]?)$/.exec(text)!;
    return Number(digits) * (unit === "M" ? 2 ** 20 : unit === "K" ? 2 ** 10 : 1);
  } catch {
    return GPU_CACHE_BYTES;
  }
}
