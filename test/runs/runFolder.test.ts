import { spawnSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryPath } from "../../src/node/files.ts";
import { thisProcess } from "../../src/node/processIdentity.ts";
import { RunFolder } from "../../src/runs/runFolder.ts";
import { lookAtRun, RUN_FILES } from "../../src/runs/runStage.ts";
import type { EvalRow, TrainRow } from "../../src/training/metrics.ts";
import type { SafeTensor } from "../../src/formats/safetensors.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "voxtwirl-run-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const train = (step: number): TrainRow => ({ type: "train", step, seconds: step / 2, loss: 1 / step, gradNorm: 1 });
const evaluation = (step: number): EvalRow => ({
  ...{ type: "eval", step, seconds: step / 2, lossTotal: 1, lossMean: 0.75, lossEquiv: 0.25, lossZero: 2 },
  ...{ percentEquiv: 25, percentEquivStdErr: 0.5 },
});
const tensors: SafeTensor[] = [
  { name: "a", dtype: "F32", shape: [2], data: Float32Array.of(1, 2) },
  { name: "counter", dtype: "U32", shape: [1], data: Uint32Array.of(7) },
];
const names = async (path: string): Promise<string[]> => (await readdir(path)).sort();

describe("RunFolder.create", () => {
  it("numbers folders by preset, always above the highest", async () => {
    const parent = join(root, "deep", "runs");
    const make = async (preset: string): Promise<string> => {
      const folder = await RunFolder.create({ preset, root: parent });
      await folder.writeConfig({});
      folder.close();
      return folder.path;
    };
    expect(await make("tiny")).toBe(join(parent, "tiny-1"));
    expect(await make("tiny")).toBe(join(parent, "tiny-2"));
    expect(await make("qm9")).toBe(join(parent, "qm9-1"));
    for (const other of ["tiny-12", "tiny-x", "tiny-", "tiny-3-4", "small-99"]) await mkdir(join(parent, other));
    await rm(join(parent, "tiny-2"), { recursive: true });
    expect(await make("tiny")).toBe(join(parent, "tiny-13"));
  });

  it("never gives one folder twice, asked ten times at once", async () => {
    const folders = await Promise.all(Array.from({ length: 10 }, () => RunFolder.create({ preset: "tiny", root })));
    expect(new Set(folders.map(({ path }) => path)).size).toBe(10);
    const out = join(root, "mine");
    const claims = await Promise.allSettled(folders.map(() => RunFolder.create({ preset: "tiny", out })));
    expect(claims.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("refuses a preset that is not a name", async () => {
    for (const preset of ["", "../up", "a/b", ".hidden"]) {
      await expect(RunFolder.create({ preset, root })).rejects.toMatchObject({ code: "bad-option" });
    }
  });

  it("makes the folder of --out with its parents, and refuses one that exists", async () => {
    const out = join(root, "a", "b");
    const made = await RunFolder.create({ out, preset: "tiny" });
    expect(made.path).toBe(out);
    await made.begin({});
    made.close();
    await expect(RunFolder.create({ out: `${out}/`, preset: "tiny" })).rejects.toMatchObject({
      code: "exists",
      message: expect.stringContaining(out),
      fix: expect.stringMatching(/--out.*--resume.*--force/),
    });
  });

  it("takes a folder as new that a process left which died before its run began", async () => {
    const out = join(root, "left");
    await mkdir(out);
    const { pid } = spawnSync(process.execPath, ["--version"]);
    const holder = { ...thisProcess(), pid, since: "2026-01-02T03:04:05.000Z", beatMs: 5000, id: "a" };
    const lock = `${JSON.stringify(holder)}\n           0\n`;
    await writeFile(join(out, "voxtwirl.lock"), lock);
    (await RunFolder.create({ out, preset: "tiny" })).close();
    expect(await readdir(root)).toEqual([]);
    await mkdir(out);
    for (const name of ["voxtwirl.lock", "config.json"]) await writeFile(join(out, name), lock);
    await expect(RunFolder.create({ out, preset: "tiny" })).rejects.toMatchObject({ code: "exists" });
    expect(await names(out)).toEqual(["config.json", "voxtwirl.lock"]);
  });

  it("removes with force what a run owns and nothing else", async () => {
    const out = join(root, "run");
    const first = await RunFolder.create({ out, preset: "tiny" });
    await first.writeConfig({});
    await first.appendMetric(train(1));
    await first.writeModel(tensors);
    await first.writeState(tensors);
    await first.writeReport("<!doctype html>");
    const owned = ["config.json", "metrics.jsonl", "model.safetensors", "report.html", "state.safetensors"];
    first.close();
    expect(await names(out)).toEqual(owned);
    const others = ["notes.txt", basename(temporaryPath("notes.txt"))];
    for (const name of [...others, basename(temporaryPath(RUN_FILES.state))]) await writeFile(join(out, name), "");
    const second = await RunFolder.create({ out, preset: "tiny", force: true });
    expect(second).toMatchObject({ path: out, stage: "none" });
    expect(await names(out)).toEqual(expect.arrayContaining([...owned, ...others]));
    await second.begin({ new: true });
    second.close();
    expect(await names(out)).toEqual([...others, "config.json"].sort());
    expect(await second.readConfig()).toEqual({ new: true });
  });

  it("refuses a file in the folder's place, even with force", async () => {
    const out = join(root, "file");
    await writeFile(out, "precious");
    await expect(RunFolder.create({ out, preset: "tiny", force: true })).rejects.toMatchObject({ code: "exists" });
    await expect(RunFolder.create({ out: join(out, "below"), preset: "tiny" })).rejects.toMatchObject({ code: "io" });
    expect(await readFile(out, "utf8")).toBe("precious");
  });
});

describe("RunFolder.open", () => {
  it("opens a folder with a state, with a configuration, and with neither", async () => {
    const out = join(root, "deep", "run");
    const stageOf = async () => {
      const folder = await RunFolder.open(`${out}/`);
      folder.close();
      expect(folder.path).toBe(out);
      return folder.stage;
    };
    expect(await lookAtRun(out)).toBe("none");
    expect(await stageOf()).toBe("none");
    // What no run has begun in does not stay; a folder that was there does.
    expect(await readdir(join(root, "deep"))).toEqual([]);
    await mkdir(out);
    expect(await stageOf()).toBe("none");
    const run = await RunFolder.open(out);
    await run.begin({});
    run.close();
    expect(await stageOf()).toBe("begun");
    const closed = { code: "in-use", message: expect.stringContaining("closed") };
    await expect(run.writeState(tensors)).rejects.toMatchObject(closed);
    const again = await RunFolder.open(out);
    await again.writeState(tensors);
    again.close();
    expect(await stageOf()).toBe("saved");
    expect((await again.readState()).tensors.get("counter")).toEqual(tensors[1]);
  });

  it("refuses what is no folder, and a folder with other files, and leaves both alone", async () => {
    await writeFile(join(root, "file"), "");
    const message = (text: string) => ({ code: "bad-file", message: expect.stringContaining(text) });
    await expect(RunFolder.open(join(root, "file"))).rejects.toMatchObject(message("not a folder"));
    for (const name of ["thesis.tex", "metrics.jsonl", "state.safetensors"]) {
      await rm(join(root, "mine"), { recursive: true, force: true });
      await mkdir(join(root, "mine"));
      await writeFile(join(root, "mine", name), "");
      const others = message(`config.json) but other files: ${name}`);
      await expect(RunFolder.open(join(root, "mine"))).rejects.toMatchObject(others);
      expect(await readdir(join(root, "mine"))).toEqual([name]);
    }
  });
});

describe("a run folder's files", () => {
  let run: RunFolder;
  beforeEach(async () => {
    run = await RunFolder.create({ preset: "tiny", root });
  });

  it("keeps the configuration", async () => {
    await run.writeConfig({ preset: "tiny", channels: [8, 16] });
    expect(await run.readConfig()).toEqual({ preset: "tiny", channels: [8, 16] });
    expect(await readFile(run.file("config"), "utf8")).toMatch(/^\{\n  "preset": "tiny",\n[^]*\}\n$/);
  });

  it("keeps model and state with their metadata", async () => {
    await run.writeModel(tensors, { config: "{}", dataSha256: "00" });
    await run.writeState([tensors[1]!], { step: "3" });
    const model = await run.readModel();
    expect(model.metadata).toEqual({ config: "{}", dataSha256: "00" });
    expect(model.tensors.get("a")).toEqual(tensors[0]);
    expect(await run.readState()).toEqual({ tensors: new Map([["counter", tensors[1]]]), metadata: { step: "3" } });
  });

  it("names the file that is damaged", async () => {
    await run.writeState(tensors);
    const bytes = await readFile(run.file("state"));
    await writeFile(run.file("state"), bytes.subarray(0, -1));
    const message = expect.stringContaining(run.file("state"));
    await expect(run.readState()).rejects.toMatchObject({ code: "bad-file", message });
  });

  it("appends metrics, and cuts off what came after a checkpoint", async () => {
    expect(await run.readMetrics()).toEqual([]);
    const rows = [evaluation(0), train(1), train(2), evaluation(2), train(3), evaluation(4)];
    for (const row of rows) await run.appendMetric(row);
    expect(await run.readMetrics()).toEqual(rows);
    await appendFile(run.file("metrics"), '{"type":"train","st');
    await writeFile(temporaryPath(run.file("model")), "");

    const resumed = run;
    await resumed.truncateMetricsAfter(2);
    expect(await names(run.path)).toEqual(["metrics.jsonl", "voxtwirl.lock"]);
    expect(await run.readMetrics()).toEqual(rows.slice(0, 4));
    await resumed.appendMetric(train(3));
    expect((await readFile(run.file("metrics"), "utf8")).split("\n")).toHaveLength(6);
    expect(await run.readMetrics()).toEqual([...rows.slice(0, 4), train(3)]);
  });

  it("truncates metrics that were never written", async () => {
    await run.truncateMetricsAfter(0);
    expect(await run.readMetrics()).toEqual([]);
  });

  it("writes the report", async () => {
    await run.writeReport("<!doctype html><p>Å");
    expect(await readFile(run.file("report"), "utf8")).toBe("<!doctype html><p>Å");
  });
});

describe("a run folder's methods", () => {
  it.each([
    ...(["begin", "file", "writeConfig", "appendMetric", "truncateMetricsAfter"] as const),
    ...(["writeModel", "writeState", "withState", "writeReport"] as const),
  ])("%s says what to give, and writes nothing", async (name) => {
    const folder = await RunFolder.create({ out: join(root, "run"), preset: "tiny" });
    const left = await names(folder.path);
    for (const given of [undefined, null, NaN]) {
      const call = async () => (folder[name] as (value: unknown) => unknown).call(folder, given);
      await expect(call()).rejects.toMatchObject({ code: "bad-option", fix: expect.stringMatching(/^Give /) });
    }
    expect(await names(folder.path)).toEqual(left);
    folder.close();
  });
});
