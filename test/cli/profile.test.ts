import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { needsStored } from "../kernels/half.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { SMALL_STEPS } from "./smallRun.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("profile");
const file = (name: string) => join(folder, name);

describe("voxtwirl profile", () => {
  it("profiles training steps, and writes a trace, a page and the data", async () => {
    const files = ["--trace", file("trace.json"), "--html", file("page.html"), "--json", file("data.json")];
    const { code, stdout, stderr } = await command.run(["profile", "--batch", "2", "--steps", "2", ...files]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^training step, preset tiny, batch 2: \d+ dispatches on /);
    for (const heading of ["phase", "kernel", "layer", "dispatch"]) {
      expect(stdout).toMatch(new RegExp(`^${heading} +calls +time +share`, "m"));
    }
    for (const row of ["backward", "forward", "optimiser", "data", "conv3d\\w*"]) {
      expect(stdout).toMatch(new RegExp(`^${row} +\\d`, "m"));
    }
    expect(stdout).toMatch(/^profiling +\S+ \S+ wall time instead of .*%; ordinary replays took .* to /m);
    expect(stdout).toMatch(/^peak .* alive at command/m);

    const data = JSON.parse(readFileSync(file("data.json"), "utf8")) as {
      roofline: { gflops: number };
      memory: { peak: { bytes: number }; lowerBound: number };
      dispatches: { durationNs: number }[];
    };
    expect(data).toMatchObject({ type: "profile", repeats: 2, label: "train" });
    expect(data.roofline.gflops).toBeGreaterThan(0);
    expect(data.memory.peak.bytes).toBe(data.memory.lowerBound);
    const shares = data.dispatches.reduce((sum, { durationNs }) => sum + durationNs, 0);
    expect(shares).toBeGreaterThan(0);
    const { traceEvents } = JSON.parse(readFileSync(file("trace.json"), "utf8")) as {
      traceEvents: { ph: string; args?: { kernel?: string } }[];
    };
    const dispatches = traceEvents.filter(({ ph, args }) => ph === "X" && args?.kernel);
    expect(dispatches).toHaveLength(2 * data.dispatches.length);
    expect(readFileSync(file("page.html"), "utf8")).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect(readdirSync(folder).sort()).toEqual(["data.json", "page.html", "trace.json"]);
  });

  describe("in half precision", () => {
    needsStored("f16");

    it("profiles training steps", async () => {
      const { code, stdout, stderr } = await command.run([
        "profile",
        "--batch",
        "1",
        "--steps",
        "1",
        "--precision",
        "f16",
      ]);
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/^training step, preset tiny, batch 1, in f16: /);
    });
  });

  it("profiles an evaluation", async () => {
    const { code, stdout, stderr } = await command.run(["profile", "measure", "--steps", "1", "--batch", "12"]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^evaluation of one molecule, preset tiny, 24 rotations/);
    expect(stdout).toMatch(/^metric +\d/m);
    // Two chunks of twelve rotations: the model runs twice, its costliest layer too.
    expect(stdout).toMatch(/^unet\/up\/7\/res\/conv1 +2 /m);
    expect(stdout).not.toMatch(/^backward/m);
  });

  it.each([
    ["train", /^training step, preset forces-tiny, batch 1: /, ["neighbourList", "neighbourAttentionGradKey", "adamw"]],
    ["measure", /^evaluation of one molecule, preset forces-tiny, 24 rotations/, ["neighbourList", "edgeForces"]],
  ])("profiles %s of a force field", async (what, title, kernels) => {
    const args = ["--preset", "forces-tiny", "--batch", "1", "--steps", "1", "--json", file(`forces-${what}.json`)];
    const { code, stdout, stderr } = await command.run(["profile", what, ...args]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(title);
    const data = JSON.parse(readFileSync(file(`forces-${what}.json`), "utf8")) as { dispatches: { shader: string }[] };
    for (const kernel of kernels) expect(data.dispatches.map(({ shader }) => shader)).toContain(kernel);
  });

  describe("of a model's file", () => {
    const run = file("run");
    beforeAll(async () => {
      const quick = [...SMALL_STEPS, "--heldout", "6", "--steps", "1", "--every", "1"];
      const result = await command.run(["train", ...quick, "--out", run, "--quiet"]);
      expect(result.code, result.stderr).toBe(0);
    });

    it("profiles one forward pass", async () => {
      for (const path of [run, join(run, "model.safetensors")]) {
        const { code, stdout, stderr } = await command.run(["profile", "model", path, "--steps", "1", "--batch", "3"]);
        expect(code, stderr).toBe(0);
        expect(stdout).toMatch(/^forward pass of .*model\.safetensors, preset tiny, batch 3: \d+ dispatches/);
        expect(stdout).toMatch(/^forward +\d+ .*100\.0 %/m);
      }
    });

    it("refuses what does not go with it", async () => {
      for (const option of [
        ["--preset", "tiny"],
        ["--data", "builtin"],
      ]) {
        const { code, stderr } = await command.run(["profile", "model", run, ...option]);
        expect(code).toBe(2);
        expect(stderr).toContain(`${option[0]} does not go with profile model`);
      }
    });
  });

  it.each([
    [["everything"], /cannot profile "everything"/],
    [["model"], /profile model needs a file/],
    [["train", "x.safetensors"], /profile train does not take the argument "x\.safetensors"/],
    [["model", "a", "b"], /does not take the argument "b"/],
    [["--steps", "0"], /--steps 0/],
    [["--batch", "many"], /--batch many/],
    [["--preset", "huge"], /--preset huge is not known/],
    [["--trce", "x"], /Did you mean --trace/],
    [["--trace", "x", "--json", "x"], /named for two files/],
    [["--html", ""], /--html is empty/],
  ])("refuses %j", async (args, message) => {
    const { code, stdout, stderr } = await command.run(["profile", ...args]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
  });

  it("says what is wrong with files it cannot read or write, and leaves what was there", async () => {
    const missing = await command.run(["profile", "model", file("none.safetensors")]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/cannot read .*none\.safetensors/);
    writeFileSync(file("old.txt"), "old");
    const under = await command.run([
      "profile",
      "--batch",
      "1",
      "--steps",
      "1",
      "--json",
      join(file("old.txt"), "x.json"),
    ]);
    expect(under.code).toBe(1);
    expect(under.stderr).toMatch(/cannot write/);
    expect(readFileSync(file("old.txt"), "utf8")).toBe("old");
    expect(existsSync(file("x.json"))).toBe(false);
  });

  it("is in the help", async () => {
    const { stdout } = await command.run(["help", "profile"]);
    expect(stdout).toMatch(/^Usage: voxtwirl profile \[options\] \[train\|measure\|model\] \[FILE\]/);
    for (const option of ["preset", "data", "batch", "steps", "trace", "html", "json", "adapter"]) {
      expect(stdout).toContain(`--${option} `);
    }
  });
});
