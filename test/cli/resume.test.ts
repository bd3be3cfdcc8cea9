import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { closeSync, openSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { thisProcess } from "../../src/node/processIdentity.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { metricRows, SMALL_RUN, withoutTime } from "./smallRun.ts";

const command = useBuiltCommand();
const root = temporaryFolder("resume");

/** The one command of a job script, from the first start to the last. */
const options = [...SMALL_RUN, "--steps", "3", "--every", "2"];
const job = (folder: string, ...more: string[]) => command.run(["train", ...options, "--resume", folder, ...more]);
const whole = join(root, "deep", "whole");
const file = (folder: string, name: string) => join(folder, name);
const rowsOf = (folder: string) => withoutTime(metricRows(folder));
/** The tensors of a checkpoint as bytes: what is before them holds seconds. */
const weightsOf = (folder: string) => {
  const bytes = readFileSync(file(folder, "state.safetensors"));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
};
const contents = (folder: string) =>
  readdirSync(folder)
    .sort()
    .map((name) => [name, statSync(file(folder, name)).mtimeMs]);

function expectSameAsWhole(folder: string): void {
  expect(weightsOf(folder).equals(weightsOf(whole))).toBe(true);
  const model = (of: string) => readFileSync(file(of, "model.safetensors"));
  expect(model(folder).equals(model(whole))).toBe(true);
  expect(rowsOf(folder)).toEqual(rowsOf(whole));
  expect(readdirSync(folder).sort()).toEqual(readdirSync(whole).sort());
}

/** A folder as a run leaves it that is killed before its first checkpoint. */
function killedEarly(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  cpSync(file(whole, "config.json"), file(folder, "config.json"));
  writeFileSync(file(folder, "metrics.jsonl"), `${JSON.stringify(rowsOf(whole)[0])}\n{"type":"tr`);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const holder = { ...thisProcess(), pid, started: "1", since: new Date().toISOString(), beatMs: 5000, id: "a" };
  writeFileSync(file(folder, "voxtwirl.lock"), `${JSON.stringify(holder)}\n           0\n`);
  return folder;
}

describe("voxtwirl train --resume, as a job script gives it", () => {
  beforeAll(async () => {
    const first = await job(whole);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stderr).toContain(`voxtwirl: ${whole} holds no run yet: a new one begins\n`);
  });

  it("begins what --out begins", async () => {
    const out = join(root, "out");
    const plain = await command.run(["train", ...SMALL_RUN, "--steps", "3", "--every", "2", "--out", out]);
    expect(plain.stderr).not.toContain("holds no run");
    expectSameAsWhole(out);
    const config = (folder: string) => JSON.parse(readFileSync(file(folder, "config.json"), "utf8")) as object;
    expect(config(out)).toEqual(config(whole));
  });

  it("is done at once when all steps are done", async () => {
    const before = contents(whole);
    const again = await job(whole);
    expect(again).toMatchObject({ code: 0, stdout: "" });
    expect(again.stderr).toMatch(/^voxtwirl: .* has done its 3 steps already.*\n$/);
    expect(contents(whole)).toEqual(before);
  });

  it("begins a run again that was stopped before its first checkpoint, from its configuration", async () => {
    for (const [name, args] of [
      ["killed", []],
      ["killed, options again", [...SMALL_RUN, "--every", "2"]],
    ] as const) {
      const folder = killedEarly(name);
      const { code, stderr } = await command.run(["train", "--resume", folder, ...args]);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/taken over from process \d+ .* which is gone\n/);
      expect(stderr).toContain("was stopped before its first checkpoint: it begins again\n");
      expectSameAsWhole(folder);
    }
  });

  it("takes options that equal the run's, however they are written, and the folder as --out", async () => {
    const folder = join(root, "same");
    cpSync(whole, folder, { recursive: true });
    const same = ["--preset", "tiny", "--lr", "0.5e-2", "--sigma", ".32", "--resolution", "1.0", "--augment", "so3"];
    const more = ["--micro-batch", "2", "--precision", "f32", "--data", "builtin"];
    const out = ["--out", `${relative(process.cwd(), folder)}/`, "--steps", "4"];
    const result = await command.run(["train", ...SMALL_RUN, ...same, ...more, ...out, "--resume", folder, "--json"]);
    expect(result.code, result.stderr).toBe(0);
    expect(rowsOf(folder).at(-1)).toMatchObject({ type: "eval", step: 4 });
  });

  it("refuses options that differ by name, with both values, and changes nothing", async () => {
    const before = contents(whole);
    const cases: [string[], RegExp][] = [
      [["--lr", "1e-3"], /--lr 0\.001, but the run has 0\.005\n/],
      [["--seed", "5", "--preset", "small"], /--preset small, but the run has tiny; --seed 5, but the run has 4\n/],
      [["--micro-batch", "1"], /--micro-batch 1, but the run has 2\n/],
      [["--heldout", "3"], /--heldout 3, but the run has 2\n/],
      [["--force"], /--force does not go with --resume/],
      [["--out", join(root, "elsewhere")], /--out .*elsewhere is another folder than that of --resume/],
      [["--lr", "fast"], /--lr fast is not a number/],
    ];
    for (const [args, message] of cases) {
      const result = await command.run(["train", "--resume", whole, ...args]);
      expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
    }
    expect(contents(whole)).toEqual(before);
  });

  it("refuses other data, also before the first checkpoint", async () => {
    const data = join(root, "other.xyz");
    writeFileSync(data, Array.from({ length: 9 }, (_, i) => `2\n\nC 0 0 0\nO 0 0 ${1 + i / 20}\n`).join(""));
    const early = killedEarly("other data");
    rmSync(file(early, "voxtwirl.lock"));
    for (const folder of [early, whole]) {
      const before = contents(folder);
      const result = await command.run(["train", "--resume", folder, "--steps", "9", "--data", data]);
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(/other\.xyz, but the run began with builtin/);
      expect(contents(folder)).toEqual(before);
    }
  });

  it("refuses a folder with other files and no run, and a file", async () => {
    const folder = join(root, "thesis");
    mkdirSync(folder);
    writeFileSync(file(folder, "chapter1.tex"), "precious");
    const refused = (message: RegExp) => ({ code: 1, stderr: expect.stringMatching(message) });
    const holds = /thesis holds no run \(no config\.json\) but other files: chapter1\.tex\n/;
    expect(await job(folder)).toMatchObject(refused(holds));
    expect(readdirSync(folder)).toEqual(["chapter1.tex"]);
    expect(await job(file(folder, "chapter1.tex"))).toMatchObject(refused(/is not a folder/));
    expect(readFileSync(file(folder, "chapter1.tex"), "utf8")).toBe("precious");
  });

  it("takes a folder as empty that holds only its own output, where batch systems may put it", () => {
    const folder = join(root, "log inside");
    mkdirSync(folder);
    const log = openSync(file(folder, "job.log"), "a");
    const args = [command.path, "train", ...options, "--resume", folder];
    const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    const text = readFileSync(file(folder, "job.log"), "utf8");
    expect(status, text).toBe(0);
    expect(text).toContain("holds no run yet: a new one begins");
    expect(weightsOf(folder).equals(weightsOf(whole))).toBe(true);
  });

  it("makes anew what a run was killed before writing at its very end", async () => {
    for (const name of ["report.html", "model.safetensors"]) {
      const folder = join(root, `without ${name}`);
      cpSync(whole, folder, { recursive: true });
      rmSync(file(folder, name));
      appendFileSync(file(folder, "metrics.jsonl"), '{"type":"ev');
      const result = await job(folder);
      expect(result.code, result.stderr).toBe(0);
      expectSameAsWhole(folder);
    }
  });

  it("leaves no folder where a run cannot begin", async () => {
    const folder = join(root, "never");
    const result = await job(folder, "--data", "missing.xyz");
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining("missing.xyz") });
    expect(readdirSync(root)).not.toContain("never");
  });
});
