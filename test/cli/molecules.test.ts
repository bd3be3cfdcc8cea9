import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("molecules");
const file = (name: string) => join(folder, name);

const water = "3\nwater\nO 0 0 0\nH .757 .586 0\nH -.757 .586 0\n";
const methane = "5\nmethane\nC 0 0 0\nH .629 .629 .629\nH -.629 -.629 .629\nH .629 -.629 -.629\nH -.629 .629 -.629\n";
/** A carbon of two hydrogens, twice. */
const carbene = "3\ncarbene\nC 0 0 0\nH .9 .5 0\nH -.9 .5 0\n";
writeFileSync(file("sample.xyz"), water + methane + carbene + carbene + "2\nbroken\nH 0 0 0\nQ 0 0 1\n");
writeFileSync(file("reference.xyz"), water + methane);

describe("voxtwirl molecules", () => {
  it("prints counts and shares, and what was left out", async () => {
    const { code, stdout } = await command.run(["molecules", file("sample.xyz")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^4 molecules of .*sample\.xyz, bonds by distance, of 4 molecules\n/);
    expect(stdout).toMatch(/^valid +100\.0 ± 0\.0 % +4 of 4 molecules$/m);
    expect(stdout).toMatch(/^unique +75\.0 % +3 of 4 valid$/m);
    expect(stdout).toMatch(/^stable atoms +85\.7 ± \d+\.\d % +12 of 14 atoms$/m);
    expect(stdout).toMatch(/^stable molecules +50\.0 ± \d+\.\d % +2 of 4 molecules$/m);
    expect(stdout).toMatch(/1 .*left out/);
    expect(stdout).not.toMatch(/novel|distance from/);
  });

  it("compares with a reference, and says the same as JSON each time", async () => {
    const args = ["molecules", file("sample.xyz"), "--reference", file("reference.xyz"), "--draws", "20"];
    const { code, stdout } = await command.run(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^novel +33\.3 ± 27\.2 % +1 of 3 unique$/m);
    expect(stdout).toMatch(/^ {2}bond angles, degrees +\d\S* +± +\S+ +\(\S+\)$/m);
    const [first, second] = [await command.run([...args, "--json"]), await command.run([...args, "--json"])];
    expect(second.stdout).toBe(first.stdout);
    expect(JSON.parse(first.stdout)).toMatchObject({
      ...{ type: "molecules", records: 5, bondsPerceived: 4, seed: 0, draws: 20, interrupted: false, remarks: [] },
      reference: { records: 2, bondsPerceived: 2 },
      valid: { count: 4, of: 4, share: 1, shareStdErr: 0, shareInterval: [1, 1] },
      unique: { count: 3, of: 4, shareStdErr: null },
      novel: { count: 1, of: 3 },
      distances: { bondLengths: { value: expect.any(Number), floor: expect.any(Number) } },
    });
  });

  it("says that bonds of two kinds are compared", async () => {
    const args = ["molecules", file("sample.xyz"), "--reference", "builtin", "--draws", "2"];
    expect((await command.run(args)).stdout).toMatch(/^One of the two has bonds of its own/m);
  });

  it.each<[string, string[], number, RegExp]>([
    ["no file", [], 2, /missing required argument 'FILE'/],
    ["a file that is not there", [file("none.xyz")], 1, /does not exist/],
    ["a record that cannot be used, if asked", [file("sample.xyz"), "--strict"], 1, /Q/],
    ["a reference that is none", [file("sample.xyz"), "--reference", file("none.xyz")], 1, /does not exist/],
    ["a single draw", [file("sample.xyz"), "--draws", "1"], 2, /--draws 1 is not a whole number from 2/],
  ])("refuses %s", async (_, args, exit, message) => {
    const { code, stdout, stderr } = await command.run(["molecules", ...args]);
    expect({ code, stdout, stderr }).toEqual({ code: exit, stdout: "", stderr: expect.stringMatching(message) });
  });
});
