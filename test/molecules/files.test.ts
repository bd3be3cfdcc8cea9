import { createHash } from "node:crypto";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { builtinMolecules, builtinSha256 } from "../../src/molecules/builtin.ts";
import { formula, type Molecule } from "../../src/molecules/molecule.ts";
import { openChemLibKey } from "../../src/node/moleculeKey.ts";
import { readingLines } from "../../src/formats/records.ts";
import { isLasting, readMoleculeFile } from "../../src/node/molecules.ts";
import { npzBytes, rmd17 } from "../formats/npzBytes.ts";
import { zipBytes } from "../formats/zipBytes.ts";
import { temporaryFolder } from "../temporary.ts";

const argon = "1\nargon\nAr 0 0 0\n";
const methane =
  "methane\n\n\n  1  0  0  0  0  0            999 V2000\n    0.0000    0.0000    0.0000 C   0  0\nM  END\n";
const folder = temporaryFolder("molecules");

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
    ["f.extxyz", argon, "argon"],
    ["g.sd", `${methane}$$$$\n`, "methane"],
    ["h.mdl.gz", gzipSync(methane), "methane"],
    ["packed.xyz", gzipSync(argon), "argon"],
    ["plain.xyz.gz", argon, "argon"],
    [
      "members.xyz.gz",
      Buffer.concat([gzipSync(argon.slice(0, 7)), gzipSync(argon.slice(7)), Buffer.alloc(512)]),
      "argon",
    ],
    ["no-extension", argon, "argon"],
    ["molecule.txt", methane, "methane"],
    ["molecule.txt.gz", gzipSync(methane), "methane"],
    ["numbers.dat", "1\nargon\n18 0 0 0\n", "argon"],
    ["wrong.xyz", methane, "methane"],
    ["wrong.sdf", argon.replace("Ar 0 0 0", "Ar 0.0 0.0 0.0"), "argon"],
    ["little.xyz", Buffer.from(`\uFEFF${argon.replaceAll("\n", "\r\n")}`, "utf16le"), "argon"],
    ["big.xyz", Buffer.from(`\uFEFF${argon}`, "utf16le").swap16(), "argon"],
    ["little-unmarked.xyz", Buffer.from(argon, "utf16le"), "argon"],
    ["big-unmarked.xyz", Buffer.from(argon, "utf16le").swap16(), "argon"],
    ["little.xyz.gz", gzipSync(Buffer.from(`\uFEFF${argon}`, "utf16le")), "argon"],
    ["mac.xyz", argon.replaceAll("\n", "\r"), "argon"],
    ["dos.xyz", `${argon}\x1a`, "argon"],
    ["latin1.xyz", Buffer.concat([Buffer.from("1\nargon\nAr 0 0 0 "), Buffer.from([0xe9, 0x0a])]), "argon"],
  ])("reads %s, with the file's own hash", async (name, data, molecule) => {
    const { molecules, sha256 } = await readMoleculeFile(write(name, data));
    expect(molecules.map((one) => one.name)).toEqual([molecule]);
    expect(sha256).toBe(createHash("sha256").update(data).digest("hex"));
  });

  it.each([
    ["water.npz", npzBytes(rmd17)],
    ["packed.npz", npzBytes(rmd17, { deflate: true })],
    ["water.npz.gz", gzipSync(npzBytes(rmd17))],
    ["npz-without-extension", npzBytes(rmd17)],
    ["wrong-npz.xyz", npzBytes(rmd17)],
    ["comment.npz", npzBytes(rmd17, { comment: "two frames of water" })],
  ])("reads the NumPy archive %s, with its labels in eV and the file's own hash", async (name, data) => {
    const path = write(name, data);
    const { molecules, sha256, labels, remarks } = await readMoleculeFile(path);
    expect(molecules.map((one) => [one.name, formula(one)])).toEqual([
      [`${name} frame 1`, "H2O"],
      [`${name} frame 2`, "H2O"],
    ]);
    expect(molecules[1]!.energy).toBe(-20 * 0.0433641153087705);
    expect(sha256).toBe(createHash("sha256").update(data).digest("hex"));
    expect([labels, remarks]).toEqual([
      [{ units: "kcal/mol", source: "assumed", records: 2 }],
      [expect.stringContaining("kcal/mol/Angstrom")],
    ]);
    expect((await readMoleculeFile(path, { labelUnits: "eV" })).molecules[1]!.energy).toBe(-20);
    await expect(readMoleculeFile(path, { limit: data.length - 1 })).rejects.toThrow("more than");
  });

  it("tells of a folder in which units its labels were taken", async () => {
    const labelled = (units: string) => `1\nenergy=1 ${units}\nAr 0 0 0\n`;
    mkdirSync(join(folder, "labelled"));
    write(join("labelled", "a.npz"), npzBytes(rmd17));
    write(join("labelled", "b.xyz"), labelled("units=nonsense"));
    write(join("labelled", "c.xyz"), labelled("").repeat(2) + labelled("units=eV"));
    const { molecules, labels, remarks } = await readMoleculeFile(join(folder, "labelled"));
    expect(molecules.map(({ energy }) => energy).slice(2)).toEqual([1, 1, 1, 1]);
    expect(labels).toEqual([
      { units: "kcal/mol", source: "assumed", records: 2 },
      { units: "eV", source: "assumed", records: 3, unclear: "nonsense" },
      { units: "eV", source: "file", records: 1 },
    ]);
    expect(remarks).toEqual([
      expect.stringMatching(/^energies.* of 2 rec/),
      expect.stringMatching(/of 3 .*"nonsense"/),
    ]);
  });

  it("knows the built-in set", async () => {
    const molecules = builtinMolecules();
    const notes = { records: molecules.length, leftOut: [], remarks: [] };
    expect(await readMoleculeFile("builtin")).toEqual({ molecules, sha256: builtinSha256, ...notes });
  });

  it("leaves out records that cannot be used, unless it is to be strict", async () => {
    const path = write("dummy.xyz", `${argon}1\n\nX 0 0 0\n`);
    const { molecules, records, leftOut } = await readMoleculeFile(path);
    expect([molecules.length, records, leftOut[0]?.count]).toEqual([1, 2, 1]);
    await expect(readMoleculeFile(path, { strict: true })).rejects.toThrow("dummy.xyz, line 6");
  });

  it("passes over zero bytes at the end, and says so", async () => {
    const { molecules, remarks } = await readMoleculeFile(write("zeros.xyz", `${argon}${"\0".repeat(512)}`));
    expect([molecules.length, remarks]).toEqual([
      1,
      [expect.stringMatching(/^512 zero bytes at the end of .*zeros\.xyz/)],
    ]);
  });

  it("reads pipes once, within the limit", async () => {
    const path = join(folder, "fifo");
    execFileSync("mkfifo", [path]);
    const feed = (text: string) =>
      spawn("sh", ["-c", 'printf "%s" "$1" > "$2"', "sh", text, path], { stdio: "ignore" });
    feed(argon);
    expect((await readMoleculeFile(path)).molecules).toHaveLength(1);
    feed(argon.repeat(100));
    await expect(readMoleculeFile(path, { limit: 1000 })).rejects.toThrow("more than 1000 bytes");
    for (const once of [path, "/dev/stdin", "/dev/fd/63"]) expect(await isLasting(once), once).toBe(false);
    for (const lasting of ["builtin", folder, write("a.xyz", argon)]) expect(await isLasting(lasting)).toBe(true);
  });

  it("reads a folder by name, leaving out files that cannot be read", async () => {
    const inside = (name: string) => join("many", name);
    mkdirSync(join(folder, "many", "deeper.xyz"), { recursive: true });
    write(inside("b.xyz"), argon);
    write(inside("a.sdf.gz"), gzipSync(`${methane}$$$$\n${methane.replace(" C ", " * ")}$$$$\n`));
    write(inside("c.xyz"), "1\n\nX 0 0 0\n");
    write(inside("d.xyz"), "<html>");
    write(inside("notes.txt"), "text");
    write(inside("._b.xyz"), "hidden");
    const path = join(folder, "many");
    const file = await readMoleculeFile(path);
    expect(file.molecules.map(({ name }) => name)).toEqual(["methane", "argon"]);
    expect([file.records, file.remarks]).toEqual([5, [`3 other files and folders in ${path} are not read`]]);
    const lines = readingLines(file);
    expect(lines[0]).toMatch(/^2 of 5 .* record 2 of a\.sdf\.gz \(line \d+\): .*; .* record 1 of c\.xyz \(line 3\)$/);
    expect(lines[1]).toMatch(/^1 of 5 .* file d\.xyz: .* is an HTML page/);
    const names = ["a.sdf.gz", "b.xyz", "c.xyz", "d.xyz"];
    const hash = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");
    const listing = names.map((name) => `${hash(readFileSync(join(path, name)))}  ${name}\n`).join("");
    expect(file.sha256).toBe(hash(listing));
    await expect(readMoleculeFile(path, { strict: true })).rejects.toThrow("no element");
    rmSync(join(path, "a.sdf.gz"));
    rmSync(join(path, "b.xyz"));
    await expect(readMoleculeFile(path)).rejects.toThrow("no file in");
    rmSync(join(path, "c.xyz"));
    rmSync(join(path, "d.xyz"));
    await expect(readMoleculeFile(path)).rejects.toThrow("without molecule files");
  });

  it.each<[string, string | Uint8Array]>([
    ["a git-lfs pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"],
    ["an HTML page", "\n<!DOCTYPE html>\n<html><body>Sign in</body></html>"],
    ["an HTML page", gzipSync("<html>")],
    ["an XML document", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ["a CML file", '<?xml version="1.0"?>\n<cml><molecule/></cml>'],
    ["JSON", '{"message": "Not Found"}'],
    ["JSON", "[[0, 1], [2, 3]]"],
    ["a PDB file", "HEADER    PROTEIN\nATOM      1  N   ALA A   1      11.104   6.134  -6.504\n"],
    ["a CIF file", "# a comment\ndata_1ABC\nloop_\n"],
    ["a mol2 file", "# a comment\n@<TRIPOS>MOLECULE\nname\n"],
    ["a list of SMILES", "CCO ethanol\nc1ccccc1 benzene\n"],
    ["a list of InChI", "InChI=1S/CH4/h1H4\n"],
    ["a table", "id,smiles,energy\n1,CCO,0.5\n"],
    ["a Gaussian input", "%chk=a.chk\n# B3LYP/6-31G*\n\ntitle\n\n0 1\nC 0 0 0\n"],
    ["a Gaussian input", "#p B3LYP/6-31G* opt\n\ntitle\n\n-1,1\nO 0 0 0\n"],
    ["a Tinker XYZ file", "     2 name\n     1  C     0.000000    0.000000    0.000000     1     2\n"],
    ["a reaction file", "$RXN\n\n"],
    ["empty", ""],
    ["empty", " \n\n"],
    ["empty", gzipSync("")],
    ["a zip archive", "PK\x03\x04" + "\0".repeat(30)],
    ["a tar archive", `${"name".padEnd(257, "\0")}ustar${"\0".repeat(250)}`],
    ["a tar archive", gzipSync(`${"name".padEnd(257, "\0")}ustar${"\0".repeat(250)}`)],
    ["a bzip2 file", Buffer.from("BZh91AY&SY0000")],
    ["an xz file", Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4)],
    ["a Zstandard file", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 1)],
    ["a 7z archive", Uint8Array.of(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c)],
    ["a PDF document", "%PDF-1.7\n"],
    ["an HDF5 file", Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10)],
    ["an LMDB database", Uint8Array.of(...new Array<number>(16).fill(0), 0xde, 0xc0, 0xef, 0xbe, 1, 0, 0, 0)],
    ["a NumPy array", Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0)],
    ["an SQLite database", "SQLite format 3\0\x10"],
    ["a safetensors file", "\x40\0\0\0\0\0\0\0{}"],
    ["text in UTF-32", Uint8Array.of(0xff, 0xfe, 0, 0, 0x31, 0, 0, 0)],
    ["packed twice by gzip", gzipSync(gzipSync(argon))],
  ])("calls %s what it is, whatever its name", async (what, data) => {
    for (const name of ["foreign.xyz", "foreign.sdf.gz", "foreign", "foreign.txt"]) {
      const error = await readMoleculeFile(
        write(name, typeof data === "string" ? Buffer.from(data, "latin1") : data),
      ).then(
        () => undefined,
        (reason: unknown) => reason as VoxtwirlError,
      );
      expect(error?.message, name).toContain(` is ${what}`);
      expect([error!.code, error!.fix !== ""]).toEqual(["bad-file", true]);
    }
  });

  it("does not call molecules that cannot be used something else", async () => {
    const drawing = methane.replace("methane\n", "HEADER\n").replace(" C ", " * ");
    await expect(readMoleculeFile(write("header.sdf", `${drawing}$$$$\n`))).rejects.toThrow("no element");
    await expect(readMoleculeFile(write("lines.sdf", `\nCCO\n${methane}$$$$\n`))).rejects.toThrow("2 lines too many");
  });

  it("refuses what it cannot read, saying why", async () => {
    const whole = gzipSync(argon.repeat(100));
    const bomb = gzipSync(Buffer.alloc(20_000));
    const bombFiles = { "z.npy": Buffer.alloc(10), "R.npy": Buffer.alloc(20_000) };
    const refused: [string, string][] = [
      [join(folder, "missing.xyz"), "does not exist"],
      [join(folder, "missing", "missing.xyz"), "does not exist"],
      [write("text.pdb", "some text\nof no kind\n"), "what kind of file"],
      [write("noextension", "some text\nof no kind\n"), "what kind of file"],
      [write("after.xyz.gz", Buffer.concat([whole, Buffer.from(argon)])), "not a whole gzip"],
      [write("cut.xyz.gz", whole.subarray(0, whole.length - 20)), "gzip"],
      [write("bomb.xyz.gz", bomb), "more than 10000 bytes"],
      [write("large.xyz", argon.repeat(1000)), "more than 10000 bytes"],
      [write("bad.xyz", "1\n\nC 0 0\n"), "bad.xyz, line 3"],
      [write("empty.sdf", ""), "empty.sdf is empty"],
      [write("cut.npz", npzBytes(rmd17).subarray(0, -9)), "cut.npz is not an .npz file that can be read"],
      [write("bomb.npz", zipBytes(bombFiles, { deflate: true })), "more than 10000"],
      [write("empty.npz", zipBytes({})), "empty.npz is an empty zip archive"],
    ];
    for (const [path, message] of refused) {
      const error = await readMoleculeFile(path, { limit: 10_000 }).then(
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

  it("takes bonds without an order for single ones, and hydrogen bonds for none", async () => {
    const key = await openChemLibKey();
    const chain = (order: number) => key(molecule([6, 6, 8], [bond(0, 1, 1), bond(1, 2, order)]));
    expect([0, 8, 9].map(chain)).toEqual([chain(1), chain(1), chain(1)]);
    expect(chain(1)).toBeDefined();
    expect(chain(10)).toBe(key(molecule([6, 6, 8], [bond(0, 1, 1)])));
  });
});
