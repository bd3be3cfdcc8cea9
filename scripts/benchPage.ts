// `npm run bench:page [-- --results FOLDER --out FILE]`: a static page from the records that `voxtwirl bench` wrote.
import { parseArgs } from "node:util";
import { join } from "node:path";
import { writePage } from "../bench/page.ts";

/**
 * Writes the page of all records (*.json) of a folder, by default docs/bench.html of bench/results.
 *
 * @returns a line about what was written
 * @throws TypeError for other options, and as `writePage`
 */
export function benchPage(args: readonly string[], root: string): string {
  const { results, out } = parseArgs({
    args: [...args],
    options: { results: { type: "string" }, out: { type: "string" } },
  }).values;
  return writePage(results ?? join(root, "bench", "results"), out ?? join(root, "docs", "bench.html"));
}
