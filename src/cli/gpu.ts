import type { Gpu } from "../gpu/gpu.ts";
import { openGpu } from "../node/openGpu.ts";
import { Option } from "@commander-js/extra-typings";
import { text } from "./args.ts";

/** The option that every command with a GPU has. */
export const adapterOption = () =>
  text("--adapter <NAME>", "auto (default), hardware, software, or part of an adapter's name");

/** The option of commands whose kernels `voxtwirl tune` may have chosen. */
export const noTuningOption = () => new Option("--no-tuning", "do not use what voxtwirl tune found on this adapter");

/**
 * Opens the GPU for a command, and announces a software adapter once on stderr.
 *
 * @param tuned false: with the table's variants of the kernels only
 */
export function openCliGpu(adapter: string | undefined, tuned = true): Promise<Gpu> {
  return openGpu({
    adapter,
    hideWarnings: true,
    onNotice: (line) => process.stderr.write(`voxtwirl: ${line}\n`),
    ...(!tuned && { tuning: "none" }),
  });
}
