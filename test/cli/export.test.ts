import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cubeRotations } from "../../src/equivariance/cubeRotations.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.ts";
import { readNpy } from "../../src/node/npy.ts";
import type { VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import type { RunConfig } from "../../src/training/runConfig.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { LOSSES, measure, useTrainedRun, type Found } from "./measuring.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("export");
const file = (...names: string[]) => join(folder, ...names);
const { run, model } = useTrainedRun(command, folder);
const FILES = ["figures.json", "inputs.npy", "predictions.npy", "rotations.npy", "targets.npy"];
const GRID = [8, 8, 8, 5];

const figuresOf = (name: string) => JSON.parse(readFileSync(file(name, "figures.json"), "utf8")) as Found;
const shapesOf = async (name: string) => {
  const shapes = FILES.slice(1).map(async (one) => [one, (await readNpy(file(name, one))).shape] as const);
  return Object.fromEntries(await Promise.all(shapes));
};
const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
const meanSquare = (values: ArrayLike<number>, from?: ArrayLike<number>) =>
  Array.from(values, (value, i) => (value - (from?.[i] ?? 0)) ** 2).reduce((a, b) => a + b) / values.length;

describe("voxtwirl measure --export", () => {
  it("writes arrays from which measure --predictions finds the same", async () => {
    const args = ["--model", run, "--data", "builtin", "--limit", "4"];
    const printed = await measure(command, [...args, "--export", file("all")]);
    expect(readdirSync(file("all")).sort()).toEqual(FILES);
    expect(await shapesOf("all")).toEqual({
      "inputs.npy": [4, ...GRID],
      "targets.npy": [4, ...GRID],
      "rotations.npy": [24, 3, 3],
      "predictions.npy": [4, 24, ...GRID],
    });
    expect(figuresOf("all")).toEqual({ ...printed, model: { file: model, sha256: sha256(model) } });

    const arrays = ["--predictions", file("all", "predictions.npy"), "--targets", file("all", "targets.npy")];
    const again = await measure(command, [...arrays, "--seed", "4"]);
    for (const name of LOSSES) expect(again[name], name).toBe(printed[name]);
    expect(again.gains).toEqual(printed.gains);

    const { data } = await readNpy(file("all", "rotations.npy"));
    expect(cubeRotations(data, 24, "octahedral", "rotations").elements).toHaveLength(24);
    const { data: inputs } = await readNpy(file("all", "inputs.npy"));
    const { data: targets } = await readNpy(file("all", "targets.npy"));
    expect(meanSquare(targets)).toBeCloseTo(printed.lossZero, 10);
    const config = JSON.parse(readFileSync(join(run, "config.json"), "utf8")) as RunConfig<VoxelConfig>;
    const { sigma } = config.training;
    expect(Math.sqrt(meanSquare(inputs, targets)) / sigma).toBeCloseTo(1, 1);
  });

  it("gives each molecule the rotations that it was measured by, where they are drawn", async () => {
    const args = ["--model", model, "--data", "builtin", "--limit", "3", "--twirl", "5"];
    const { code, stdout, stderr } = await command.run(["measure", ...args, "--export", file("drawn", "deep")]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^ +percentEquiv/m);
    expect(stderr).toMatch(/deep will take 210\.0 KiB for 3 molecules\n(.*\n)*voxtwirl: exported 3 molecules to /);
    expect(await shapesOf(join("drawn", "deep"))).toMatchObject({
      "rotations.npy": [3, 5, 3, 3],
      "predictions.npy": [3, 5, ...GRID],
    });
    const { data } = await readNpy(file("drawn", "deep", "rotations.npy"));
    const { elements } = cubeRotations(data, 5, "octahedral", "rotations");
    const rows = [0, 1, 2].map((n) => elements.slice(5 * n, 5 * n + 5).join());
    expect(new Set(rows).size).toBe(3);
  });

  it("refuses a folder that holds something, before it reads anything", async () => {
    mkdirSync(file("full"));
    writeFileSync(file("full", "notes"), "");
    for (const name of ["full", join("full", "notes")]) {
      const result = await command.run(["measure", "--model", "none", "--data", "none", "--export", file(name)]);
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(name === "full" ? /full is there already, and not empty/ : /is not a folder/);
    }
    expect(readdirSync(file("full"))).toEqual(["notes"]);
  });

  it("refuses what has no such arrays", async () => {
    const so3 = await command.run(["measure", "--model", run, "--data", "builtin", "--group", "so3", "--export", "x"]);
    expect(so3.stderr).toMatch(/--export goes with --group octahedral/);
    const arrays = await command.run(["measure", "--predictions", "p.npy", "--targets", "t.npy", "--export", "x"]);
    expect(arrays.stderr).toMatch(/--export does not go with --predictions/);
  });

  it("leaves nothing behind when a measurement fails", async () => {
    const { tensors, metadata } = decodeSafetensors(readFileSync(model));
    const broken = [...tensors.values()].map((t) => ({ ...t, data: (t.data as Float32Array).map(() => NaN) }));
    writeFileSync(file("nan.safetensors"), encodeSafetensors(broken, metadata));
    const args = ["--model", file("nan.safetensors"), "--data", "builtin", "--limit", "2", "--twirl", "2"];
    const result = await command.run(["measure", ...args, "--export", file("failed")]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/nothing is exported to .*failed\n(.*\n)*.*not finite/);
    expect(existsSync(file("failed"))).toBe(false);
  });
});

describe("voxtwirl analyze --export", () => {
  it("writes the arrays that it analysed, and their decomposition beside its own figures", async () => {
    mkdirSync(file("analysed"));
    const args = ["--model", run, "--data", "builtin", "--limit", "2", "--twirl", "4", "--what", "gradients"];
    const result = await command.run(["analyze", ...args, "--export", file("analysed"), "--json"]);
    expect(result.code, result.stderr).toBe(0);
    const printed = JSON.parse(result.stdout) as Found & { gradients: { percentEquiv: number } };
    expect(readdirSync(file("analysed")).sort()).toEqual(FILES);
    expect(await shapesOf("analysed")).toMatchObject({
      "inputs.npy": [2, ...GRID],
      "predictions.npy": [2, 4, ...GRID],
      "rotations.npy": [2, 4, 3, 3],
    });
    const figures = figuresOf("analysed");
    expect(figures).toMatchObject({ ...printed, model: { file: model, sha256: sha256(model) } });
    expect(Math.abs(figures.percentEquiv / printed.gradients.percentEquiv - 1)).toBeLessThan(1e-4);
    const arrays = ["--predictions", file("analysed", "predictions.npy"), "--targets", file("analysed", "targets.npy")];
    expect((await measure(command, arrays)).percentEquiv).toBe(figures.percentEquiv);
  });
});
