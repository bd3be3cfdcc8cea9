import { availableParallelism } from "node:os";
import { VoxtwirlError } from "../errors.ts";
import type { GPU, GPUAdapter, GPUAdapterInfo } from "../hostTypes.ts";
import { dawn } from "./dawn.ts";
import { type SwiftShader, findSwiftShaderArchive, unpackSwiftShader } from "./swiftshader.ts";

/** A WebGPU adapter and what to call it. */
export interface FoundAdapter {
  /** The `GPU` object that the adapter came from. */
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  /** Short name for people, such as "llvmpipe" or "NVIDIA H100". */
  readonly name: string;
  readonly software: boolean;
}

/** What looking for an adapter may come to: one that is there, or SwiftShader once the process is started anew. */
export type Search = FoundAdapter | { readonly relaunchFor: SwiftShader };

/**
 * Looks for the adapter that `choice` asks for.
 *
 * - "auto": a GPU, else a software driver of the system, else SwiftShader from npm
 * - "hardware": a GPU or nothing
 * - "software": the same as auto without the GPU
 * - anything else: the adapter whose name contains it; SwiftShader is found also where the system has other drivers
 *
 * @param flags more options for Dawn's Node binding
 * @throws VoxtwirlError "no-adapter" saying what was found instead and what to do
 */
export async function findAdapter(choice: string, flags: readonly string[] = []): Promise<Search> {
  switch (choice) {
    case "auto":
      return (await request(flags, { powerPreference: "high-performance" })) ?? swiftShader(flags);
    case "software":
      return (await request(flags, { forceFallbackAdapter: true })) ?? swiftShader(flags);
    case "hardware":
      return hardware(flags);
    default:
      if (/^swiftshader/i.test(choice) && "path" in findSwiftShaderArchive()) return swiftShader(flags);
      return named(choice, flags);
  }
}

/** Dawn orders adapters: discrete, integrated, then processors; so a software one means that there is no other. */
async function hardware(flags: readonly string[]): Promise<FoundAdapter> {
  const found = await request(flags, { powerPreference: "high-performance" });
  if (found && !found.software) return found;
  const message = `There is no hardware adapter${found ? `, only the software adapter ${found.name}` : ""}.`;
  throw new VoxtwirlError("no-adapter", message, "Install your GPU's Vulkan driver, or use --adapter auto.");
}

async function named(name: string, flags: readonly string[]): Promise<FoundAdapter> {
  const byName = (exact: string) => request([...flags, `adapter=${exact}`], { powerPreference: "high-performance" });
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
  if ("path" in findSwiftShaderArchive()) names.push("SwiftShader");
  const there = names.length > 0 ? `There are: ${names.join(", ")}.` : noneFix();
  throw new VoxtwirlError("no-adapter", `There is no adapter named ${JSON.stringify(name)}.`, there);
}

/** SwiftShader in this process where the system has a Vulkan loader; without one only a new process can find it. */
async function swiftShader(flags: readonly string[]): Promise<Search> {
  const archive = findSwiftShaderArchive();
  if ("missing" in archive) {
    const why = `no Vulkan driver that Dawn accepts, and no SwiftShader (${archive.missing})`;
    throw new VoxtwirlError("no-adapter", `There is no WebGPU adapter: ${why}.`, noneFix());
  }
  const unpacked = unpackSwiftShader();
  const found = await withEnvironment(driverEnvironment(unpacked), () =>
    request(flags, { forceFallbackAdapter: true }, unpacked.icd),
  );
  return found ?? { relaunchFor: unpacked };
}

/** Makes the Vulkan loader use SwiftShader alone. Newer loaders prefer VK_DRIVER_FILES, older know the other. */
export function driverEnvironment({ icd }: SwiftShader): Record<string, string> {
  return { VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd };
}

function noneFix(): string {
  if (process.platform !== "linux") return "Update your graphics driver.";
  const debian = "apt install -t bookworm-backports mesa-vulkan-drivers";
  const drivers = `Install Mesa 23 or later (Debian 12: ${debian}) or your GPU's driver.`;
  const archive = findSwiftShaderArchive();
  return "missing" in archive && archive.install ? `${drivers} Or add SwiftShader: ${archive.install}` : drivers;
}

async function request(
  flags: readonly string[],
  options: GPURequestAdapterOptions,
  variant?: string,
): Promise<FoundAdapter | undefined> {
  const gpu = await dawn(flags, variant);
  const adapter = await gpu.requestAdapter(options);
  if (!adapter) return undefined;
  return { gpu, adapter, name: adapterName(adapter.info), software: isSoftware(adapter.info) };
}

/** Sets environment variables for the length of `body`; the Vulkan loader reads them when an adapter is asked for. */
async function withEnvironment<T>(variables: Record<string, string>, body: () => Promise<T>): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
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

/** One line that says that the adapter is a software one and what would be faster; undefined for a GPU. */
export function softwareNotice({ name, software }: FoundAdapter): string | undefined {
  if (!software) return undefined;
  const cores = availableParallelism();
  const line = `software adapter ${name} (${cores} ${cores === 1 ? "core" : "cores"})`;
  if (name === "SwiftShader" && process.platform === "linux") {
    return `${line}; mesa-vulkan-drivers 25 or later would be several times faster, a GPU much faster still`;
  }
  return `${line}; a GPU would be much faster`;
}
