import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build } from "../../scripts/build.mjs";
import { runProcess } from "../processes.ts";

const folder = fileURLToPath(new URL(`../../.cache/clean-test-${process.pid}`, import.meta.url));
/** 1,000 cycles and 10,000 replays where the environment asks for all. */
const CYCLES = Number(process.env.VOXTWIRL_CYCLES ?? 100);
const REPLAYS = Number(process.env.VOXTWIRL_REPLAYS ?? 2000);
const MIB = 2 ** 20;

const common = `
import { readdirSync } from "node:fs";
import { Graph, kernels, openGpu, Plan } from "./node.js";
async function make() {
  const gpu = await openGpu();
  const graph = new Graph(gpu.caps);
  // 4 MiB: one that is not freed shows.
  const [x, y] = ["x", "y"].map((name) => graph.keep(graph.scratch(name, [1, 32, 32, 32, 16])));
  kernels.silu(graph, { label: "silu", x, y });
  const plan = await Plan.create(gpu, graph, { label: "silu" });
  return { gpu, plan, y };
}
function sample(allocated) {
  globalThis.gc();
  const count = (name) => readdirSync("/proc/self/" + name).length;
  return { rss: process.memoryUsage.rss(), handles: count("fd"), threads: count("task"), allocated };
}
`;

interface Sample {
  rss: number;
  handles: number;
  threads: number;
  allocated: number;
}

function script(name: string, text: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const path = join(folder, name);
  writeFileSync(path, common + text);
  return runProcess(process.execPath, ["--expose-gc", path], { timeout: 3_000_000 });
}

/** The later half must not lie above the middle by more than noise; a leak of the buffers would be hundreds of MiB. */
function expectLevel(samples: Sample[]): void {
  const half = samples.slice(samples.length / 2);
  const [first, last] = [half[0]!, half.at(-1)!];
  const shown = JSON.stringify(samples);
  expect(last.rss - first.rss, shown).toBeLessThan(32 * MIB);
  expect(last.handles - first.handles, shown).toBeLessThanOrEqual(2);
  // Threads go when what held their device is collected, so their number goes up and down by those of two devices or
  // so; a leak of one in each cycle would be CYCLES / 2 of them here.
  expect(last.threads - first.threads, shown).toBeLessThan(CYCLES / 5);
  expect(new Set(samples.map(({ allocated }) => allocated)).size, shown).toBe(1);
}

describe.runIf(process.platform === "linux")("a process", () => {
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    if (!(await build(folder))) throw new Error("the build failed");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(`stays level over ${CYCLES} times open, run, destroy`, { timeout: 3_000_000 }, async () => {
    const { code, stdout, stderr } = await script(
      "cycles.mjs",
      `
const samples = [];
for (let i = 1; i <= ${CYCLES}; i++) {
  const { gpu, plan, y } = await make();
  plan.run();
  await plan.read(y);
  plan.destroy();
  const allocated = gpu.allocatedBytes;
  gpu.destroy();
  if (i % ${CYCLES / 10} === 0) samples.push(sample(allocated));
}
console.log(JSON.stringify(samples));`,
    );
    expect(code, stderr).toBe(0);
    const samples = JSON.parse(stdout) as Sample[];
    expectLevel(samples);
    expect(samples[0]!.allocated).toBe(0);
  });

  it(
    `stays level over ${REPLAYS} replays, and ends by itself with two engines open`,
    { timeout: 3_000_000 },
    async () => {
      const { code, stdout, stderr } = await script(
        "replays.mjs",
        `
const [one, two] = [await make(), await make()];
const samples = [];
for (let i = 1; i <= ${REPLAYS}; i++) {
  const { gpu, plan, y } = i % 2 === 0 ? one : two;
  plan.run();
  if (i % 10 === 0) await gpu.finish();
  if (i % ${REPLAYS / 10} === 0) {
    await plan.read(y);
    samples.push(sample(gpu.allocatedBytes));
  }
}
console.log(JSON.stringify(samples));
// Work in flight, nothing destroyed.
one.plan.run();
setTimeout(() => process.exit(7), 20_000).unref();`,
      );
      expect(code, stderr).toBe(0);
      expectLevel(JSON.parse(stdout) as Sample[]);
    },
  );
});
