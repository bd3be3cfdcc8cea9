import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseXyzFrames } from "../../src/formats/xyzStream.ts";
import { encodeXyzFrame } from "../../src/formats/xyzWriter.ts";
import { twirlMark } from "../../src/frames/twirlKeys.ts";
import type { FrameTermResult } from "../../src/frames/termResult.ts";
import { withNpy } from "../../src/node/npy.ts";
import { column, forcesOf, labelledFrames, withField } from "../frames/predicting.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("measureFramesPage");
const file = (...names: string[]) => join(folder, ...names);
const frames = labelledFrames(6);
const [data, predicted] = [file("in.extxyz"), file("a<b>&'c'.extxyz")];
const measure = ["measure", "--frames", predicted, "--data", data, "--label-units", "eV"];

beforeAll(async () => {
  writeFileSync(data, frames.map((frame) => encodeXyzFrame(frame)).join(""));
  await command.run(["rotate", "--data", data, "--out", file("rotated.extxyz"), "--group", "octahedral"]);
  const copies = parseXyzFrames(readFileSync(file("rotated.extxyz"), "utf8")).map((copy) => {
    const { frame, rotation } = twirlMark(copy)!;
    const forces = column(withField(rotation, forcesOf(frames[frame - 1]!), 0.1 * frame));
    return encodeXyzFrame({ ...copy, arrays: new Map([["forces", forces]]) });
  });
  writeFileSync(predicted, copies.join(""));
});

/** Rows of a table, by the names of its columns. */
async function table(name: string, columns: readonly string[]): Promise<Record<string, number>[]> {
  return withNpy(file("tables", `${name}.npy`), async ({ shape, read }) => {
    expect(shape[1]).toBe(columns.length);
    const values = await read(0, shape[0]! * shape[1]!);
    return Array.from({ length: shape[0]! }, (_, row) =>
      Object.fromEntries(columns.map((column, k) => [column, values[row * columns.length + k]!])),
    );
  });
}

describe("voxtwirl measure --frames --html --export", () => {
  it("writes a page and tables, and prints what it prints without", async () => {
    const plain = await command.run([...measure, "--json"]);
    expect(plain.code, plain.stderr).toBe(0);
    const both = await command.run([...measure, "--json", "--html", file("page.html"), "--export", file("tables")]);
    expect([both.code, both.stdout]).toEqual([0, plain.stdout]);
    expect(both.stderr).toBe(`voxtwirl: exported 5 tables to ${file("tables")}\n`);
    const sums = [predicted, data].map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
    const html = readFileSync(file("page.html"), "utf8");
    for (const sum of sums) expect(html).toContain(sum);
    expect(html).toContain("<h1>a&lt;b&gt;&amp;&#39;c&#39;.extxyz</h1>");
    expect(html).toContain("forces: not symmetric");
    expect(html).toContain("all elements of octahedral: exact");
    expect(html).toContain("three.js authors");

    const names = ["angles.npy", "copies.npy", "figures.json", "gains.npy", "parts.npy", "structures.npy"];
    expect(readdirSync(file("tables")).sort()).toEqual(names);
    const { files, tables, ...figures } = JSON.parse(readFileSync(file("tables", "figures.json"), "utf8")) as {
      terms: { forces: FrameTermResult };
      files: unknown;
      tables: { terms: string[]; parts: string[]; columns: Record<string, string[]> };
    };
    expect(figures).toEqual(JSON.parse(plain.stdout));
    expect(files).toEqual({
      frames: { file: predicted, sha256: sums[0] },
      data: { file: data, sha256: sums[1] },
      rotated: null,
    });
    expect(tables.terms).toEqual(["forces"]);
    const { forces } = figures.terms;
    const structures = await table("structures", tables.columns.structures!);
    expect(structures.map(({ frame, predictions, numbers }) => [frame, predictions, numbers])).toEqual(
      frames.map(({ number, elements }) => [number, 24, 3 * elements.length]),
    );
    const numbers = structures.reduce((sum, row) => sum + row.numbers!, 0);
    const lossEquiv = structures.reduce((sum, row) => sum + row.numbers! * row.squaredEquiv!, 0) / numbers;
    expect(lossEquiv).toBeCloseTo(forces.lossEquiv, 12);
    const copies = await table("copies", tables.columns.copies!);
    expect(copies).toHaveLength(6 * 24);
    expect(copies[30]).toMatchObject({ term: 0, frame: 2, copy: 7 });
    for (const { xx, yy, zz, angle } of copies) {
      expect(Math.cos((angle! * Math.PI) / 180)).toBeCloseTo((xx! + yy! + zz! - 1) / 2, 6);
    }
    const angles = await table("angles", tables.columns.angles!);
    expect(angles.map((row) => row.copies)).toEqual(forces.byAngle.map((bin) => bin.copies));
    expect(angles[1]!.rmse).toBeNaN();
    const parts = await table("parts", tables.columns.parts!);
    expect(parts.map(({ part, percent }) => [tables.parts[part!], percent])).toEqual(
      forces.byDegree.map(({ name, percent }) => [name, percent]),
    );
    const gains = await table("gains", tables.columns.gains!);
    expect(gains.map(({ count, rmse }) => [count, rmse])).toEqual(forces.gains.map(({ count, rmse }) => [count, rmse]));
  });

  it("says where the page is, and overwrites nothing", async () => {
    const shown = await command.run([...measure, "--html", file("other.html")]);
    expect(shown.stdout).toMatch(/written: .*other\.html\n$/);
    const before = readFileSync(file("other.html"), "utf8");
    // Before anything is read.
    const none = ["measure", "--frames", "none.xyz", "--data", "none.xyz"];
    const again = await command.run([...none, "--html", file("other.html")]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/other\.html exists already\n/)]);
    expect(readFileSync(file("other.html"), "utf8")).toBe(before);
    mkdirSync(file("full"));
    writeFileSync(file("full", "notes"), "");
    const full = await command.run([...none, "--export", file("full")]);
    expect([full.code, full.stderr]).toEqual([1, expect.stringContaining("full is there already, and not empty")]);
    const nowhere = await command.run([...none, "--html", file("missing", "page.html")]);
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining("no such file or folder")]);
    const model = await command.run(["measure", "--model", "m", "--data", "builtin", "--html", "page.html"]);
    expect([model.code, model.stderr]).toEqual([2, expect.stringContaining("--html does not go with --model")]);
  });

  it("leaves nothing behind where nothing can be measured", async () => {
    const given = ["--html", file("failed.html"), "--export", file("failed")];
    const failed = await command.run(["measure", "--frames", data, "--data", data, ...given]);
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("nothing is exported to")]);
    expect([existsSync(file("failed.html")), existsSync(file("failed"))]).toEqual([false, false]);
    expect(readdirSync(folder).filter((name) => name.startsWith(".vt-"))).toEqual([]);
  });
});
