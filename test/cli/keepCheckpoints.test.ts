import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/args.ts";
import { trainOptions } from "../../src/cli/trainArgs.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { SMALL_RUN } from "./smallRun.ts";

const built = useBuiltCommand();
const root = temporaryFolder("keep");

const read = (...args: string[]) =>
  trainOptions(command("train"))
    .action(() => undefined)
    .parse(args, { from: "user" })
    .opts().keepCheckpoints;

describe("--keep-checkpoints", () => {
  it("takes steps, every:N, both, or nothing for every evaluation", () => {
    expect(read("--steps", "3")).toBe(undefined);
    expect(read("--keep-checkpoints", "--steps", "3")).toBe("evaluations");
    expect(read("--keep-checkpoints", "evaluations")).toBe("evaluations");
    expect(read("--keep-checkpoints", "0,300,100,0")).toEqual({ steps: [0, 100, 300] });
    expect(read("--keep-checkpoints=every:50")).toEqual({ every: 50 });
    expect(read("--keep-checkpoints", "1,every:100,10")).toEqual({ every: 100, steps: [1, 10] });
  });

  it.each(["", "first", "1,,2", "1.5", "-1", "every:0", "every:2,every:3"])("refuses %j", (steps) => {
    const message = expect.stringMatching(/^--keep-checkpoints .*are not steps$/);
    expect(() => read(`--keep-checkpoints=${steps}`)).toThrow(expect.objectContaining({ code: "bad-option", message }));
  });

  it("says in the help how large each model is", () => {
    const help = trainOptions(command("train")).helpInformation().replace(/\s+/g, " ");
    for (const [preset, size] of Object.entries({ tiny: "1.4", small: "5.8", qm9: "425", drugs: "425" })) {
      const shapes = unetParameters(unetConfig(presets[preset]!)).map(({ shape }) => shape);
      const count = shapes.reduce((sum, shape) => sum + shape.reduce((product, n) => product * n, 1), 0);
      const mebibytes = (4 * count) / 2 ** 20;
      expect(Math.abs(Number(size) / mebibytes - 1)).toBeLessThan(0.02);
      expect(help).toMatch(new RegExp(`${preset}( and drugs)? ${size} MiB`));
    }
  });

  it("keeps models that `measure` takes, and says so", async () => {
    const out = join(root, "run");
    const keep = ["--keep-checkpoints", "0,1", "--steps", "2", "--every", "2"];
    const trained = await built.run(["train", ...SMALL_RUN, ...keep, "--out", out]);
    expect(trained.code, trained.stderr).toBe(0);
    const folder = join(out, "checkpoints");
    expect(trained.stdout).toMatch(/^keeps 2 models of 1\.39 MiB in .*checkpoints$/m);
    expect(trained.stdout).toContain(`  ${folder}\n`);
    expect(readdirSync(folder).sort()).toEqual(["model-000000.safetensors", "model-000001.safetensors"]);
    const model = join(folder, "model-000001.safetensors");
    const measured = await built.run([
      "measure",
      "--model",
      model,
      "--data",
      "builtin",
      "--limit",
      "2",
      "--twirl",
      "2",
      "--json",
    ]);
    expect(measured.code, measured.stderr).toBe(0);
    expect(JSON.parse(measured.stdout)).toMatchObject({ model, step: 1 });
  });
});
