import { freemem } from "node:os";
import { Gpu, type GpuOptions } from "../gpu/gpu.ts";
import { withNap } from "./nap.ts";
import { openAdapter, type OpenAdapterOptions } from "./open.ts";

/** Options of `openGpu`: how to choose the adapter and how to open it. */
export interface OpenGpuOptions extends OpenAdapterOptions, GpuOptions {
  /** Receives the line to show once when the adapter is a software one. */
  onNotice?: (line: string) => void;
}

/** A software adapter takes its memory from the system's, and the process dies where the system has none left. */
const SOFTWARE_MEMORY_SHARE = 0.8;

/**
 * Opens a device on the adapter that `openAdapter` chooses, with waits that leave the processor to software adapters
 * and within the memory the machine has.
 *
 * @throws VoxtwirlError "no-adapter"
 */
export async function openGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  const { adapter, flags, relaunch, onNotice, ...gpuOptions } = options;
  const opened = await openAdapter({ adapter, flags, relaunch });
  if (opened.notice) onNotice?.(opened.notice);
  const memoryBudget = opened.software ? Math.floor(SOFTWARE_MEMORY_SHARE * freeMemory()) : Infinity;
  return Gpu.open(opened.adapter, { wait: withNap, memoryBudget, ...gpuOptions });
}

/** Bytes that may still be taken: of the machine, or of the container's limit where that is lower. */
function freeMemory(): number {
  const limit = process.constrainedMemory();
  const rest = limit > 0 ? limit - process.memoryUsage.rss() : Infinity;
  return Math.max(0, Math.min(freemem(), rest));
}
