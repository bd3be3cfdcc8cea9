import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { experiments } from "../../src/experiments/list.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const root = temporaryFolder("experiment");
const run = (...args: string[]) => command.run(["experiment", ...args]);
/** Refused before an adapter is asked for. */
const refused = (...args: string[]) => command.run(["experiment", ...args], command.places.noDriver);

/** The folder of an experiment that has begun, or is done. */
function begun(out: string, others: object, ...files: string[]): string {
  const path = join(root, out, "dip");
  mkdirSync(path, { recursive: true });
  const sha256 = "0188c9ae4fc0c7a723c964bc9c5ccf88c0c412a311302975ecfbf761c5232b9c";
  const settings = { format: 1, experiment: "dip", preset: "tiny", source: "builtin", sha256, seeds: 1, steps: 2 };
  writeFileSync(join(path, "experiment.json"), JSON.stringify({ ...settings, ...others }));
  for (const file of files) writeFileSync(join(path, file), "{}\n");
  return join(root, out);
}

describe("voxtwirl experiment", () => {
  it("lists what each experiment asks, runs and is judged by", async () => {
    const { code, stdout } = await refused("--list");
    expect(code).toBe(0);
    const text = stdout.replace(/\s+/g, " ");
    for (const { name, question, claim, rule, arms } of experiments) {
      for (const said of [name, question, `Claim: ${claim}`, `Verdict: ${rule}`]) expect(text).toContain(said);
      for (const arm of arms) expect(text).toContain(` ${arm.name}: `);
    }
    expect(text).toContain("task voxels, preset tiny: 2 arms of 3 seeds, 1,500 steps each");
    expect(text).toContain("task forces, preset forces-tiny: 2 arms of 3 seeds, 2,000 steps each");
    const forces = await refused("--list", "--task", "forces");
    expect(forces.stdout).not.toContain("task voxels");
    expect(forces.stdout).not.toMatch(/^latents$/m);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it("refuses names that are none with the list", async () => {
    const { code, stderr } = await refused("dips");
    expect(code).toBe(2);
    expect(stderr).toContain('there is no experiment "dips"');
    expect(stderr).toContain(experiments.map(({ name }) => name).join(", "));
    expect((await refused()).stderr).toContain("which experiment is not said");
    const arm = await refused("dip", "--arms", "so3", "wide", "--out", join(root, "arms"));
    expect(arm).toMatchObject({ code: 2, stderr: expect.stringContaining('dip has no arm "wide"') as string });
    expect(arm.stderr).toContain('"half width"');
    const task = await refused("latents", "--task", "forces");
    expect(task).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("latents is not for the task forces") as string,
    });
    const preset = await refused("dip", "--task", "forces", "--preset", "tiny");
    expect(preset).toMatchObject({ code: 2, stderr: expect.stringContaining("forces-tiny, forces-small") as string });
  });

  it("lists an experiment across tasks with each of them, and refuses to give it one", async () => {
    const { stdout } = await refused("--list", "--task", "flow");
    expect(stdout).toContain("  several tasks: 3 arms of 3 seeds, 2,000 steps each\n");
    expect(stdout).toContain("    forces: preset forces-tiny, augment so3\n");
    expect(stdout).toContain("task flow, preset flow-tiny: 4 arms of 3 seeds, 1,000 steps each");
    for (const option of [
      ["--task", "flow"],
      ["--preset", "tiny"],
      ["--data", "builtin"],
    ]) {
      const { code, stderr } = await refused("tasks", ...option, "--out", join(root, "across"));
      expect(code).toBe(2);
      expect(stderr).toContain(`the experiment tasks takes no ${option[0]}: it is of several tasks`);
      expect(stderr).toContain("tiny, forces-tiny, flow-tiny");
    }
  });

  it("refuses a folder that is there already, or of something else", async () => {
    const one = await refused("dip", "--out", begun("begun", {}));
    expect(one).toMatchObject({ code: 1, stderr: expect.stringContaining("has begun already") as string });
    expect(one.stderr).toContain("--resume");
    const two = await refused("dip", "--out", begun("done", {}, "results.json"));
    expect(two.stderr).toContain("is done already");
    const three = await refused("dip", "--out", begun("scale", { experiment: "scale" }));
    expect(three.stderr).toContain("holds the experiment scale, not dip");
    const four = await refused("dip", "--resume", "--preset", "small", "--out", begun("preset", {}));
    expect(four).toMatchObject({ code: 2, stderr: expect.stringContaining("it began with tiny") as string });
    expect(readdirSync(join(root, "begun"))).toEqual(["dip"]);
  });

  it("has nothing to do where all is done, and prints the results", async () => {
    const out = begun("same", {}, "results.json");
    const { code, stdout, stderr } = await refused("dip", "--resume", "--json", "--out", out);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "{}\n" });
    expect(stderr).toContain("is done already");
  });

  it("takes another task, whose folder is its own, and goes on with it", async () => {
    const out = join(root, "forces");
    const args = ["gradients", "--steps", "2", "--seeds", "1", "--out", out];
    const { code, stdout, stderr } = await run(...args, "--task", "forces");
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("preset forces-tiny, 1 arm of 1 seed, 2 steps each:");
    expect(readdirSync(out).sort()).toEqual(["gradients-forces", "runs"]);
    const again = await refused("gradients", "--task", "forces", "--out", out);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("is done already") as string });
    const resumed = await refused("gradients", "--task", "forces", "--resume", "--out", out);
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringContaining("is done already") as string });
  });

  it("says what it will do, does it, and says the verdict; the page and the results are there", async () => {
    const out = join(root, "new");
    const { code, stdout, stderr } = await run("twirling", "--steps", "2", "--seeds", "1", "--out", out);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("preset tiny, 1 arm of 1 seed, 2 steps each:");
    expect(stdout).toMatch(/1 run \(0 there already\), 1 model to measure \(0 measured already\): about \d/);
    expect(stdout).toContain("verdict: not decided");
    expect(readdirSync(join(out, "twirling")).sort()).toEqual([
      ...["experiment.json", "readings", "report.html", "results.json", "timings.json"],
    ]);
  });
});
