import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { unetParameters } from "../../src/models/unetLayout.ts";
import type { RunConfig } from "../../src/training/runConfig.ts";
import type { EvalRow, MetricRow, TrainRow } from "../../src/training/metrics.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { toTorch } from "../../src/models/layouts.ts";
import { needsStored } from "../kernels/half.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { metricRows, SMALL_FORCE_RUN, SMALL_RUN, withoutTime } from "./smallRun.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("train");

const configOf = (folder: string) => JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as RunConfig;

describe("voxtwirl train", () => {
  const out = join(folder, "run");
  let stdout = "";
  beforeAll(async () => {
    const result = await command.run(["train", ...SMALL_RUN, "--steps", "5", "--every", "2", "--out", out]);
    expect(result.code, result.stderr).toBe(0);
    stdout = result.stdout;
  });

  it("prints the table as it goes and the files it wrote", () => {
    expect(stdout).toMatch(/built-in set/);
    for (const step of [0, 2, 4, 5]) expect(stdout).toMatch(new RegExp(`^ +${step} .*%\\)?$`, "m"));
    for (const name of ["config.json", "metrics.jsonl", "model.safetensors", "state.safetensors", "report.html"]) {
      expect(stdout).toContain(join(out, name));
      expect(existsSync(join(out, name)), name).toBe(true);
    }
  });

  it("writes the rows of every step and evaluation", () => {
    const rows = metricRows(out);
    const evals = rows.filter((row): row is EvalRow => row.type === "eval");
    const train = rows.filter((row): row is TrainRow => row.type === "train");
    expect(evals.map(({ step }) => step)).toEqual([0, 2, 4, 5]);
    expect(train.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    for (const row of evals) {
      expect(row.lossMean + row.lossEquiv).toBeCloseTo(row.lossTotal, 8);
      expect(row.percentEquiv).toBeCloseTo((100 * row.lossEquiv) / row.lossTotal, 5);
      expect(row.lossZero).toBe(evals[0]!.lossZero);
    }
  });

  it("saves the model under PyTorch's names and shapes, with what it was trained on", () => {
    const { tensors, metadata } = decodeSafetensors(readFileSync(join(out, "model.safetensors")));
    const config = configOf(out);
    const parameters = unetParameters(unetConfig(presets.tiny!));
    expect([...tensors.keys()].sort()).toEqual(parameters.map(({ name }) => name).sort());
    for (const { name, kind, shape } of parameters) {
      const count = shape.reduce((product, n) => product * n, 1);
      expect(tensors.get(name)!.shape, name).toEqual([...toTorch(kind, shape, new Float32Array(count)).shape]);
    }
    expect(JSON.parse(metadata.config!)).toEqual(config);
    expect(metadata.dataSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(config.data.sha256).toBe(metadata.dataSha256);
    expect(Number(metadata.splitSeed)).toBe(4);
  });

  it("writes a report that stands alone", () => {
    const html = readFileSync(join(out, "report.html"), "utf8");
    expect(html).toContain("<svg");
    expect(html.match(/data:image\/png/g)!.length).toBeGreaterThanOrEqual(4);
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
  });

  it("continues to the same weights and rows as a run that never stopped, and to a larger --steps", async () => {
    const part = join(folder, "part");
    const first = await command.run(["train", ...SMALL_RUN, "--steps", "2", "--every", "2", "--out", part, "--quiet"]);
    expect(first).toMatchObject({ code: 0, stdout: "" });
    const second = await command.run(["train", "--resume", part, "--steps", "5", "--json"]);
    expect(second.code, second.stderr).toBe(0);
    const bytes = (path: string) => decodeSafetensors(readFileSync(join(path, "state.safetensors"))).tensors;
    expect(bytes(part)).toEqual(bytes(out));
    const rows = metricRows(part);
    expect(withoutTime(rows)).toEqual(withoutTime(metricRows(out)));
    expect(
      second.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as MetricRow),
    ).toEqual(rows.filter(({ step }) => step > 2));
  });

  it("measures the same held-out molecules, poses and noise whatever the augmentation", async () => {
    const other = join(folder, "none");
    const args = ["train", ...SMALL_RUN, "--steps", "1", "--every", "1", "--augment", "none", "--out", other, "--json"];
    const { stdout: json } = await command.run(args);
    const [start] = json.split("\n").map((line) => JSON.parse(line || "{}") as EvalRow);
    expect({ ...start!, seconds: 0 }).toEqual({ ...metricRows(out)[0]!, seconds: 0 });
    const losses = (path: string) => metricRows(path).filter((row) => row.type === "train")[0] as TrainRow;
    expect(losses(other).loss).not.toBe(losses(out).loss);
  });

  it("trains on principal poses under the cube's rotations, too", async () => {
    const args = ["train", ...SMALL_RUN, "--steps", "1", "--augment", "octahedral", "--pose", "principal", "--json"];
    const { code, stdout: json } = await command.run([...args, "--out", join(folder, "principal")]);
    expect(code).toBe(0);
    const rows = json
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as MetricRow);
    expect(rows.map(({ type }) => type)).toEqual(["eval", "train", "eval"]);
    // Another pose before the same random one: other held-out grids.
    expect((rows[0] as EvalRow).lossZero).not.toBe((metricRows(out)[0] as EvalRow).lossZero);
    expect(configOf(join(folder, "principal")).training).toMatchObject({ pose: "principal" });
  });

  describe("in half precision", () => {
    needsStored("f16");
    const path = join(folder, "half");
    const begin = ["train", ...SMALL_RUN, "--steps", "2", "--every", "2", "--precision", "f16", "--out", path];

    it("says so everywhere, follows f32, and resumes bitwise without being told", async () => {
      const first = await command.run(begin);
      expect(first.code, first.stderr).toBe(0);
      expect(first.stdout).toMatch(/^preset tiny in f16: /m);
      const second = await command.run(["train", "--resume", path, "--steps", "5", "--json"]);
      expect(second.code, second.stderr).toBe(0);
      const one = join(folder, "half in one");
      const straight = await command.run([...begin, "--steps", "5", "--out", one, "--quiet"]);
      expect(straight.code, straight.stderr).toBe(0);
      const state = (of: string) => decodeSafetensors(readFileSync(join(of, "state.safetensors"))).tensors;
      expect(state(path)).toEqual(state(one));
      expect(state(path).get("scaling")!.data[0]).toBe(2 ** 16);
      const rows = metricRows(path);
      expect(withoutTime(rows)).toEqual(withoutTime(metricRows(one)));
      const losses = (all: MetricRow[]) => all.flatMap((row) => (row.type === "train" ? [row.loss] : []));
      const single = losses(metricRows(out));
      losses(rows).forEach((loss, i) => expect(Math.abs(loss / single[i]! - 1)).toBeLessThan(2e-2));
      expect(rows.filter(({ type }) => type === "train")).toMatchObject(
        Array(5).fill({ lossScale: 2 ** 16, skipped: false }),
      );
      for (const file of ["model", "state"]) {
        const { metadata } = decodeSafetensors(readFileSync(join(path, `${file}.safetensors`)));
        expect((JSON.parse(metadata.config!) as RunConfig).training.precision).toBe("f16");
      }
      expect(configOf(path).training.precision).toBe("f16");
    });

    it("stays as it is: another precision is refused, the same is not", async () => {
      const other = await command.run(["train", "--resume", path, "--precision", "f32", "--steps", "6"]);
      expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/--precision f32, but the run has f16\n/) });
      const same = await command.run(["train", "--resume", path, "--precision", "f16", "--steps", "6", "--json"]);
      expect(same.code, same.stderr).toBe(0);
      expect((await command.run(["train", "--resume", out, "--precision", "f16"])).code).toBe(2);
    });
  });

  it("tells rows of f32 as ever, without a scale", () => {
    for (const row of metricRows(out)) expect(row).not.toHaveProperty("lossScale");
  });

  it("never writes over an earlier run unless told to", async () => {
    const before = readFileSync(join(out, "metrics.jsonl"));
    const args = ["train", ...SMALL_RUN, "--steps", "1", "--out", out];
    expect(await command.run(args)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/exists already\n.*--force/),
    });
    expect(readFileSync(join(out, "metrics.jsonl"))).toEqual(before);
  });

  it.each<[string, number, (child: ChildProcess) => void, size?: readonly string[]]>([
    ["Ctrl-C", 130, (child) => child.kill("SIGINT")],
    ["Ctrl-C in a run of forces", 130, (child) => child.kill("SIGINT"), SMALL_FORCE_RUN],
    ["SIGTERM", 143, (child) => child.kill("SIGTERM")],
    // As batch systems do: a warning, and the same again by a script that passes it on.
    ["SIGUSR1", 138, (child) => [1, 2].forEach(() => child.kill("SIGUSR1"))],
    // Twice, as shells do.
    ["a closed terminal", 129, (child) => [1, 2].forEach(() => child.kill("SIGHUP"))],
    ["a reader of stdout that goes away", 141, (child) => child.stdout!.destroy()],
  ])("on %s it saves and exits with %i, and goes on from there", async (what, expected, stop, size = SMALL_RUN) => {
    const path = join(folder, `stopped by ${what}`);
    const args = ["train", ...size, "--steps", "100000", "--every", "50000", "--out", path, "--json"];
    const child = spawn(process.execPath, [command.path, ...args], { stdio: ["ignore", "pipe", "ignore"] });
    let seen = "";
    let stopped = false;
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      // Once: a second signal may stop it without saving.
      if (!stopped && /"step":20,/.test(seen)) {
        stopped = true;
        stop(child);
      }
    });
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(code).toBe(expected);
    const rows = metricRows(path);
    const last = rows.at(-1)!.step;
    expect(last).toBeGreaterThanOrEqual(20);
    expect(decodeSafetensors(readFileSync(join(path, "state.safetensors"))).metadata.step).toBe(String(last));
    expect(readFileSync(join(path, "report.html"), "utf8")).toContain(`Interrupted at step ${last}`);
    const again = await command.run(["train", "--resume", path, "--steps", String(last + 1), "--json"]);
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout.split("\n")[0]!)).toMatchObject({ type: "train", step: last + 1 });
  });

  it("takes a second Ctrl-C at any time, with a checkpoint left to go on from", async () => {
    const path = join(folder, "stopped twice");
    const args = ["train", ...SMALL_RUN, "--steps", "100000", "--every", "50000", "--out", path, "--json"];
    const child = spawn(process.execPath, [command.path, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let seen = "";
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (/"step":20,/.test(seen) && !child.killed) child.kill("SIGINT");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      // Later than a wrapper passes on the first one.
      if (chunk.toString().includes("stopping after the steps in flight")) setTimeout(() => child.kill("SIGINT"), 400);
    });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(130);
    expect(existsSync(join(path, "voxtwirl.lock"))).toBe(false);
    // That of step 0, or a later one where saving was done before.
    const saved = Number(decodeSafetensors(readFileSync(join(path, "state.safetensors"))).metadata.step);
    const again = await command.run(["train", "--resume", path, "--steps", String(saved + 2), "--json"]);
    expect(again.code, again.stderr).toBe(0);
    const trained = metricRows(path).filter(({ type }) => type === "train");
    expect(trained.map(({ step }) => step)).toEqual(Array.from({ length: saved + 2 }, (_, i) => i + 1));
  });

  it.each([
    [["--twirl", "1"], 2, "--twirl"],
    [["--twirl", "25"], 2, "--twirl"],
    [["--steps", "0"], 2, "--steps"],
    [["--batch", "-3"], 2, "--batch"],
    [["--lr", "fast"], 2, "--lr"],
    [["--augment", "flips"], 2, "--augment"],
    [["--preset", "huge"], 2, "--preset"],
    [["--precision", "half"], 2, "f32, f16"],
    [["--grid", "10"], 2, "multiple of 4"],
    [["--batch", "6", "--micro-batch", "4"], 2, "micro-batches of 4"],
    [["--data", "missing.xyz"], 1, "missing.xyz"],
    [["--data", "words.xyz"], 1, "words.xyz"],
    [["--data", "gold.xyz"], 1, "Au"],
  ])("%j is one clear line and what to do", async (args, code, text) => {
    writeFileSync(join(folder, "words.xyz"), "two\nwords\n");
    writeFileSync(join(folder, "gold.xyz"), "1\n\nAu 0 0 0\n");
    const placed = args.map((arg) => (arg.endsWith(".xyz") ? join(folder, arg) : arg));
    const result = await command.run(["train", ...placed, "--out", join(folder, "never")]);
    expect(result.code).toBe(code);
    const lines = result.stderr
      .trimEnd()
      .split("\n")
      .filter((line) => !line.includes("software adapter"));
    expect(lines.length).toBe(2);
    expect(lines[0]! + lines[1]!).toContain(text);
    expect(existsSync(join(folder, "never"))).toBe(false);
  });
});
