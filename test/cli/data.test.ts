import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/random.ts";
import type { RunConfig } from "../../src/training/runConfig.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { SMALL_STEPS } from "./smallRun.ts";

const command = useBuiltCommand();
const root = temporaryFolder("data");

const place = new Random(3);
const atom = (element: string) => [element, ...[0, 1, 2].map(() => (3 * place.next() - 1.5).toFixed(3))].join(" ");
const good = Array.from({ length: 10 }, () => `3\n\n${["C", "H", "O"].map(atom).join("\n")}\n`);
const data = join(root, "some.xyz");
writeFileSync(data, [...good.slice(0, 4), "2\n\nC 0 0 0\nX 0 0 1\n", ...good.slice(4), "0\n\n"].join(""));
const leftOut = [
  '1 of 12 records left out: record 5 (line 24): expected atom 2 of 2, but "X" is no element',
  "1 of 12 records left out: record 12",
];

const size = [...SMALL_STEPS, "--heldout", "2", "--twirl", "2", "--seed", "4", "--steps", "1"];
const run = join(root, "run");
const dataOf = (folder: string) => (JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as RunConfig).data;

/** The command with a file on its standard input, by a real pipe. */
function piped(args: string[]): string {
  const words = [process.execPath, command.path, ...args].map((word) => `'${word}'`).join(" ");
  return execFileSync("sh", ["-c", `cat '${data}' | ${words} 2>&1`], { encoding: "utf8", env: process.env });
}

beforeAll(async () => {
  const result = await command.run(["train", "--data", data, ...size, "--out", run]);
  expect(result.code, result.stderr).toBe(0);
  for (const line of leftOut) expect(result.stderr).toContain(`voxtwirl: ${line}`);
});

describe("--data with records that cannot be used", () => {
  it("says in the run's report what was left out, and goes on with the rest", () => {
    const html = readFileSync(join(run, "report.html"), "utf8");
    expect(html).toContain("1 of 12 records left out: record 5 (line 24)");
    const { training, heldout, skipped } = dataOf(run);
    expect([training, heldout, skipped]).toEqual([8, 2, 0]);
  });

  it("is refused by train, measure and profile with --strict, leaving nothing", async () => {
    for (const args of [
      ["train", ...size, "--out", join(root, "none")],
      ["train", "--resume", run, "--steps", "99"],
      ["measure", "--model", run],
      ["profile", "train", "--steps", "1"],
    ]) {
      const { code, stderr } = await command.run([...args, "--data", data, "--strict"]);
      expect([code, existsSync(join(root, "none"))], args[0]).toEqual([1, false]);
      expect(stderr).toContain('some.xyz, line 24: expected atom 2 of 2, but "X" is no element');
    }
  });

  it("is counted by measure, in lines and in JSON", async () => {
    const other = join(root, "other.xyz");
    writeFileSync(other, `${good[0]}${good[1]}1\n\nQ 0 0 0\n1\n\nX 0 0 0\n0\n\n`);
    const args = ["measure", "--model", run, "--data", other, "--twirl", "2"];
    const { stdout } = await command.run(args);
    expect(stdout).toContain("2 of 5 records left out: record 3 (line 13): ");
    expect(stdout).toContain("also in record 4 (line 16)");
    const json = JSON.parse((await command.run([...args, "--json"])).stdout);
    expect(json).toMatchObject({
      records: 5,
      recordsLeftOut: { "dummy, ghost or query atoms": 2, "no atoms": 1 },
      samples: 2,
      // The model has hardly learned; of the data there is nothing to say.
      remarks: [expect.stringMatching(/lossTotal is above lossZero/) as string],
    });
  });

  it("shows remarks about odd data, and trains all the same", async () => {
    const flat = join(root, "flat.xyz");
    const ring = (x: number) => `4\n\nC 0 0 0\nO 1.2 0 0\nH -0.6 ${x} 0\nH -0.6 -0.95 0\n`;
    writeFileSync(flat, [0.7, 0.8, 0.9, 1.1].map(ring).join(""));
    const { code, stderr } = await command.run([
      "train",
      "--data",
      flat,
      ...size,
      "--heldout",
      "1",
      "--out",
      join(root, "flat"),
    ]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("voxtwirl: all molecules of four atoms and more lie flat");
  });
});

describe("--data from a pipe and a folder", () => {
  it("reads standard input, and resumes only with the data given anew", async () => {
    const out = join(root, "piped");
    expect(piped(["train", "--data", "/dev/stdin", ...size, "--out", out])).toContain(leftOut[0]);
    expect(dataOf(out)).toEqual({ ...dataOf(run), source: "/dev/stdin" });
    const again = await command.run(["train", "--resume", out, "--steps", "2"]);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/cannot be read a second time[^]*Give the same data with --data/);
    expect((await command.run(["train", "--resume", out, "--data", data, "--steps", "2"])).code).toBe(0);
  });

  it("reads all files of a folder", async () => {
    const folder = join(root, "folder");
    mkdirSync(folder);
    good.forEach((text, i) => writeFileSync(join(folder, `${i}.xyz`), text));
    writeFileSync(join(folder, "x.xyz"), "not molecules");
    writeFileSync(join(folder, "README"), "none");
    const out = join(root, "from-folder");
    const { code, stderr } = await command.run(["train", "--data", folder, ...size, "--out", out]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("1 of 11 records left out: file x.xyz: x.xyz, line 1: expected a number of atoms");
    expect(stderr).toContain(`1 other files and folders in ${folder} are not read`);
    const resumed = await command.run(["train", "--resume", out, "--steps", "2"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    writeFileSync(join(folder, "10.xyz"), good[0]!);
    expect((await command.run(["train", "--resume", out, "--steps", "3"])).stderr).toContain(
      "has changed since the run began",
    );
  });
});
