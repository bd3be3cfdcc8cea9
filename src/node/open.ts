import { requireObject, requireString } from "../check.ts";
import { findAdapter, type FoundAdapter, softwareNotice } from "./adapters.ts";

/** How to choose an adapter in Node. */
export interface OpenAdapterOptions {
  /** "auto" (default), "hardware", "software" or part of an adapter's name; else the variable VOXTWIRL_ADAPTER. */
  adapter?: string | undefined;
  /** More options for Dawn's Node binding, such as "enable-dawn-features=dump_shaders". */
  flags?: readonly string[] | undefined;
  /**
   * Keeps the warnings that Dawn writes for every driver of Mesa's from a terminal, by putting another file in the
   * place of standard error for a moment. For programs, not for libraries; default false.
   */
  hideWarnings?: boolean | undefined;
}

/** An adapter with the line that a program should show when it is a software one. */
export interface OpenedAdapter extends FoundAdapter {
  readonly notice: string | undefined;
}

/**
 * Opens a WebGPU adapter through Dawn: a GPU, else a software driver of the system, else the one that `voxtwirl driver
 * install` has put into the user's cache, else SwiftShader from npm.
 *
 * Each call gives a fresh adapter (an adapter gives one device); Dawn itself is created once per process. The global
 * names of WebGPU (GPUBufferUsage, ...) are defined where the process has none.
 *
 * @throws VoxtwirlError "no-adapter" with the reason and a remedy
 */
export async function openAdapter(options: OpenAdapterOptions = {}): Promise<OpenedAdapter> {
  requireObject("options", options, 'Give { adapter: "software" }, or nothing.');
  const { adapter, flags = [], hideWarnings = false } = options;
  if (adapter !== undefined) {
    requireString("adapter", adapter, 'Give "auto", "hardware", "software" or part of an adapter\'s name.');
  }
  const found = await findAdapter(adapter || process.env.VOXTWIRL_ADAPTER || "auto", { flags, hideWarnings });
  return { ...found, notice: softwareNotice(found) };
}
