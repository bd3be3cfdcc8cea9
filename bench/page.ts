// A static page from the records that `voxtwirl bench` wrote.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { VoxtwirlError } from "../src/errors.ts";
import { readRecord } from "./benchmarkFile.ts";
import { renderPage } from "./page/render.ts";

/**
 * Writes the page of all records (*.json) of a folder.
 *
 * @returns a line about what was written
 * @throws VoxtwirlError "no-data" for a folder without records, "bad-file" for a broken one, "io"
 */
export function writePage(folder: string, out: string): string {
  const records = recordFiles(folder).map((name) => readRecord(join(folder, name)));
  const page = renderPage(records);
  try {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, page);
  } catch (error) {
    const message = `${out} cannot be written: ${String(error)}.`;
    throw new VoxtwirlError("io", message, "Name another file with --out.", { cause: error });
  }
  return (
    `${out}: ${records.length} ${records.length === 1 ? "record" : "records"}, ` +
    `${Math.ceil(page.length / 1024)} KiB`
  );
}

function recordFiles(folder: string): string[] {
  const fix = "Make one: npx voxtwirl bench --json bench/results/NAME.json";
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new VoxtwirlError("no-data", `There is no folder ${folder}.`, fix, { cause: error });
  }
  const records = names.filter((name) => name.endsWith(".json")).sort();
  if (records.length === 0) throw new VoxtwirlError("no-data", `There are no records (*.json) in ${folder}.`, fix);
  return records;
}
