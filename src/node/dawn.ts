import { VoxtwirlError } from "../errors.ts";

/** Timestamps without quantisation; f16 on NVIDIA, which Dawn keeps behind a switch. */
const FLAGS = [
  "disable-dawn-features=timestamp_quantization",
  "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia",
];

// Dawn dies at random when what create() returned is collected while a device lives, hence a place nothing collects.
// A global symbol, so that copies of this module (tests, bundles) share one instance per set of flags.
const KEEP = Symbol.for("voxtwirl.dawn");

/**
 * Dawn's `GPU` object, one per process and set of flags, never released.
 *
 * WebGPU's global names (GPUBufferUsage, GPUMapMode, ...) are defined where the process has none yet.
 *
 * @param flags options of Dawn's Node binding, such as "adapter=llvmpipe", after the ones always given
 * @param variant keeps apart instances made under different environment variables
 * @throws VoxtwirlError "no-adapter" when Dawn does not load on this machine
 */
export async function dawn(flags: readonly string[] = [], variant = ""): Promise<GPU> {
  const holder = globalThis as { [KEEP]?: Map<string, GPU> };
  const instances = (holder[KEEP] ??= new Map<string, GPU>());
  const key = JSON.stringify([variant, ...flags]);
  const kept = instances.get(key);
  if (kept) return kept;
  const { create, globals } = await load();
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  const gpu = create([...FLAGS, ...flags]);
  instances.set(key, gpu);
  return gpu;
}

async function load(): Promise<typeof import("webgpu")> {
  try {
    return await import("webgpu");
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0];
    const fix = isAway(error)
      ? "Dawn is a file of the npm package webgpu, which no bundle can hold: mark webgpu as external (esbuild " +
        "--external:webgpu, external in Rollup, externals in webpack), and install it where the bundle runs: " +
        "npm install webgpu"
      : "The npm package webgpu is for Linux (glibc), macOS and Windows on x64 and arm64; reinstall: npm ci";
    throw new VoxtwirlError("no-adapter", `Dawn does not load on this machine: ${why}`, fix, { cause: error });
  }
}

/**
 * True where the package is not beside the code that wants it, as in a bundle: its file is looked for in the bundle's
 * own folder, or (in CommonJS, which has no import.meta.url) nowhere, or the package itself is not there.
 */
function isAway(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  if (["ERR_MODULE_NOT_FOUND", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE"].includes(code ?? "")) return true;
  // On a platform that the package has no file for, nothing is gained by leaving it outside.
  return code === "MODULE_NOT_FOUND" && !/node_modules.webgpu.dist.(?!linux|darwin|win32)/.test(message);
}
