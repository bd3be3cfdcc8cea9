// `npm run docs:variants`: writes docs/variants.md from the kernels' tables.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { format, resolveConfig } from "prettier";
import { bareShaders } from "./build.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const outfile = join(root, ".cache", "docs", "variants.mjs");
await build({
  absWorkingDir: root,
  entryPoints: ["scripts/variants.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
  plugins: [bareShaders],
});
const { variantsPage } = await import(pathToFileURL(outfile).href);
const file = join(root, "docs", "variants.md");
writeFileSync(file, await format(variantsPage(), { ...(await resolveConfig(file)), filepath: file }));
