import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { measureFrameFiles, type MeasureFrameFilesOptions } from "../../src/cli/measureFrameFiles.ts";
import { measureFrameShard, mergeFrames } from "../../src/cli/measureFrameShard.ts";
import { so3 } from "../../src/equivariance/groups.ts";
import { encodeXyzFrame } from "../../src/formats/xyzWriter.ts";
import { writeShard } from "../../src/shards/shardFile.ts";
import { wholeWork } from "../../src/shards/shardFolder.ts";
import { workName } from "../../src/shards/work.ts";
import { forcesOf, labelledFrames, predictedFrames, withField } from "../frames/predicting.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("frameShards");
const file = (name: string) => join(folder, name);

const frames = labelledFrames(13);
/** Frames with repeats and some faults: copies that are lost, doubled or not numbers, frames without any. */
const predicted = (
  await predictedFrames(
    frames.filter(({ number }) => number !== 5),
    { group: so3, twirl: 3, seed: 1, repeats: true, nearAxes: true },
    (rotation, original) => {
      const forces = withField(rotation, forcesOf(original), 0.1 * Math.sin(original.number));
      const energy = (original.info.get("energy") as number) + 0.01 * rotation[0]!;
      return { arrays: { forces }, info: { energy, dipole: [original.number === 9 ? NaN : 1, 0, -0] } };
    },
  )
).filter(({ number }) => number % 41 !== 7);
const rows = predicted.map((frame) => encodeXyzFrame(frame));
rows.splice(40, 0, rows[39]!);
rows.push(rows[0]!);
writeFileSync(file("predicted.extxyz"), rows.join(""));
// One that cannot be read, and one without labels.
const originals = frames.map((frame) => encodeXyzFrame(frame.number === 6 ? { ...frame, info: new Map() } : frame));
writeFileSync(file("in.extxyz"), originals.join("").replace(/^(O .*?) \S+$/m, "$1 wrong"));

const options: MeasureFrameFilesOptions = {
  ...{ frames: file("predicted.extxyz"), data: file("in.extxyz"), strict: false, json: false },
  ...{ names: {}, labelNames: {}, vectors: ["dipole"] },
};

/** All that a command writes. */
async function written(command: () => Promise<unknown>): Promise<string> {
  let text = "";
  const take = (chunk: unknown) => ((text += String(chunk)), true);
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, "write").mockImplementation(take));
  try {
    await command();
    return text;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe("measure --frames --shard", () => {
  it.each([
    [1, 1],
    [3, 2],
    [64, 37],
  ])("gives the same to the last digit: %i shards", async (count, stride) => {
    const out = file(`of-${count}`);
    // In an order that is none.
    for (let i = 0; i < count; i++) {
      const shard = { index: (i * stride + 1) % count, count };
      const said = await written(() => measureFrameShard(options, { shard, out }));
      expect(said).toContain(`${shard.index}-of-${count}.jsonl`);
    }
    const work = await wholeWork(out);
    for (const json of [false, true]) {
      const whole = await written(() => measureFrameFiles({ ...options, json }));
      expect(whole).toMatch(/missing|have no prediction/);
      expect(whole).toMatch(/left out/);
      expect(await written(() => mergeFrames(work, json))).toBe(whole);
    }
  });

  it("is another work for other options, and other data", async () => {
    const out = file("works");
    const shard = { index: 0, count: 1 };
    await written(() => measureFrameShard(options, { shard, out }));
    await written(() => measureFrameShard({ ...options, floors: 1e-3 }, { shard, out }));
    await expect(wholeWork(out)).rejects.toThrow(/floors is (not there|0.001) in one/);
    const other = file("other.extxyz");
    writeFileSync(other, readFileSync(options.data, "utf8").replace("wrong", "0.5"));
    const changed = file("changed");
    await written(() => measureFrameShard(options, { shard, out: changed }));
    await written(() => measureFrameShard({ ...options, data: other }, { shard, out: changed }));
    await expect(wholeWork(changed)).rejects.toThrow(/data is "[0-9a-f]{64}" in one and "[0-9a-f]{64}" in the other/);
  });

  it("is not merged by another version", async () => {
    const out = file("version");
    const work = { kind: "measure --frames", version: "0.0.1" };
    const head = { name: workName("measure", work), work, shard: { index: 0, count: 1 }, command: [], about: {} };
    await writeShard(out, head, []);
    const { code, stderr } = await command.run(["merge", out]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/are of voxtwirl 0\.0\.1, and this is \d/)]);
  });

  it("takes the part that Slurm says, and merges as a command", async () => {
    const out = file("built");
    const measure = ["measure", "--frames", options.frames, "--data", options.data];
    const shards = [...measure, "--shard", "auto", "--out", out];
    const task = (id: string) => ({
      ...{ SLURM_ARRAY_TASK_ID: id, SLURM_ARRAY_TASK_MIN: "0", SLURM_ARRAY_TASK_MAX: "1", SLURM_ARRAY_TASK_COUNT: "2" },
    });
    expect(await command.run(shards, task("1"))).toMatchObject({ code: 0, stderr: "" });
    const early = await command.run(["merge", out]);
    expect(early).toMatchObject({ code: 1, stdout: "" });
    expect(early.stderr).toContain(`\n    voxtwirl ${measure.join(" ")} --out ${out} --shard 0/2\n`);
    const json = await command.run([...shards, "--json"], task("0"));
    expect(JSON.parse(json.stdout)).toMatchObject({ type: "shard", index: 0, count: 2, structures: 5 });
    const [merged, whole] = [await command.run(["merge", out, "--json"]), await command.run([...measure, "--json"])];
    expect(merged).toEqual(whole);
    expect(await command.run(shards)).toMatchObject({ code: 2 });
    expect((await command.run([...measure, "--out", out])).stderr).toContain("--shard and --out go together");
    const pipe = await command.run(["measure", "--frames", "/dev/null", "--data", options.data, "--shard", "0/2"]);
    expect(pipe).toMatchObject({ code: 2 });
  });
});
