import { defineConfig, type Plugin } from "vitest/config";

/** Imports of `.wgsl` files give their text, as esbuild's text loader does in the build. */
const wgslText: Plugin = {
  name: "wgsl-text",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith(".wgsl")) return undefined;
    return { code: `export default ${JSON.stringify(code)};`, map: null };
  },
};

export default defineConfig({
  plugins: [wgslText],
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
