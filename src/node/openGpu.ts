import { freemem } from "node:os";
import { capsOf } from "../gpu/caps.ts";
import { Gpu } from "../gpu/gpu.ts";
import { withNap } from "./nap.ts";
import { openAdapter, type OpenAdapterOptions } from "./open.ts";

export interface OpenGpuOptions extends OpenAdapterOptions {
  label?: string;
  /** Receives the line to show once when the adapter is a software one. */
  onNotice?: (line: string) => void;
}

/** A software adapter takes its memory from the system's, and kills the process instead of refusing. */
const SOFTWARE_MEMORY_SHARE = 0.9;

/**
 * Opens a device through Dawn (see `openAdapter`), waiting with the nap, within the memory the machine has.
 *
 * @throws VoxtwirlError "no-adapter"
 */
export async function openGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  const { adapter, notice } = await openAdapter(options);
  if (notice) options.onNotice?.(notice);
  const software = capsOf({ features: adapter.features, limits: adapter.limits }, adapter.info).adapterClass === "software";
  return Gpu.open(adapter, {
    label: options.label ?? "voxtwirl",
    wait: withNap,
    ...(software ? { memoryBudget: Math.floor(freemem() * SOFTWARE_MEMORY_SHARE) } : {}),
  });
}
