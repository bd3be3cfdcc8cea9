import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { VoxtwirlError } from "../errors.ts";
import type { GPU, GPUAdapter, GPUAdapterInfo } from "../hostTypes.ts";
import { dawn } from "./dawn.ts";
import { driverAdvice, icdVariables, type InstalledDriver, installedDriver } from "./driver.ts";
import { DRIVER_LIBRARY, LOADER_LIBRARY, loadDriverLibraries } from "./driver.ts";
import { withoutWarnings } from "./hideWarnings.ts";
import { loadLibrary } from "./loadLibrary.ts";
import { findSwiftShaderArchive, unpackSwiftShader } from "./swiftshader.ts";

/** A WebGPU adapter and what to call it. */
export interface FoundAdapter {
  /** The `GPU` object that the adapter came from. */
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  /** Short name for people, such as "llvmpipe" or "NVIDIA H100". */
  readonly name: string;
  readonly software: boolean;
  /** Why the driver of `voxtwirl driver install` was of no use, where there is one. */
  readonly problem?: string | undefined;
}

/** How to ask Dawn for adapters. */
export interface Asking {
  /** More options for Dawn's Node binding. */
  readonly flags: readonly string[];
  /** See `withoutWarnings`. */
  readonly hideWarnings: boolean;
}

/** What there is on this machine to find adapters with. */
interface Host extends Asking {
  /** Whether a Vulkan loader is loaded: without one Dawn finds nothing, and complains on standard error. */
  readonly loader: boolean;
  readonly driver: InstalledDriver | undefined;
  /** Why the installed driver cannot be used. */
  readonly problem: string | undefined;
}

/**
 * Looks for the adapter that `choice` asks for.
 *
 * - "auto": a GPU, else what "software" finds
 * - "hardware": a GPU or nothing
 * - "software": a software driver of the system, else the one of `voxtwirl driver install`, else SwiftShader from npm;
 *   a driver that VOXTWIRL_DRIVER names comes first
 * - anything else: the adapter whose name contains it; SwiftShader is found also where the system has other drivers
 *
 * @throws VoxtwirlError "no-adapter" saying what was found instead and what to do
 */
export async function findAdapter(choice: string, asking: Asking): Promise<FoundAdapter> {
  const host = prepare(asking);
  switch (choice) {
    case "auto": {
      const found = await ofSystem(host);
      return found && !found.software ? found : softwareAdapter(host, found);
    }
    case "software":
      return softwareAdapter(host, await llvmpipe(host));
    case "hardware":
      return hardware(host);
    default:
      return named(choice, host);
  }
}

/** Loads a Vulkan loader where the system has none, and the libraries of the installed driver before any of its own. */
function prepare(asking: Asking): Host {
  const driver = installedDriver();
  const problem = driver && loadDriverLibraries(driver);
  return { ...asking, driver, problem, loader: process.platform !== "linux" || loadLoader(driver) };
}

function loadLoader(driver: InstalledDriver | undefined): boolean {
  const loads = (library: string) => loadLibrary(library) === undefined;
  if (loads(LOADER_LIBRARY) || (driver && loads(join(driver.folder, LOADER_LIBRARY)))) return true;
  return "path" in findSwiftShaderArchive() && loads(join(unpackSwiftShader().folder, LOADER_LIBRARY));
}

async function softwareAdapter(host: Host, system: FoundAdapter | undefined): Promise<FoundAdapter> {
  const { driver } = host;
  if (system && system.name !== "SwiftShader" && !driver?.chosen) return system;
  const found = (await installed(host)) ?? system;
  if (found) return found;
  const load = () => driver && loadLibrary(join(driver.folder, DRIVER_LIBRARY));
  const problem = driver && (host.problem ?? load() ?? "Dawn does not accept it");
  return { ...(await swiftShader(host)), problem };
}

/** The system's own; WebGPU's `forceFallbackAdapter` does not find it. */
async function llvmpipe(host: Host): Promise<FoundAdapter | undefined> {
  try {
    return await ofSystem({ ...host, flags: [...host.flags, "adapter=llvmpipe"] });
  } catch {
    // Dawn throws where no adapter has that name.
    return undefined;
  }
}

/** Dawn orders adapters: discrete, integrated, then processors; so a software one means that there is no other. */
async function hardware(host: Host): Promise<FoundAdapter> {
  const found = await ofSystem(host);
  if (found && !found.software) return found;
  const why = host.loader ? "" : `: this machine has no Vulkan loader (${LOADER_LIBRARY})`;
  const message = `There is no hardware adapter${found ? `, only the software adapter ${found.name}` : why}.`;
  const install = `Install your GPU's Vulkan driver${host.loader ? "" : " and libvulkan1"}`;
  throw new VoxtwirlError("no-adapter", message, `${install}, or use --adapter auto.`);
}

