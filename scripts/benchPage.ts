// `npm run bench:page [-- --results FOLDER --out FILE]`: a static page from the records that `voxtwirl bench` wrote.
import { join } from "node:path";
import { writePage } from "../bench/page.ts";
import { type ArgsSpec, readArgs } from "../src/cli/args.ts";

export const spec: ArgsSpec = {
  options: {
    results: { value: "FOLDER", help: "where the records are (default bench/results)" },
    out: { value: "FILE", help: "the page (default docs/bench.html)" },
  },
};

/**
 * Writes the page of all records (*.json) of a folder.
 *
 * @returns a line about what was written
 * @throws VoxtwirlError "bad-option", and as `writePage`
 */
export function benchPage(args: readonly string[], root: string): string {
  const options = readArgs("bench:page", spec, args);
  const folder = options.text("results") ?? join(root, "bench", "results");
  const out = options.text("out") ?? join(root, "docs", "bench.html");
  return writePage(folder, out);
}
