// `voxtwirl bench condense A.json B.json`: a record that is small enough to keep, with aggregates in place of samples.
import { existsSync } from "node:fs";
import { readRecord } from "../../bench/benchmarkFile.ts";
import { condensed } from "../../bench/condense.ts";
import { writeRecord } from "../../bench/recordFile.ts";
import { VoxtwirlError } from "../errors.ts";
import { type ArgsSpec, readArgs } from "./args.ts";

export const spec: ArgsSpec = {
  positionals: ["FULL.json", "CONDENSED.json"],
  options: { force: { help: "replace CONDENSED.json, which may be FULL.json itself" } },
};

/**
 * Writes a condensed record of a full one.
 *
 * @throws VoxtwirlError "bad-option", "exists", "io", or "bad-file" for a file that is no record of ours
 */
export async function condense(args: string[]): Promise<void> {
  const options = readArgs("bench condense", spec, args);
  const [from, to] = options.positionals;
  if (from === undefined || to === undefined) {
    const fix = "voxtwirl bench condense FULL.json CONDENSED.json";
    throw new VoxtwirlError("bad-option", "bench condense needs a record and a path to write to.", fix);
  }
  const record = readRecord(from);
  if (existsSync(to) && !options.flag("force")) {
    throw new VoxtwirlError("exists", `${to} exists already`, "Choose another name, or add --force to replace it.");
  }
  await writeRecord(to, condensed(record));
}