async function named(name: string, host: Host): Promise<FoundAdapter> {
  if (/^swiftshader/i.test(name) && "path" in findSwiftShaderArchive()) return swiftShader(host);
  const isLlvmpipe = "llvmpipe".includes(name.toLowerCase());
  const chosen = isLlvmpipe && host.driver?.chosen ? await installed(host) : undefined;
  if (chosen) return chosen;
  const byName = (exact: string) => ofSystem({ ...host, flags: [...host.flags, `adapter=${exact}`] });
  let found: FoundAdapter | undefined;
  let names: string[] = [];
  try {
    found = await byName(name);
  } catch (error) {
    // Dawn's error for a name that fits nothing lists the names there are.
    names = [...String(error).matchAll(/name: '(.*)'/g)].map((match) => match[1]!);
    const sameLetters = names.find((other) => other.toLowerCase().includes(name.toLowerCase()));
    if (sameLetters) found = await byName(sameLetters);
  }
  if (found) return found;
  const own = await installed(host);
  if (own && isLlvmpipe) return own;
  if (own) names.push(own.name);
  if ("path" in findSwiftShaderArchive()) names.push("SwiftShader");
  const there = names.length > 0 ? `There are: ${names.join(", ")}.` : noneFix();
  throw new VoxtwirlError("no-adapter", `There is no adapter named ${JSON.stringify(name)}.`, there);
}

/** The first adapter of the drivers that the system lists. */
async function ofSystem(host: Host): Promise<FoundAdapter | undefined> {
  return host.loader ? request(host) : undefined;
}

/** The adapter of `voxtwirl driver install`. */
async function installed(host: Host): Promise<FoundAdapter | undefined> {
  const { driver, problem, loader } = host;
  if (!driver || problem !== undefined || !loader) return undefined;
  if (loadLibrary(join(driver.folder, DRIVER_LIBRARY)) !== undefined) return undefined;
  return ofDriver(host, driver.icd);
}

async function swiftShader(host: Host): Promise<FoundAdapter> {
  const archive = findSwiftShaderArchive();
  const found = "path" in archive && host.loader ? await ofDriver(host, unpackSwiftShader().icd) : undefined;
  if (found) return found;
  const driver = host.loader ? "no Vulkan driver that Dawn accepts" : `no Vulkan loader (${LOADER_LIBRARY})`;
  const swift = "missing" in archive ? `no SwiftShader (${archive.missing})` : "SwiftShader does not load";
  // A worker's variables are a copy, which the Vulkan loader does not see.
  const fix = isMainThread ? noneFix() : "Start the worker with { env: SHARE_ENV } of node:worker_threads.";
  throw new VoxtwirlError("no-adapter", `There is no WebGPU adapter: ${driver}, and ${swift}.`, fix);
}

/** The adapter of a driver that only this process is told of. */
function ofDriver(host: Host, icd: string): Promise<FoundAdapter | undefined> {
  return withEnvironment(icdVariables(icd), () => request(host, icd));
}

function noneFix(): string {
  if (process.platform !== "linux") return "Update your graphics driver.";
  const drivers = `Install your GPU's driver, or a software driver: ${driverAdvice()}, or as root libvulkan1 and`;
  const archive = findSwiftShaderArchive();
  const swift = "missing" in archive && archive.install ? ` Or add SwiftShader: ${archive.install}` : "";
  return `${drivers} mesa-vulkan-drivers of Mesa 23 or later.${swift}`;
}

async function request({ flags, hideWarnings }: Asking, variant?: string): Promise<FoundAdapter | undefined> {
  const gpu = await dawn(flags, variant);
  const ask = () => gpu.requestAdapter({ powerPreference: "high-performance" });
  const adapter = await (hideWarnings ? withoutWarnings(ask) : ask());
  if (!adapter) return undefined;
  return { gpu, adapter, name: adapterName(adapter.info), software: isSoftware(adapter.info) };
}

/** Sets environment variables for the length of `body`; the Vulkan loader reads them when an adapter is asked for. */
export async function withEnvironment<T>(variables: Record<string, string>, body: () => Promise<T>): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}

/** True for an adapter that computes on the processor. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter || /llvmpipe|swiftshader|software/i.test(`${info.architecture} ${info.description}`);
}

/** A short name for people: "llvmpipe", "SwiftShader", or the driver's description. */
export function adapterName(info: GPUAdapterInfo): string {
  if (/swiftshader/i.test(info.architecture)) return "SwiftShader";
  if (/llvmpipe/i.test(info.description)) return "llvmpipe";
  return info.description || info.device || [info.vendor, info.architecture].filter(Boolean).join(" ") || "unnamed";
}

/** What to do where lavapipe's vectors were made longer than kernels are written for: 8 lanes of 256 bits. */
export function vectorAdvice(info: GPUAdapterInfo): string | undefined {
  if (adapterName(info) !== "llvmpipe" || (info.subgroupMinSize ?? 0) <= 8) return undefined;
  return "unset LP_NATIVE_VECTOR_WIDTH";
}

/** One line that says that the adapter is a software one and what would be faster; undefined for a GPU. */
export function softwareNotice({ name, software, problem, adapter }: FoundAdapter): string | undefined {
  if (!software) return undefined;
  const cores = availableParallelism();
  const line = `software adapter ${name} (${cores} ${cores === 1 ? "core" : "cores"})`;
  const advice = vectorAdvice(adapter.info);
  if (advice) return `${line}; kernels run several times faster with vectors of 256 bits: ${advice}`;
  if (name !== "SwiftShader" || process.platform !== "linux") return `${line}; a GPU would be much faster`;
  if (problem === undefined) return `${line}; several times faster: ${driverAdvice()}; a GPU: faster still`;
  return `${line}; the installed driver does not work (${problem}): npx voxtwirl driver install --force`;
}
