// `npm run check`: lines of source and prose beyond 120 columns. Prettier breaks neither strings nor comments, and
// knows no WGSL.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const COLUMNS = 120;
const KINDS = /\.(ts|mjs|wgsl|md|py|sh|json|yml)$|^\.ci\/run$/;
/** Made, not written; and JSON cannot break the strings of package.json. */
const MADE =
  /\.data\.ts$|package(-lock)?\.json$|^(bench\/(results|golden)|test\/golden)\/.*\.json$|^docs\/laboratory\//;

const root = fileURLToPath(new URL("..", import.meta.url));
const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root })
  .toString()
  .split("\0")
  .filter((file) => KINDS.test(file) && !MADE.test(file));

const wide = files.flatMap((file) =>
  readFileSync(`${root}${file}`, "utf8")
    .split("\n")
    .flatMap((line, i) => (line.length > COLUMNS ? [`${file}:${i + 1}: ${line.length} columns`] : [])),
);
for (const place of wide) console.error(place);
if (wide.length > 0) console.error(`${wide.length} lines are longer than ${COLUMNS} columns`);
process.exitCode = wide.length > 0 ? 1 : 0;
