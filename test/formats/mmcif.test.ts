import { describe, expect, it } from "vitest";
import { parseMmcif } from "../../src/formats/mmcif.ts";
import { parsePdb } from "../../src/formats/pdb.ts";
import { chainName } from "../../src/proteins/chain.ts";
import { checkChain, counted, pdbAtom, textOf } from "./chains.ts";
import { fuzzTexts } from "./fuzz.ts";
import { thrown } from "./support.ts";

const names = [
  "group_PDB",
  "id",
  "type_symbol",
  "label_atom_id",
  "label_alt_id",
  "label_comp_id",
  "label_asym_id",
  "label_entity_id",
  "label_seq_id",
  "pdbx_PDB_ins_code",
  "Cartn_x",
  "Cartn_y",
  "Cartn_z",
  "occupancy",
  "auth_seq_id",
  "auth_asym_id",
  "pdbx_PDB_model_num",
];
const loop = ["loop_", ...names.map((name) => `_atom_site.${name}`)];

interface Row {
  group?: string;
  element?: string;
  atom?: string;
  alternate?: string;
  residue?: string;
  asym?: string;
  sequence?: number | string;
  code?: string;
  at?: number;
  occupancy?: number | string;
  number?: number | string;
  chain?: string;
  model?: number | string;
}

/** A row of the category, its residue `at` in a straight chain with 3.8 A from one to the next. */
function row(given: Row = {}): string {
  const { group = "ATOM", element = "C", atom = "CA", alternate = ".", residue = "ALA", asym = "A" } = given;
  const { sequence = 1, code = "?", at = Number(sequence), occupancy = "1.00", model = 1 } = given;
  const { number = Number(sequence) + 100, chain = asym } = given;
  const entity = [asym, 1, sequence, code].join(" ");
  const place = `${(3.8 * at).toFixed(3)} 0.000 -0.000 ${occupancy}`;
  return `${group} 1 ${element} ${atom} ${alternate} ${residue} ${entity} ${place} ${number} ${chain} ${model}`;
}

const two = textOf(
  "data_1ABC",
  "_entry.id 1ABC",
  "#",
  ...loop,
  row({ atom: "N", element: "N", residue: "MET" }),
  row({ residue: "MET" }),
  row({ atom: '"C1\'"', residue: "MET" }),
  row({ residue: "LYS", sequence: 2, chain: "A" }),
  row({ residue: "TRP", sequence: 4 }),
  "#",
);

