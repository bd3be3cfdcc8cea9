// `npm run bench:page -- ARGUMENTS`: bundles scripts/benchPage.ts and runs it.
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outfile = join(root, ".cache", "bench", "page.mjs");
await build({
  absWorkingDir: root,
  entryPoints: ["scripts/benchPage.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
});
const { benchPage } = await import(pathToFileURL(outfile).href);
try {
  console.log(benchPage(process.argv.slice(2), root));
} catch (error) {
  console.error(error.fix ? `bench:page: ${error.message}\n  ${error.fix}` : error);
  process.exitCode = 1;
}
