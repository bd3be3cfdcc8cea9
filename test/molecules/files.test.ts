import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { builtinMolecules, builtinSha256 } from "../../src/molecules/builtin.ts";
import type { Molecule } from "../../src/molecules/molecule.ts";
import { openChemLibKey } from "../../src/node/moleculeKey.ts";
import { readMoleculeFile } from "../../src/node/molecules.ts";

const argon = "1\nargon\nAr 0 0 0\n";
const methane =
  "methane\n\n\n  1  0  0  0  0  0            999 V2000\n    0.0000    0.0000    0.0000 C   0  0\nM  END\n";
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "voxtwirl-molecules-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, data: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
}

describe("readMoleculeFile", () => {
  it.each([
    ["a.xyz", argon, "argon"],
    ["b.XYZ.GZ", gzipSync(argon), "argon"],
    ["c.sdf", methane, "methane"],
    ["d.mol", methane, "methane"],
    ["e.sdf.gz", gzipSync(`${methane}$$$$\n`), "methane"],
  ])("reads %s, with the file's own hash", async (name, data, molecule) => {
    const { molecules, sha256 } = await readMoleculeFile(write(name, data));
    expect(molecules.map((one) => one.name)).toEqual([molecule]);
    expect(sha256).toBe(createHash("sha256").update(data).digest("hex"));
  });

  it("knows the built-in set", async () => {
    expect(await readMoleculeFile("builtin")).toEqual({ molecules: builtinMolecules(), sha256: builtinSha256 });
  });

  it("refuses what it cannot read, saying why", async () => {
    const whole = gzipSync(argon.repeat(100));
    const bomb = gzipSync(Buffer.alloc(20_000));
    const refused: [string, string][] = [
      [join(folder, "missing.xyz"), "does not exist"],
      [folder, "what kind of file"],
      [write("text.pdb", argon), "what kind of file"],
      [write("noextension", argon), "what kind of file"],
      [write("plain.xyz.gz", argon), "gzip"],
      [write("cut.xyz.gz", whole.subarray(0, whole.length - 20)), "gzip"],
      [write("bomb.xyz.gz", bomb), "more than 10000 bytes"],
      [write("large.xyz", argon.repeat(1000)), "more than 10000 bytes"],
      [write("bad.xyz", "1\n\nC 0 0\n"), "bad.xyz, line 3"],
      [write("empty.sdf", ""), "empty.sdf holds no molecule"],
    ];
    for (const [path, message] of refused) {
      const error = await readMoleculeFile(path, 10_000).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error, path).toBeInstanceOf(VoxtwirlError);
      expect((error as VoxtwirlError).code).toBe("bad-file");
      expect((error as VoxtwirlError).message).toContain(message);
    }
  });
});

describe("openChemLibKey", () => {
  const bond = (a: number, b: number, order: number) => ({ a, b, order });
  const molecule = (elements: number[], bonds: Molecule["bonds"]): Molecule => ({
    elements: Uint8Array.from(elements),
    positions: new Float64Array(3 * elements.length),
    bonds,
  });

  it("is equal for one constitution whatever the order of atoms and the Kekule form, else different", async () => {
    const key = await openChemLibKey();
    const propanol = key(molecule([6, 6, 6, 8], [bond(0, 1, 1), bond(1, 2, 1), bond(2, 3, 1)]));
    expect(key(molecule([8, 6, 6, 6], [bond(3, 1, 1), bond(2, 1, 1), bond(0, 3, 1)]))).toBe(propanol);
    expect(key(molecule([6, 6, 6, 8], [bond(0, 1, 1), bond(1, 2, 1), bond(1, 3, 1)]))).not.toBe(propanol);
    expect(key(molecule([6, 6, 6, 8, 1], [bond(0, 1, 1), bond(1, 2, 1), bond(2, 3, 1), bond(3, 4, 1)]))).toBe(propanol);

    const ring = (orders: number[]) =>
      key(
        molecule(
          [6, 6, 6, 6, 6, 6, 9, 9],
          [...orders.map((order, i) => bond(i, (i + 1) % 6, order)), bond(0, 6, 1), bond(1, 7, 1)],
        ),
      );
    const difluorobenzene = ring([1, 2, 1, 2, 1, 2]);
    expect(difluorobenzene).toBeDefined();
    expect(ring([2, 1, 2, 1, 2, 1])).toBe(difluorobenzene);
    expect(ring([4, 4, 4, 4, 4, 4])).toBe(difluorobenzene);
    expect(ring([1, 1, 1, 1, 1, 1])).not.toBe(difluorobenzene);
  });

  it("is undefined without bonds, and never throws", async () => {
    const key = await openChemLibKey();
    expect(key({ elements: Uint8Array.from([6]), positions: new Float64Array(3) })).toBeUndefined();
    const odd = molecule([6, 8, 9, 118], [bond(0, 1, 3), bond(1, 2, 3), bond(0, 1, 2), bond(2, 0, 4), bond(3, 2, 1)]);
    expect(() => key(odd)).not.toThrow();
  });
});
