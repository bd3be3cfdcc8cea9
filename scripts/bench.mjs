// `npm run bench -- ARGUMENTS`: bundles bench/step.ts and runs it.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outfile = join(root, ".cache", "bench", "step.mjs");
await build({
  absWorkingDir: root,
  entryPoints: ["bench/step.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  loader: { ".wgsl": "text" },
  external: ["webgpu", "openchemlib", "@sparticuz/chromium"],
  logLevel: "warning",
});
process.exitCode = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1;
