import { requireObject } from "../check.ts";
import { availableParallelism, freemem } from "node:os";
import { Gpu, type GpuOptions } from "../gpu/gpu.ts";
import { withNap } from "./nap.ts";
import { parseTuning } from "../tuning/tuning.ts";
import type { Tuning } from "../gpu/tuning.ts";
import { openAdapter, type OpenAdapterOptions, type OpenedAdapter } from "./open.ts";
import { hostAdapterId, NO_TUNING, readTuning } from "./tuningCache.ts";

/** Options of `openGpu`: how to choose the adapter and how to open it. */
export interface OpenGpuOptions extends OpenAdapterOptions, Omit<GpuOptions, "tuning"> {
  /** Receives lines to show once: that the adapter is a software one, that its tuning is of no use. */
  onNotice?: (line: string) => void;
  /**
   * Left out: what `voxtwirl tune` found on this adapter, unless VOXTWIRL_NO_TUNING is set. A tuning of this adapter,
   * or "none".
   */
  tuning?: Tuning | "none" | undefined;
}

/** A software adapter takes its memory from the system's, and the process dies where the system has none left. */
const SOFTWARE_MEMORY_SHARE = 0.8;

/** Devices that compile beside the first, some 80 MB each. */
const MOST_COMPILERS = 3;

/**
 * Opens a device on the adapter that `openAdapter` chooses, with waits that leave the processor to software adapters
 * and within the memory the machine has.
 *
 * @throws VoxtwirlError "no-adapter"; "bad-config" for a `tuning` that is none of this adapter
 */
export async function openGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  requireObject("options", options, 'Give { adapter: "software" }, or nothing.');
  const { adapter, flags, hideWarnings, onNotice, tuning, ...gpuOptions } = options;
  const opened = await openAdapter({ adapter, flags, hideWarnings });
  if (opened.notice) onNotice?.(opened.notice);
  const memoryBudget = opened.software ? Math.floor(SOFTWARE_MEMORY_SHARE * freeMemory()) : Infinity;
  const found = await tuningOf(opened.adapter.info, tuning, onNotice);
  const open = async () => {
    return Gpu.open((await openAdapter({ adapter, flags, hideWarnings })).adapter, { wait: withNap });
  };
  const compilers = compilesLate(opened)
    ? { count: Math.min(MOST_COMPILERS, availableParallelism() - 1), open }
    : undefined;
  return Gpu.open(opened.adapter, { wait: withNap, memoryBudget, compilers, ...gpuOptions, tuning: found });
}

/** Lavapipe, where it keeps what it compiled on disk. */
function compilesLate({ name }: OpenedAdapter): boolean {
  return name === "llvmpipe" && !/^(1|true|y|yes)$/i.test(process.env.MESA_SHADER_CACHE_DISABLE ?? "");
}

async function tuningOf(
  info: GPUAdapterInfo,
  asked: OpenGpuOptions["tuning"],
  onNotice: OpenGpuOptions["onNotice"],
): Promise<Tuning | undefined> {
  if (asked === "none") return undefined;
  const adapter = hostAdapterId(info);
  if (asked) return parseTuning(asked, adapter, "the tuning given");
  if (process.env[NO_TUNING]) return undefined;
  const { tuning, problem } = await readTuning(adapter);
  if (problem !== undefined) onNotice?.(problem);
  return tuning;
}

/** Bytes that may still be taken: of the machine, or of the container's limit where that is lower. */
function freeMemory(): number {
  const limit = process.constrainedMemory();
  const rest = limit > 0 ? limit - process.memoryUsage.rss() : Infinity;
  return Math.max(0, Math.min(freemem(), rest));
}
