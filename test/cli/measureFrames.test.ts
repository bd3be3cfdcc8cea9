import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseXyzFrames } from "../../src/formats/xyzStream.ts";
import { encodeXyzFrame } from "../../src/formats/xyzWriter.ts";
import { twirlMark } from "../../src/frames/twirlKeys.ts";
import { column, forcesOf, labelledFrames, withField } from "../frames/predicting.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("measureFrames");
const file = (name: string) => join(folder, name);
const frames = labelledFrames(10);
writeFileSync(file("in.extxyz"), frames.map((frame) => encodeXyzFrame(frame)).join(""));

/** A program whose forces have a field that does not turn. */
function predict(lost: boolean): void {
  const copies = parseXyzFrames(readFileSync(file("rotated.extxyz"), "utf8")).map((copy) => {
    const { frame, rotation } = twirlMark(copy)!;
    const forces = column(withField(rotation, forcesOf(frames[frame - 1]!), 0.3));
    return encodeXyzFrame({ ...copy, arrays: new Map([["forces", forces]]), info: lost ? new Map() : copy.info });
  });
  writeFileSync(file("predicted.extxyz"), copies.join(""));
}

describe("voxtwirl measure --frames", () => {
  it("measures what a program predicted, also where it lost comment lines", async () => {
    const given = ["--data", file("in.extxyz")];
    await command.run(["rotate", ...given, "--out", file("rotated.extxyz"), "--group", "octahedral"]);
    predict(false);
    const measure = ["measure", "--frames", file("predicted.extxyz"), ...given];
    const shown = await command.run([...measure, "--label-units", "eV"]);
    expect([shown.code, shown.stderr]).toEqual([0, ""]);
    expect(shown.stdout).toContain("all elements of octahedral: exact");
    expect(shown.stdout).toMatch(/forces +0\.1732 .* eV\/Angstrom/);
    predict(true);
    const lost = await command.run([...measure, "--json"]);
    expect([lost.code, lost.stderr]).toEqual([1, expect.stringContaining("Give the rotated frames too")]);
    const json = await command.run([...measure, "--rotated", file("rotated.extxyz"), "--json"]);
    const { terms, ...rest } = JSON.parse(json.stdout) as { terms: Record<string, unknown> };
    expect(rest).toMatchObject({ structures: 10, copies: 240, exact: true, faults: {}, interrupted: false });
    expect(terms.forces).toMatchObject({
      unit: null,
      lossEquiv: expect.closeTo(0.03, 8) as number,
      percentEquiv: expect.closeTo(100, 6) as number,
      percentEquivInterval: [expect.closeTo(100, 6), expect.closeTo(100, 6)],
    });
  });

  it("measures absolute errors and Huber's, and prints the squared error as without --loss", async () => {
    const given = ["--data", file("in.extxyz")];
    await command.run(["rotate", ...given, "--out", file("losses.extxyz"), "--twirl", "8"]);
    const copies = parseXyzFrames(readFileSync(file("losses.extxyz"), "utf8")).map((copy) => {
      const { frame, rotation } = twirlMark(copy)!;
      const forces = column(withField(rotation, forcesOf(frames[frame - 1]!), 0.3));
      return encodeXyzFrame({ ...copy, arrays: new Map([["forces", forces]]) });
    });
    writeFileSync(file("losses-predicted.extxyz"), copies.join(""));
    const measure = ["measure", "--frames", file("losses-predicted.extxyz"), ...given];
    expect(await command.run([...measure, "--loss", "squared"])).toEqual(await command.run(measure));
    const shown = await command.run([...measure, "--loss", "huber", "--delta", "0.2"]);
    expect(shown.stdout).toContain("Loss: huber, delta 0.2. No exact split");
    expect(shown.stdout).toContain("the jackknife leaves a small bias");
    expect(shown.stdout).toContain("Loss that averages of K predictions took away");
    const { code, stdout } = await command.run([...measure, "--loss", "absolute", "--json"]);
    const { terms, ...rest } = JSON.parse(stdout) as { terms: { forces: { gains: object[] } } };
    expect([code, rest]).toEqual([0, expect.objectContaining({ loss: "absolute", split: "gap" })]);
    expect(rest).not.toHaveProperty("delta");
    expect(terms.forces.gains[3]).toMatchObject({ count: 8, percentPredicted: null });
    const wrong = await command.run([...measure, "--loss", "brier"]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--loss brier goes with --predictions")]);
  });

  it("says what it is: rounding, by the frames that rotate --repeats adds", async () => {
    const given = ["--data", file("in.extxyz")];
    const out = file("repeats.extxyz");
    const rotated = await command.run(["rotate", ...given, "--out", out, "--twirl", "4", "--repeats", "--near-axes"]);
    expect([rotated.code, rotated.stdout]).toEqual([0, expect.stringContaining("as it is, 2 times, and 4 times")]);
    const copies = parseXyzFrames(readFileSync(out, "utf8")).map((copy) => {
      const { frame, rotation } = twirlMark(copy)!;
      const forces = column(withField(rotation, forcesOf(frames[frame - 1]!), 0).map((x) => Number(x.toFixed(6))));
      return encodeXyzFrame({ ...copy, arrays: new Map([["forces", forces]]) });
    });
    writeFileSync(file("exact.extxyz"), copies.join(""));
    const measure = ["measure", "--frames", file("exact.extxyz"), ...given];
    const shown = await command.run(measure);
    expect(shown.stdout).toMatch(/\nforces: rounding: rotations change it by .* \(the digits written\)\n/);
    const told = await command.run([...measure, "--tolerance", "forces=1e-4", "--json"]);
    expect(JSON.parse(told.stdout)).toMatchObject({
      verdicts: ["rounding"],
      terms: { forces: { verdicts: ["rounding"], floor: { value: 1e-4, from: "tolerance", repeats: 0 } } },
    });
    const wrong = await command.run([...measure, "--tolerance", "forces=small"]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--tolerance has forces=small")]);
  });

  it("refuses options of other measurements", async () => {
    const { code, stderr } = await command.run(["measure", "--frames", "a.xyz", "--data", "b.xyz", "--group", "so3"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--group does not go with --frames")]);
    const named = await command.run(["measure", "--frames", "a.xyz", "--data", "b.xyz", "--names", "charge=q"]);
    expect(named.stderr).toContain("energy=NAME");
  });
});
