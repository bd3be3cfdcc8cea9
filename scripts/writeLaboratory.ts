// `npm run docs:laboratory [-- --from LABORATORY --as NAME]`: takes in results of finished experiments, named after the
// data where it is not the built-in set (`--as qm9`: dip-qm9.json), and makes the page of all that are there.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import type { Timings } from "../src/experiments/costs.ts";
import { experimentFolders } from "../src/experiments/list.ts";
import type { ExperimentResults } from "../src/experiments/results.ts";
import { laboratoryPage, recordText } from "./laboratory.ts";

const { values } = parseArgs({ options: { from: { type: "string" }, as: { type: "string" } } });
const folder = join(process.cwd(), "docs", "laboratory");
if (values.from !== undefined) {
  for (const name of experimentFolders) {
    const results = join(values.from, name, "results.json");
    if (!existsSync(results)) continue;
    const timings = join(values.from, name, "timings.json");
    const record = recordText(
      JSON.parse(readFileSync(results, "utf8")) as ExperimentResults,
      existsSync(timings) ? (JSON.parse(readFileSync(timings, "utf8")) as Timings) : undefined,
    );
    const file = join(folder, `${name}${values.as === undefined ? "" : `-${values.as}`}.json`);
    writeFileSync(file, record);
    console.log(file);
  }
}
const page = join(folder, "README.md");
writeFileSync(page, await format(laboratoryPage(folder), { ...(await resolveConfig(page)), filepath: page }));
console.log(page);
