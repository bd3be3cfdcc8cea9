import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { hasTorch, runPython } from "../python.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { SMALL_RUN } from "./smallRun.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("convert");
const file = (name: string) => join(folder, name);
const golden = (name: string) => fileURLToPath(new URL(`../golden/checkpoint/${name}`, import.meta.url));
const checkpoint = golden("voxmol.pth.tar");

describe("voxtwirl convert", () => {
  it("makes a model of a checkpoint, and the checkpoint's weights of the model", async () => {
    const { code, stdout } = await command.run(["convert", checkpoint, file("model.safetensors")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/model\.safetensors: 108 tensors of .*voxmol\.pth\.tar, 6,425 parameters\n$/);
    const back = await command.run(["convert", file("model.safetensors"), file("checkpoint.pth.tar"), "--json"]);
    expect(back.code).toBe(0);
    expect(JSON.parse(back.stdout)).toMatchObject({ type: "convert", to: "torch", tensors: 108, remarks: [] });
    await command.run(["convert", file("checkpoint.pth.tar"), file("again.safetensors")]);
    expect(readFileSync(file("again.safetensors")).equals(readFileSync(file("model.safetensors")))).toBe(true);
  });

  it.skipIf(!hasTorch)("writes what VoxMol's loader takes", () => {
    // The steps of its load_checkpoint; names of parallel training and of torch.compile go.
    const same = runPython(
      `
import json, sys, torch
ours, theirs = (torch.load(path) for path in sys.argv[1:])
key = "state_dict_ema" if "state_dict_ema" in ours else "state_dict"
plain = {k.replace("_orig_mod.", "").replace("module.", ""): v for k, v in theirs[key].items()}
same = all(torch.equal(ours[key][k], v) for k, v in plain.items())
print(json.dumps([ours["epoch"], list(ours[key]) == list(plain), same]))`,
      file("checkpoint.pth.tar"),
      checkpoint,
    );
    expect(same).toEqual([7, true, true]);
  });

  it("measures a checkpoint as the model that it becomes", async () => {
    const args = ["--data", "builtin", "--limit", "1", "--twirl", "2", "--json"];
    const found = [];
    for (const model of [checkpoint, file("model.safetensors")]) {
      const { code, stdout, stderr } = await command.run(["measure", "--model", model, ...args]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
      const { model: named, ...rest } = JSON.parse(stdout) as { model: string; lossTotal: number };
      expect(named).toBe(model);
      found.push(rest);
    }
    expect(found[0]!.lossTotal).toBeGreaterThan(0);
    expect(found[1]).toEqual(found[0]);
  });

  describe("of a run", () => {
    beforeAll(async () => {
      const { code } = await command.run(["train", "--steps", "1", ...SMALL_RUN, "--out", file("run")]);
      expect(code).toBe(0);
    });

    it("says what VoxMol's own code cannot build, and comes back bitwise", async () => {
      const { code, stderr } = await command.run(["convert", file("run"), file("run.pt")]);
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(
          /cannot build this network: it goes down by k4s2, VoxMol's by k3s2; it has no att/,
        ),
      });
      await command.run(["convert", file("run.pt"), file("run.safetensors")]);
      const [model, again] = [file("run/model.safetensors"), file("run.safetensors")];
      expect(readFileSync(again).equals(readFileSync(model))).toBe(true);
    });
  });

  it.each<[string, string[], number, RegExp]>([
    ["what is there", [checkpoint, "there.pt"], 1, /there\.pt exists already/],
    ["another name", [checkpoint, "out.onnx"], 2, /does not end in \.safetensors/],
    ["no file", ["none.pt", "out.pt"], 1, /no such file/],
    ["no folder to write to", [checkpoint, "none/out.pt"], 1, /cannot write/],
    ["a module", [golden("module.pt"), "out.pt"], 1, /names torch\.nn\.modules\.linear\.Linear, .*\n.*save_file/],
    ["the old format", [golden("legacy.pt"), "out.pt"], 1, /old format.*\n.*torch\.save\(torch\.load/],
    ["tensors of no network", [golden("types2.pt"), "out.pt"], 1, /no dictionary of weights: it holds tensors, others/],
    ["text", [fileURLToPath(import.meta.url), "out.pt"], 1, /it is text/],
    ["a missing argument", [checkpoint], 2, /missing required argument 'OUT'/],
  ])("refuses %s", async (_, [from, out], exit, message) => {
    writeFileSync(file("there.pt"), "");
    const before = readdirSync(folder);
    const to = out === undefined ? [] : [file(out)];
    const { code, stderr } = await command.run(["convert", from!, ...to]);
    expect({ code, stderr }).toEqual({ code: exit, stderr: expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual(before);
  });

  it("leaves nothing of a checkpoint that is damaged", async () => {
    const bytes = readFileSync(checkpoint);
    // Numbers begin at multiples of 64 bytes.
    bytes[64 * Math.ceil((bytes.indexOf("/data/9") + 16) / 64)]! ^= 1;
    writeFileSync(file("damaged.pt"), bytes);
    const { code, stderr } = await command.run(["convert", file("damaged.pt"), file("damaged.safetensors")]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/damaged\.pt .*down\..*": its bytes are not those that were packed/),
    });
    expect(existsSync(file("damaged.safetensors"))).toBe(false);
  });
});
