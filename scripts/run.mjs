// `node scripts/run.mjs SCRIPT.ts [ARGUMENTS]`: bundles a script that uses the project's sources, and runs it.
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { bareShaders, pageScripts } from "./build.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const [script, ...args] = process.argv.slice(2);
const outfile = join(root, ".cache", "scripts", `${basename(script, ".ts")}.mjs`);
await build({
  entryPoints: [script],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  logLevel: "warning",
  plugins: [bareShaders, pageScripts],
});
process.argv.splice(1, Infinity, outfile, ...args);
try {
  await import(pathToFileURL(outfile).href);
} catch (error) {
  console.error(error.fix ? `${error.message}\n  ${error.fix}` : error);
  process.exitCode = 1;
}
