// `voxtwirl bench condense A.json B.json`: a record that is small enough to keep, with aggregates in place of samples.
import { existsSync } from "node:fs";
import { readRecord } from "../../bench/benchmarkFile.ts";
import { condensed } from "../../bench/condense.ts";
import { writeRecord } from "../../bench/recordFile.ts";
import { VoxtwirlError } from "../errors.ts";
import { command } from "./args.ts";

export const condenseCommand = () =>
  command("bench", "condense")
    .description("make a record small enough to keep: aggregates in place of samples")
    .argument("<FULL.json>")
    .argument("<CONDENSED.json>")
    .option("--force", "replace CONDENSED.json, which may be FULL.json itself")
    .action(condense);

/**
 * Writes a condensed record of a full one.
 *
 * @throws VoxtwirlError "bad-option", "exists", "io", or "bad-file" for a file that is no record of ours
 */
async function condense(from: string, to: string, { force }: { force?: boolean }): Promise<void> {
  const record = readRecord(from);
  if (existsSync(to) && !force) {
    throw new VoxtwirlError("exists", `${to} exists already`, "Choose another name, or add --force to replace it.");
  }
  await writeRecord(to, condensed(record));
}
