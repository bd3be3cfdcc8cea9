import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";

/** Imports of `.wgsl` files give their name and text, as in the build. */
const shaders: Plugin = {
  name: "shaders",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith(".wgsl")) return undefined;
    return { code: `export default ${JSON.stringify({ name: basename(id, ".wgsl"), code })};`, map: null };
  },
};

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as { version: string };

export default defineConfig({
  // As the build does.
  define: { VOXTWIRL_VERSION: JSON.stringify(version) },
  plugins: [shaders],
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What this machine's user has tuned is no part of what is tested.
    env: { VOXTWIRL_NO_TUNING: "1" },
  },
});
