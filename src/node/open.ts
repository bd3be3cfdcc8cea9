import { VoxtwirlError } from "../errors.ts";
import { driverEnvironment, findAdapter, type FoundAdapter, softwareNotice } from "./adapters.ts";
import { endWithParent, isRelaunched, relaunch } from "./relaunch.ts";

/** How to choose an adapter in Node. */
export interface OpenAdapterOptions {
  /** "auto" (default), "hardware", "software" or part of an adapter's name; else the variable VOXTWIRL_ADAPTER. */
  adapter?: string | undefined;
  /** More options for Dawn's Node binding, such as "enable-dawn-features=dump_shaders". */
  flags?: readonly string[];
  /**
   * Allows to start the whole process anew where only that gives an adapter (SwiftShader on a machine without a Vulkan
   * loader). The call then never returns. For programs, not for libraries; default false.
   */
  relaunch?: boolean;
}

/** An adapter with the line that a program should show when it is a software one. */
export interface OpenedAdapter extends FoundAdapter {
  readonly notice: string | undefined;
}

/**
 * Opens a WebGPU adapter through Dawn: a GPU, else a software driver of the system, else SwiftShader from npm.
 *
 * Each call gives a fresh adapter (an adapter gives one device); Dawn itself is created once per process. The global
 * names of WebGPU (GPUBufferUsage, ...) are defined where the process has none.
 *
 * @throws VoxtwirlError "no-adapter" with the reason and a remedy
 */
export async function openAdapter(options: OpenAdapterOptions = {}): Promise<OpenedAdapter> {
  endWithParent();
  const choice = options.adapter || process.env.VOXTWIRL_ADAPTER || "auto";
  const found = await findAdapter(choice, options.flags);
  if (!("relaunchFor" in found)) return { ...found, notice: softwareNotice(found) };

  const { folder } = found.relaunchFor;
  const path = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  const environment = { ...driverEnvironment(found.relaunchFor), LD_LIBRARY_PATH: path };
  if (options.relaunch && !isRelaunched()) return relaunch(environment);
  const set = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  throw new VoxtwirlError(
    "no-adapter",
    "There is no WebGPU adapter: no Vulkan loader and driver that Dawn accepts.",
    isRelaunched()
      ? "SwiftShader was tried and does not load; install libvulkan1 and mesa-vulkan-drivers (version 23 or later)."
      : `Install libvulkan1 and mesa-vulkan-drivers (version 23 or later), or start with ${set.join(" ")}`,
  );
}
