// Makes the built-in molecules anew: node scripts/make-molecules.mjs [FILE] [COUNT]. Some minutes; the same bytes every
// time.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [target = join(root, "src/molecules/builtin.data.ts"), count = "1500"] = process.argv.slice(2);

// Inside node_modules, so that the bundle finds openchemlib there.
const folder = mkdtempSync(join(root, "node_modules/.make-molecules-"));
try {
  const outfile = join(folder, "main.mjs");
  const entryPoints = [join(root, "scripts/molecules/main.ts")];
  await build({ entryPoints, outfile, bundle: true, platform: "node", format: "esm", packages: "external" });
  process.exitCode = spawnSync(process.execPath, [outfile, resolve(target), count], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
