import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readChainFile } from "../../src/node/chains.ts";
import { readMoleculeFile } from "../../src/node/molecules.ts";
import { builtinBackbones, builtinBackbonesSha256 } from "../../src/proteins/builtinBackbones.ts";
import { chainName } from "../../src/proteins/chain.ts";
import { pdbAtom, textOf } from "../formats/chains.ts";
import { temporaryFolder } from "../temporary.ts";

const pdb = textOf(pdbAtom({ number: 1 }), pdbAtom({ number: 2, residue: "GLY" }), "END");
const columns = ["label_atom_id", "label_comp_id", "auth_seq_id", "Cartn_x", "Cartn_y", "Cartn_z", "auth_asym_id"];
const tags = columns.map((name) => `_atom_site.${name}`);
const cif = textOf("# made by hand", "data_", "loop_", ...tags, "CA ALA 1 3.8 0 0 A", "CA GLY 2 7.6 0 0 A");
const nothing = textOf(pdbAtom({ name: " P  ", residue: "DG" }));
const folder = temporaryFolder("chains");

function write(name: string, data: string | Uint8Array, inFolder = folder): string {
  const path = join(inFolder, name);
  writeFileSync(path, data);
  return path;
}

describe("readChainFile", () => {
  it.each<[string, string | Uint8Array, string]>([
    ["a.pdb", pdb, "a_A"],
    ["B.PDB.GZ", gzipSync(pdb), "B_A"],
    ["c.ent", `HEADER    X1\n${pdb}`, "X1_A"],
    ["pdb1abc.ent.gz", gzipSync(pdb), "pdb1abc_A"],
    ["d.cif", cif, "d_A"],
    ["e.mmcif.gz", gzipSync(cif), "e_A"],
    ["f.cif", cif.replace("data_", "data_1ABC"), "1ABC_A"],
    ["g.pdb", cif, "g_A"],
    ["h.cif", pdb, "h_A"],
    ["proteins", pdb, "proteins_A"],
    ["i.txt", cif, "i_A"],
    ["little.pdb", Buffer.from(`\uFEFF${pdb}`, "utf16le"), "little_A"],
    ["mac.cif", cif.replaceAll("\n", "\r"), "mac_A"],
    ["bare.pdb", pdb.toLowerCase().replaceAll(" a ", " A "), "bare_A"],
  ])("reads %s, with the file's own hash", async (name, data, title) => {
    const { chains, sha256, records, leftOut } = await readChainFile(write(name, data));
    expect(chains.map(chainName)).toEqual([title]);
    expect([...chains[0]!.positions, chains[0]!.sequence]).toEqual([3.8, 0, 0, 7.6, 0, 0, "AG"]);
    expect([records, leftOut]).toEqual([1, []]);
    expect(sha256).toBe(createHash("sha256").update(data).digest("hex"));
  });

  it("reads the built-in set by its name, which no reader of molecules takes", async () => {
    const { chains, sha256, records } = await readChainFile("builtin-backbones");
    expect([chains, sha256, records]).toEqual([builtinBackbones(), builtinBackbonesSha256, 96]);
    const wrong = { code: "bad-file", message: "builtin holds molecules, no protein chains" };
    await expect(readChainFile("builtin")).rejects.toMatchObject(wrong);
    const other = { code: "bad-file", message: "builtin-backbones holds protein chains, no molecules" };
    await expect(readMoleculeFile("builtin-backbones")).rejects.toMatchObject(other);
  });

  it("reads a folder in the order of names, tells what it left out of which file, and the models", async () => {
    const many = join(folder, "many");
    mkdirSync(join(many, "inside.pdb"), { recursive: true });
    const water = pdbAtom({ name: " O  ", residue: "HOH", hetero: true });
    const data = [
      ["b.pdb", `${pdb.replace("END\n", "")}${water}\n`],
      ["a.cif.gz", gzipSync(cif)],
      ["c.ent", nothing],
      ["d.pdb", "what?"],
    ] as const;
    for (const [name, contents] of data) write(name, contents, many);
    write("notes.txt", "none", many);
    write(".hidden.pdb", "none", many);
    const file = await readChainFile(many);
    expect(file.chains.map(chainName)).toEqual(["a_A", "b_A"]);
    expect(file.records).toBe(4);
    expect(file.leftOut).toEqual([
      {
        reason: "chains without C-alpha atoms",
        count: 1,
        first: [{ file: "c.ent", record: 1, line: 1, message: "chain A has no C-alpha" }],
      },
      {
        reason: "files that cannot be read",
        count: 1,
        first: [{ file: "d.pdb", message: expect.stringMatching(/^d\.pdb holds no atoms$/) }],
      },
    ]);
    expect(file.passedOver).toEqual([
      { reason: "water molecules", count: 1, first: [{ file: "b.pdb", line: 3, message: "residue HOH 1" }] },
    ]);
    expect(file.remarks).toEqual([`3 other files and folders in ${many} are not read`]);
    const hash = (contents: string | Uint8Array) => createHash("sha256").update(contents).digest("hex");
    const lines = [...data].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => `${hash(text)}  ${name}\n`);
    expect(file.sha256).toBe(hash(lines.join("")));
    await expect(readChainFile(many, { strict: true })).rejects.toMatchObject({ message: /^c\.ent, line 1/ });
  });

  it("reads all models where it is asked to", async () => {
    const path = write("models.pdb", textOf("MODEL        1", pdbAtom(), "ENDMDL", "MODEL        2", pdbAtom()));
    expect((await readChainFile(path)).chains).toHaveLength(1);
    const { chains } = await readChainFile(path, { models: "all" });
    expect(chains.map(chainName)).toEqual(["models_A", "models_A/2"]);
  });

  it("tells zero bytes at the end", async () => {
    const path = write("zeros.pdb", Buffer.concat([Buffer.from(pdb), Buffer.alloc(9)]));
    expect((await readChainFile(path)).remarks).toEqual([
      `9 zero bytes at the end of ${path} are passed over: was it copied whole?`,
    ]);
  });

  it.each<[string, string | Uint8Array, RegExp, RegExp]>([
    ["j.xyz", "1\nargon\nAr 0 0 0\n", /cannot tell what kind of file/, /PDB \(\.pdb\) or mmCIF/],
    ["k.pdb", "<!DOCTYPE html><html></html>", /k\.pdb is an HTML page$/, /PDB/],
    ["l.pdb", "", /l\.pdb is empty$/, /PDB/],
    ["m.cif.gz", gzipSync(gzipSync(cif)), /packed twice by gzip/, /gunzip/],
    ["n.pdb.gz", gzipSync(pdb).subarray(0, 40), /not a whole gzip file/, /cut off/],
    ["o.pdb", Buffer.from("%PDF-1.4 ..."), /o\.pdb is a PDF document$/, /PDB/],
    ["p.pdb", nothing, /^p\.pdb, line 1: chain A has no C-alpha$/, /nucleic acids/],
    ["q.pdb", pdb.slice(0, 130), /^q\.pdb, line 2: the file ends within an atom: "ATOM/, /cut off/],
  ])("refuses %s", async (name, data, message, fix) => {
    await expect(readChainFile(write(name, data))).rejects.toMatchObject({
      code: "bad-file",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(fix),
    });
  });

  it("refuses what is missing, too large, and folders without proteins", async () => {
    const refused = (path: string, message: RegExp, limit?: number) =>
      expect(readChainFile(path, limit === undefined ? {} : { limit })).rejects.toMatchObject({
        code: "bad-file",
        message: expect.stringMatching(message),
      });
    await refused(join(folder, "missing.pdb"), /does not exist$/);
    await refused(write("large.pdb", pdb), /holds more than 100 bytes$/, 100);
    const empty = join(folder, "empty");
    mkdirSync(empty);
    await refused(empty, /is a folder without protein files$/);
    write("a.pdb", nothing, empty);
    await refused(empty, /^no file in .* holds a chain that can be used; the first: a\.pdb, line 1/);
  });
});
