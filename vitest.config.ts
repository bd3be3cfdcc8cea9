import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";
import { pageScript } from "./scripts/build.mjs";
import { LongestFirst } from "./scripts/testOrder.ts";

/** Imports of `.wgsl` files give their name and text, as in the build. */
const shaders: Plugin = {
  name: "shaders",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith(".wgsl")) return undefined;
    return { code: `export default ${JSON.stringify({ name: basename(id, ".wgsl"), code })};`, map: null };
  },
};

/** Imports of `Script.mjs` files give the text of a script for pages, as in the build. */
const scripts: Plugin = {
  name: "scripts",
  enforce: "pre",
  async load(id) {
    if (!id.endsWith("Script.mjs")) return undefined;
    return { code: `export default ${JSON.stringify(await pageScript(id))};`, map: null };
  },
};

/** `npm run test:full`: what these tests do in short, at full size. Numbers that are set in the environment stand. */
const full = {
  include: [
    "test/formats/xyz.test.ts",
    "test/formats/xyzStream.test.ts",
    "test/formats/sdf.test.ts",
    "test/formats/pdb.test.ts",
    "test/formats/mmcif.test.ts",
    "test/formats/safetensors.test.ts",
    "test/training/runConfig.test.ts",
    "test/node/npy.test.ts",
    "test/shards/shardFile.test.ts",
    "test/gpu/clean.test.ts",
    "test/cli/kill.test.ts",
  ],
  testTimeout: 3_600_000,
  sizes: { VOXTWIRL_KILLS: "50", VOXTWIRL_CYCLES: "1000", VOXTWIRL_REPLAYS: "10000", VOXTWIRL_FUZZ: "100000" },
};

/** `npm run test:cluster`: with schedulers that are installed. */
const CLUSTER = ["test/cluster/*.test.ts"];

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as { version: string };

export default defineConfig(({ mode }) => ({
  // As the build does.
  define: { VOXTWIRL_VERSION: JSON.stringify(version) },
  plugins: [shaders, scripts],
  test: {
    include: mode === "full" ? full.include : mode === "cluster" ? CLUSTER : ["test/**/*.test.ts"],
    ...(mode !== "cluster" && { exclude: CLUSTER }),
    pool: "forks",
    // Two files at a time: more would wait for one another where a software adapter takes all cores.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: mode === "full" ? full.testTimeout : 300_000,
    hookTimeout: 300_000,
    globalSetup: "test/adapter.ts",
    reporters: ["default", "scripts/testReporter.ts"],
    env: {
      ...(mode === "full" && { ...full.sizes, ...process.env }),
      // What this machine's user has tuned is no part of what is tested.
      VOXTWIRL_NO_TUNING: "1",
    },
  },
}));
