// `npm run bench:page [-- --results FOLDER --out FILE]`: a static page from the records that `voxtwirl bench` wrote.
import { parseArgs } from "node:util";
import { writePage } from "../bench/page.ts";

const { values } = parseArgs({
  options: {
    results: { type: "string", default: "bench/results" },
    out: { type: "string", default: "docs/bench.html" },
  },
});
console.log(writePage(values.results, values.out));
