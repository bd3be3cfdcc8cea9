import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { BenchRecord } from "../../bench/record.ts";
import { expectGoogleBenchmark } from "../bench/googleBenchmark.ts";
import { needsStored } from "../kernels/half.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("bench");

const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as BenchRecord;

describe("voxtwirl bench", () => {
  it("times a case, prints a table and writes a record", async () => {
    const path = join(folder, "record.json");
    const { code, stdout, stderr } = await command.run([
      "bench",
      "noise",
      "--filter",
      "uniform",
      "--quick",
      "--json",
      path,
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^roofline: [\d.,]+ GFLOP\/s of multiply-adds, [\d.,]+ GB\/s of a large copy/m);
    expect(stdout).toMatch(/^noise\/uniform .* 0\.0e\+0 /m);
    const record = read(path);
    expectGoogleBenchmark(record);
    expect(record.results).toHaveLength(1);
    expect(record.context.interrupted).toBeUndefined();
    expect(record.context.dawn).toMatch(/^\d+\.\d+\.\d+/);
    // This is a checkout.
    expect(record.context.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(readdirSync(folder)).toEqual(["record.json"]);

    const written = readFileSync(path, "utf8");
    const again = await command.run(["bench", "noise", "--filter", "uniform", "--quick", "--json", path]);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain("record.json exists already\n  Choose another name, or add --force to replace it.");
    expect(readFileSync(path, "utf8")).toBe(written);
  });

  it("lists its cases without a GPU", async () => {
    const { code, stdout } = await command.run(["bench", "conv3d", "convT", "--list"], command.places.noDriver);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^conv3d\/A {2}1 x 32 -> 32 at 32\^3, k3 s1 p1$/m);
    expect(stdout.trim().split("\n")).toHaveLength(18);
  });

  describe("in half precision", () => {
    needsStored("f16");

    it("has cases of other names, which no comparison takes for those of f32", async () => {
      const [single, half] = [join(folder, "single.json"), join(folder, "half.json")];
      const args = ["bench", "groupnorm", "--filter", "G/silu", "--quick", "--json"];
      const { code, stdout, stderr } = await command.run([...args, half, "--precision", "f16"]);
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/^groupnorm\/G\/silu\/f16 .* \d\.\de-4 /m);
      expect(read(half).results).toMatchObject([{ case: "groupnorm/G/silu/f16", precision: "f16", right: true }]);
      expectGoogleBenchmark(read(half));
      expect((await command.run([...args, single])).code).toBe(0);
      expect(read(single).results[0]).not.toHaveProperty("precision");
      const compared = await command.run(["bench", "compare", single, half]);
      expect(compared.stdout).toContain("No benchmark is in both records.");
      for (const path of [single, half]) rmSync(path);
    });
  });

  it.each([
    [["noise", "--precision", "f16"], "half precision", "--list"],
    [["--precision", "f64"], "--precision f64", "f32, f16"],
    [["--precision", "f16", "--against", "torch"], "--against does not go with", "Leave"],
    [["conv4d"], "no suite conv4d", "conv3d"],
    [["--filter", "nothing"], '"nothing"', "--list"],
    [["--against", "tfjs,keras"], 'no engine "keras"', "torch"],
  ])("%j is a usage error with a way out", async (args, problem, fix) => {
    const { code, stdout, stderr } = await command.run(["bench", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const [first, second] = stderr.trimEnd().split("\n");
    expect(first).toContain(problem);
    expect(second).toContain(fix);
  });

  it("keeps what it measured when it is stopped", async () => {
    const path = join(folder, "stopped.json");
    const child = spawn(process.execPath, [command.path, "bench", "conv3d", "--json", path], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => (stdout += text));
    child.stderr.on("data", (text) => (stderr += text));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    while (!existsSync(path) && child.exitCode === null) await sleep(50);
    child.kill("SIGINT");
    expect(await ended, stderr).toBe(130);
    expect(stderr).toContain(`and is in ${path}`);
    const record = read(path);
    expect(record.context.interrupted).toBe(true);
    expect(record.results.length).toBeGreaterThan(0);
    expect(record.results.length).toBeLessThan(15);
    for (const { case: name } of record.results) expect(stdout).toContain(name);
    expectGoogleBenchmark(record);
  });
});
