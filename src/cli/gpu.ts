import type { Gpu } from "../gpu/gpu.ts";
import { openGpu } from "../node/openGpu.ts";
import type { OptionSpec } from "./args.ts";

/** The option that every command with a GPU has. */
export const adapterOption: OptionSpec = {
  value: "NAME",
  help: "auto (default), hardware, software, or part of an adapter's name",
};

/**
 * Opens the GPU for a command: may start the process anew for SwiftShader (so call it before anything is written),
 * and announces a software adapter once on stderr.
 */
export function openCliGpu(adapter: string | undefined): Promise<Gpu> {
  return openGpu({ adapter, relaunch: true, onNotice: (line) => process.stderr.write(`voxtwirl: ${line}\n`) });
}
