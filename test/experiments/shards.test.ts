import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { mergeExperiment, type ShardEvent } from "../../src/experiments/shards.ts";
import type { Timings } from "../../src/experiments/costs.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { wholeWork } from "../../src/shards/shardFolder.ts";
import { testGpu } from "../harness.ts";
import { temporaryFolder } from "../temporary.ts";
import { smallExperiment, smallShard, type Small } from "./smallLaboratory.ts";

const root = temporaryFolder("experimentShards");
let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

async function whole(small: Small): Promise<void> {
  for await (const event of smallExperiment(gpu, small)) if (event.type === "end") expect(event.results).toBeDefined();
}

/** @returns the path of the shard's file */
async function shard(small: Small, index: number, count: number): Promise<string | undefined> {
  let last: ShardEvent | undefined;
  for await (const event of smallShard(gpu, small, { index, count })) last = event;
  return last?.type === "shard" ? last.path : undefined;
}

const bytes = (out: string, name: string, file = "results.json") => readFileSync(join(out, name, file), "utf8");

describe("an experiment's shards", () => {
  it("come to the same bytes as one process, however many they are", async () => {
    const one = join(root, "whole");
    await whole({ out: one, name: "dip" });
    const out = join(root, "three");
    const small = { out, name: "dip" };
    // The runs are trained here; later shards find them.
    for (const index of [2, 0]) await shard(small, index, 3);
    await expect(wholeWork(out)).rejects.toMatchObject({
      ...{ code: "no-data", message: expect.stringContaining("shard 1 is missing") as string },
      fix: expect.stringContaining("voxtwirl experiment dip --shard 1/3") as string,
    });
    expect(readdirSync(join(out, "runs"))).toHaveLength(3);
    for (const index of [1, 2]) await shard(small, index, 3);
    const { results } = await mergeExperiment(out, await wholeWork(out));
    expect(bytes(out, "dip")).toBe(bytes(one, "dip"));
    expect(bytes(out, "dip", "report.html")).toBe(bytes(one, "dip", "report.html"));
    expect(bytes(out, "dip")).toBe(`${JSON.stringify(results, undefined, 1)}\n`);
    for (const count of [1, 64]) {
      rmSync(join(out, "shards"), { recursive: true });
      for (let index = count - 1; index >= 0; index--) await shard(small, index, count);
      await mergeExperiment(out, await wholeWork(out));
      expect(bytes(out, "dip")).toBe(bytes(one, "dip"));
    }
  });

  it("measure models, and count and time arms, each where the arm's first run is", async () => {
    const [one, out] = [join(root, "models"), join(root, "modelShards")];
    await whole({ out: one, name: "twirling", steps: 2 });
    const small = { out, name: "twirling", steps: 2 };
    for (const index of [1, 0]) await shard(small, index, 2);
    await mergeExperiment(out, await wholeWork(out));
    expect(bytes(out, "twirling")).toBe(bytes(one, "twirling"));
    const timed = (path: string) =>
      Object.keys((JSON.parse(bytes(path, "twirling", "timings.json")) as Timings).seconds);
    expect(timed(out)).toEqual(timed(one));
  });

  it("that are interrupted leave no file, and go on", async () => {
    const [one, out] = [join(root, "unbroken"), join(root, "broken")];
    await whole({ out: one, name: "dip", seeds: 1 });
    const stop = new AbortController();
    const small = { out, name: "dip", seeds: 1, signal: stop.signal };
    let last: ShardEvent | undefined;
    for await (const event of smallShard(gpu, small, { index: 0, count: 2 })) {
      if (event.type === "progress") stop.abort();
      last = event;
    }
    expect(last).toEqual({ type: "shard", path: undefined });
    expect(readdirSync(out).sort()).toEqual(["dip", "runs"]);
    for (const index of [0, 1]) await shard({ out, name: "dip", seeds: 1 }, index, 2);
    await mergeExperiment(out, await wholeWork(out));
    expect(bytes(out, "dip")).toBe(bytes(one, "dip"));
  });

  it("of other steps are another work, and none of a folder that has gone further", async () => {
    const out = join(root, "steps");
    await shard({ out, name: "dip", seeds: 1, steps: 2 }, 0, 2);
    await shard({ out, name: "dip", seeds: 1, steps: 4 }, 1, 2);
    await expect(wholeWork(out)).rejects.toThrow(/steps is (2|4) in one and (2|4) in the other/);
    await expect(shard({ out, name: "dip", seeds: 1, steps: 2 }, 1, 2)).rejects.toMatchObject({
      ...{ code: "bad-option", message: expect.stringContaining("--steps 2, but it began with 4") as string },
    });
  });
});