describe("parseMmcif", () => {
  it("reads C-alphas in Angstrom, with the author's names and numbers", () => {
    const chains = parseMmcif(two);
    expect([...chains]).toEqual([
      {
        entry: "1ABC",
        chain: "A",
        positions: Float64Array.from([3.8, 0, -0, 7.6, 0, -0, 15.2, 0, -0]),
        sequence: "MKW",
        residues: ["MET", "LYS", "TRP"],
        numbers: Int32Array.from([101, 102, 104]),
        insertionCodes: ["", "", ""],
        breaks: Uint8Array.from([0, 1, 0]),
      },
    ]);
    expect([chains.records, chains.leftOut, chains.passedOver]).toEqual([1, [], []]);
  });

  it("reads columns in any order, rows over several lines, several on one, and all kinds of values", () => {
    const chains = [...parseMmcif(two)];
    const turned = two
      .split("\n")
      .map((line) => (/^ATOM/.test(line) ? line.split(" ").reverse().join("\n") : line))
      .join("\n")
      .replace(/(_atom_site\.\S+\n)+/, (tags) => `${tags.trim().split("\n").reverse().join("\n")}\n`);
    expect(turned).not.toBe(two);
    const texts = [
      turned,
      two.replaceAll("\n", "\r\n"),
      two.replaceAll(/\n(ATOM)/g, " $1").replace("_num ATOM", "_num\nATOM"),
      two.replaceAll("_atom_site.", "_ATOM_SITE.").replace("loop_", "LOOP_").replace("data_", "DATA_"),
      two.replaceAll(" MET ", " 'MET' ").replaceAll(" LYS ", ' "LYS"\t'),
      two.replace(`"C1'"`, "'C1''"),
      two.replaceAll(" MET ", "\n;MET\n; ").replaceAll("ATOM ", "# ATOM of no row\nATOM "),
      two.replace("#\nloop_", "loop_\n_other.a\n_other.b\n1 'it''s ; # quoted' 2\n;\nATOM\n_atom_site.x 1\n;\nloop_"),
      `\n# by hand\n\n${two}data_empty\n_entry.id none\nsave_\n`,
    ];
    for (const text of texts) expect([...parseMmcif(text)], text).toEqual(chains);
  });

  it("reads one atom without a loop, and chains without the columns that may be missing", () => {
    const single = "data_X _atom_site.Cartn_x 1 _atom_site.Cartn_y 2 _atom_site.Cartn_z 3\n";
    const atom = "_atom_site.label_atom_id CA _atom_site.label_comp_id GLY";
    const [chain, ...rest] = parseMmcif(`${single}${atom}`);
    expect(rest).toEqual([]);
    expect([...chain!.positions, chain!.sequence, chain!.chain, ...chain!.numbers]).toEqual([1, 2, 3, "G", "", 1]);
    expect(chainName(chain!)).toBe("X");
  });

  it("tells chains by the label and calls them as the author does, the other way where one is missing", () => {
    const rows = [
      row({ asym: "AA", chain: "H" }),
      row({ asym: "B", chain: "H" }),
      row({ asym: "AA", chain: "H", sequence: 2 }),
    ];
    const chains = parseMmcif(textOf("data_1", ...loop, ...rows));
    expect(chains.map(({ chain, sequence }) => chain + sequence)).toEqual(["HAA", "HA"]);
    const label = textOf("data_1", ...loop, ...rows.map((line) => line.replace(" H 1", " ? 1")));
    expect(parseMmcif(label).map(({ chain }) => chain)).toEqual(["AA", "B"]);
    const author = ["A", "B"].map((chain) => row({ asym: ".", chain }));
    expect(parseMmcif(textOf("data_1", ...loop, ...author)).map(({ chain }) => chain)).toEqual(["A", "B"]);
  });

  it("counts HETATM residues with a place in the sequence, and passes over those without", () => {
    const hetero = { group: "HETATM", residue: "MSE" };
    const other = { group: "HETATM", residue: "HOH", atom: "O", sequence: ".", asym: "C" };
    const rows = [
      row(hetero),
      row({ sequence: 2 }),
      row({ ...hetero, sequence: ".", asym: "B", at: 3, number: 9, residue: "GLY" }),
      row({ ...other, at: 5, number: 301 }),
      row({ ...other, residue: "CA", atom: "CA", element: "CA", at: 6, number: 302 }),
      row({ residue: "DG", atom: "P", asym: "D" }),
    ];
    const chains = parseMmcif(textOf("data_1", ...loop, ...rows));
    expect(chains.map(({ sequence }) => sequence)).toEqual(["MA"]);
    expect(counted(chains.passedOver)).toEqual({
      "residues with a C-alpha apart from the chain": 1,
      "ligands and ions": 1,
      "water molecules": 1,
    });
    expect([chains.records, counted(chains.leftOut)]).toEqual([2, { "chains without C-alpha atoms": 1 }]);
    // Where the sequence is not known, the neighbour tells.
    const near = [row({ ...hetero, sequence: "?", at: 1, number: 1 }), row({ sequence: "?", at: 2, number: 2 })];
    const far = row({ ...hetero, sequence: "?", at: 9, number: 9 });
    expect(parseMmcif(textOf("data_1", ...loop, ...near, far))[0]!.sequence).toBe("MA");
  });

  it("takes the place of highest occupancy, of one residue with two names too", () => {
    const rows = [
      row({ alternate: "A", occupancy: 0.3, at: 1, residue: "SER" }),
      row({ alternate: "B", occupancy: 0.7, at: 2, residue: "THR" }),
      row({ alternate: "A", occupancy: ".", at: 3, sequence: 2 }),
      row({ alternate: "B", occupancy: 0.5, at: 4, sequence: 2 }),
      row({ at: 5, sequence: 3, code: "B" }),
    ];
    const [chain] = parseMmcif(textOf("data_1", ...loop, ...rows));
    expect(chain!.sequence).toBe("TAA");
    expect([...chain!.positions].filter((_, i) => i % 3 === 0)).toEqual([7.6, 11.4, 19]);
    expect(chain!.insertionCodes).toEqual(["", "", "B"]);
  });

  it("reads the first model of each block, or all, in whatever order their rows come", () => {
    const rows = (model: number) => [row({ model, at: model }), row({ model: 9, at: 9 }), row({ model, sequence: 2 })];
    const text = textOf("data_ONE", ...loop, ...rows(3), "data_TWO", ...loop, ...rows(1));
    const first = parseMmcif(text);
    expect(first.map(({ entry, sequence }) => `${entry} ${sequence}`)).toEqual(["ONE AA", "TWO AA"]);
    expect([first.records, counted(first.leftOut)]).toEqual([4, { "models after the first": 2 }]);
    const all = parseMmcif(text, "f", { models: "all" });
    expect(all.map(chainName)).toEqual(["ONE_A", "ONE_A/9", "TWO_A", "TWO_A/9"]);
  });

  it("gives the chains that PDB gives", () => {
    const residues = ["ALA", "MSE", "GLY", "TRP"];
    const pdb = textOf("HEADER    X", ...residues.map((residue, i) => pdbAtom({ residue, number: i + 1 })));
    const cif = residues.map((residue, i) => row({ residue, sequence: i + 1, number: i + 1 }).replaceAll("-0.", "0."));
    expect([...parseMmcif(textOf("data_X", ...loop, ...cif))]).toEqual([...parsePdb(pdb)]);
  });

  it.each([
    ["", /^c holds no atoms$/],
    ["data_1\n_entry.id 1\n", /^c holds no atoms$/],
    [
      textOf("data_1", ...loop, row(), "ATOM 1 C CA . ALA"),
      /^c, line 21: the row that begins in line 21 has 6 of 17 values$/,
    ],
    [textOf("data_1", ...loop, row({ residue: "'ALA" })), /^c, line 20: a quote that is not closed: "'ALA /],
    [textOf("data_1", "_a.b", ";text", "more"), /^c, line 4: the text that begins in line 3 has no end$/],
    [
      textOf("data_1", "loop_", "_atom_site.id", "1"),
      /^c, line 4: the atoms have no column _atom_site.label_atom_id or/,
    ],
    ["data_1\n_atom_site.Cartn_x", /^c, line 2: _atom_site.cartn_x has no value$/],
    [textOf("data_1", "loop_", "_atom_site_label", "_atom_site_fract_x", "C1 0.1"), /^c holds no atoms$/],
    [textOf("data_1", ...loop, row().replace("3.800", "?")), /^c, line 20: expected three coordinates .*found " 0/],
  ])("refuses %j", (text, message) => {
    expect(thrown(() => parseMmcif(text, "c"))).toMatchObject({
      code: "bad-file",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/^[A-Z].*[.?]$/),
    });
  });

  it("says of a crystal's CIF what it is", () => {
    const text = textOf("data_1", "loop_", "_atom_site_label", "_atom_site_fract_x", "C1 0.1");
    expect(thrown(() => parseMmcif(text))).toMatchObject({ fix: expect.stringMatching(/^This is a crystal's CIF/) });
  });

  it("withstands hostile texts", () => {
    const pieces = ["data_x ", "loop_ ", "_atom_site.", "'", '"', "\n;", "#", " ? ", " . ", "save_", row()];
    fuzzTexts(parseMmcif, [two, textOf("data_1", ...loop, row(), row({ alternate: "B" }))], pieces, checkChain);
  });
});
