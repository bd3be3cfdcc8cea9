import { existsSync, readdirSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import type { Command } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import type { SubgroupMatrixShape } from "../gpu/caps.ts";
import { formatBytes, type Gpu } from "../gpu/gpu.ts";
import { adapterName, isSoftware, vectorAdvice } from "../node/adapters.ts";
import { driverAdvice, installedDriver, isDriverLoaded } from "../node/driver.ts";
import { openGpu } from "../node/openGpu.ts";
import { type CachedTuning, hostAdapterId, NO_TUNING, readTuning } from "../node/tuningCache.ts";
import { findSwiftShaderArchive } from "../node/swiftshader.ts";
import { exits } from "./args.ts";
import { adapterOption } from "./gpu.ts";
import { printJson } from "./json.ts";
import { type Proof, proveConv3d } from "./proof.ts";
import { print } from "./stdout.ts";

/** `voxtwirl doctor`: exit code 0 when the adapter works and its kernel is right, 1 otherwise. */
export const define = (command: Command) =>
  command.addOption(adapterOption()).option("--json", "print one JSON object instead of text").action(exits(run));

/** Something this machine lacks, what for, and how to get it. */
interface Missing {
  readonly what: string;
  readonly fix: string;
}

interface Report {
  readonly ok: boolean;
  readonly host: { node: string; platform: string; cores: number; memory: number };
  readonly adapter: { name: string; software: boolean; vendor: string; architecture: string; driver: string };
  /** The driver of `voxtwirl driver install`; null where there is none. */
  readonly installed: { version: string; folder: string; used: boolean } | null;
  readonly subgroupSize: { min: number; max: number };
  readonly features: Record<string, boolean>;
  /** Subgroup-matrix products, f16 summed in f32. */
  readonly matrices: readonly SubgroupMatrixShape[];
  readonly limits: Record<string, number>;
  readonly proof: Proof;
  /** What `voxtwirl tune` found here. */
  readonly tuning: Omit<CachedTuning, "tuning"> & { readonly choices: number; readonly used: boolean };
  readonly missing: Missing[];
}

/** Features that kernels and the profiler use where an adapter has them, with what is lost without. */
const FEATURES: Record<string, string> = {
  subgroups: "convolutions run without subgroup operations, slower",
  "shader-f16": "no half precision (--precision f16)",
  "timestamp-query": "no times of single kernels",
};

const LIMITS = {
  maxBufferSize: "largest buffer",
  maxStorageBufferBindingSize: "largest binding",
  maxStorageBuffersPerShaderStage: "storage buffers a kernel",
  maxComputeInvocationsPerWorkgroup: "invocations a workgroup",
  maxComputeWorkgroupStorageSize: "workgroup memory",
  maxComputeWorkgroupsPerDimension: "workgroups a dimension",
} as const;

async function run({ adapter, json }: { adapter?: string; json?: true }): Promise<number> {
  const gpu = await openGpu({ adapter, hideWarnings: true }).catch((error: unknown) => {
    if (!json || !(error instanceof VoxtwirlError)) throw error;
    const { code, message, fix } = error;
    printJson({ ok: false, error: { code, message, fix } });
  });
  if (!gpu) return 1;
  try {
    const report = await examine(gpu);
    if (json) printJson(report);
    else print(describe(report));
    return report.ok ? 0 : 1;
  } finally {
    gpu.destroy();
  }
}

async function examine(gpu: Gpu): Promise<Report> {
  const { info, device, caps } = gpu;
  const proof = await proveConv3d(gpu);
  const features = Object.fromEntries(Object.keys(FEATURES).map((name) => [name, device.features.has(name)]));
  const software = isSoftware(info);
  return {
    ok: proof.maxError <= proof.allowed,
    host: {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      cores: availableParallelism(),
      memory: totalmem(),
    },
    adapter: {
      name: adapterName(info),
      software,
      vendor: info.vendor,
      architecture: info.architecture,
      driver: info.description,
    },
    installed: installedReport(),
    subgroupSize: { min: caps.subgroupMinSize, max: caps.subgroupMaxSize },
    features,
    matrices: caps.subgroupMatrices,
    limits: Object.fromEntries(Object.keys(LIMITS).map((name) => [name, device.limits[name as keyof typeof LIMITS]])),
    proof,
    tuning: await tuningReport(info),
    missing: [...(software ? missingHardware(info) : []), ...missingFeatures(features), ...missingFallback()],
  };
}

function installedReport(): Report["installed"] {
  const driver = installedDriver();
  return driver ? { version: driver.version, folder: driver.folder, used: isDriverLoaded(driver) } : null;
}

function installedText({ installed, adapter }: Report): string {
  if (installed) return `Mesa ${installed.version} in ${installed.folder}, ${installed.used ? "used" : "not used"}`;
  return `none${adapter.name === "SwiftShader" ? `: ${driverAdvice()}` : ""}`;
}

async function tuningReport(info: GPUAdapterInfo): Promise<Report["tuning"]> {
  const { tuning, ...file } = await readTuning(hostAdapterId(info));
  const choices = Object.keys(tuning?.choices ?? {}).length;
  return { choices, used: choices > 0 && !process.env[NO_TUNING], ...file };
}

function tuningText({ choices, used, path, problem, outdated = 0 }: Report["tuning"]): string {
  if (problem !== undefined) return problem;
  if (path === undefined) return "none for this adapter: voxtwirl tune times the kernels' variants";
  const found = choices === 0 ? "no variant faster than the table's" : `faster variants for ${choices} calls`;
  const aside = choices > 0 && !used ? `, left aside as ${NO_TUNING} is set` : "";
  const old = outdated === 0 ? "" : `; ${outdated} more for kernels that have changed since: run voxtwirl tune again`;
  return `${found}${aside}, in ${path}${old}`;
}

function missingHardware(info: GPUAdapterInfo): Missing[] {
  const missing: Missing[] = [];
  if (process.platform === "linux" && gpuNodes().length > 0) {
    const fix = `Install the Vulkan driver of the GPU behind ${gpuNodes().join(", ")}, and let this user open it.`;
    missing.push({ what: "a driver for this machine's GPU", fix });
  } else {
    missing.push({
      what: "a GPU, which would be much faster",
      fix: "Run on a machine with one and its Vulkan driver.",
    });
  }
  if (adapterName(info) === "SwiftShader" && process.platform === "linux") {
    missing.push({ what: "Mesa's llvmpipe, several times faster than SwiftShader", fix: driverAdvice() });
  }
  const advice = vectorAdvice(info);
  if (advice) {
    const fix = `${advice[0]!.toUpperCase()}${advice.slice(1)}.`;
    missing.push({ what: "vectors of 256 bits, with which kernels run several times faster", fix });
  }
  return missing;
}

/** Device files of GPUs on Linux: they are there also when no driver that Vulkan could use is. */
function gpuNodes(): string[] {
  const render = existsSync("/dev/dri") ? readdirSync("/dev/dri").filter((name) => name.startsWith("renderD")) : [];
  const others = ["/dev/nvidia0", "/dev/kfd"].filter((path) => existsSync(path));
  return [...render.map((name) => `/dev/dri/${name}`), ...others];
}

function missingFeatures(features: Record<string, boolean>): Missing[] {
  const lacking = Object.entries(FEATURES).filter(([name]) => !features[name]);
  const fix = "Another adapter or a newer driver may have it.";
  return lacking.map(([name, loss]) => ({ what: `${name}: ${loss}`, fix }));
}

function missingFallback(): Missing[] {
  const archive = findSwiftShaderArchive();
  if ("path" in archive || archive.install === undefined) return [];
  const what = `SwiftShader, the last resort (${archive.missing})`;
  return [{ what, fix: archive.install }];
}

function describe(report: Report): string[] {
  const { ok, host, adapter, subgroupSize, features, matrices, limits, proof, tuning, missing } = report;
  const { min, max } = subgroupSize;
  const yesNo = Object.entries(features).map(([name, has]) => `${name} ${has ? "yes" : "no"}`);
  const right = ok ? "right" : "WRONG";
  const rows: [string, string][] = [
    ["host", `Node ${host.node}, ${host.platform}, ${host.cores} cores, ${formatBytes(host.memory)}`],
    ["adapter", `${adapter.name} (${adapter.software ? "software" : "hardware"})`],
    ["driver", adapter.driver || "not told"],
    ...(process.platform === "linux" ? [["installed driver", installedText(report)] as [string, string]] : []),
    ["features", yesNo.join(", ")],
    ["matrices", matrices.map(({ m, n, k }) => `${m}x${n}x${k}`).join(", ") || "none of f16 with f32 sums"],
    ["subgroups", min === max ? `${min} lanes` : `${min} to ${max} lanes`],
    ...Object.entries(LIMITS).map(([name, label]): [string, string] => [label, formatLimit(name, limits[name]!)]),
    ["tuning", tuningText(tuning)],
    ["proof", `${proof.kernel}, ${proof.seconds.toFixed(2)} s`],
    ["", `error ${proof.maxError.toExponential(1)}, allowed ${proof.allowed.toExponential(1)}: ${right}`],
    ...missing.flatMap(({ what, fix }): [string, string][] => [
      ["missing", what],
      ["", fix],
    ]),
  ];
  const width = Math.max(...rows.map(([left]) => left.length));
  const wrong = "This adapter computes wrong results: try another one (--adapter) or a newer driver.";
  const verdict = ok ? "All works." : wrong;
  return [...rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`), "", verdict];
}

function formatLimit(name: string, value: number): string {
  return /Size$/.test(name) ? formatBytes(value) : String(value);
}
