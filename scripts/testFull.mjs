// `npm run test:full`: what the tests do in short, at full size: 50 kills, 1,000 engines opened and destroyed, 10,000
// replays, 100,000 hostile inputs for each reader. Numbers that are set in the environment stand.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const sizes = { VOXTWIRL_KILLS: "50", VOXTWIRL_CYCLES: "1000", VOXTWIRL_REPLAYS: "10000", VOXTWIRL_FUZZ: "100000" };
const files = [
  "test/formats/xyz.test.ts",
  "test/formats/sdf.test.ts",
  "test/formats/safetensors.test.ts",
  "test/training/config.test.ts",
  "test/node/npy.test.ts",
  "test/gpu/clean.test.ts",
  "test/cli/kill.test.ts",
];
const hour = 3_600_000;
const { status } = spawnSync(
  process.execPath,
  [fileURLToPath(new URL("test.mjs", import.meta.url)), `--testTimeout=${hour}`, ...files, ...process.argv.slice(2)],
  { stdio: "inherit", env: { ...sizes, ...process.env } },
);
process.exitCode = status ?? 1;
