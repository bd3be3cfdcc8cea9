import { requireString } from "../check.ts";
import { residueCode } from "../proteins/residues.ts";
import { ChainBuilder } from "./chainBuilder.ts";
import type { ParseChainsOptions, ParsedChains } from "./chainNotes.ts";
import { CifTokens } from "./cifTokens.ts";
import { LineReader } from "./lines.ts";

const layout = "Expected mmCIF: a data block with the category _atom_site, with Cartn_x, Cartn_y and Cartn_z.";
const category = "_atom_site.";

/** What is read of an atom's row: for each the columns that may have it, the first that has a value counts. */
const columns = {
  group: ["group_pdb"],
  element: ["type_symbol"],
  atom: ["label_atom_id", "auth_atom_id"],
  residue: ["label_comp_id", "auth_comp_id"],
  alternate: ["label_alt_id"],
  /** A chain is one by the label; its name is the author's. */
  chainKey: ["label_asym_id", "auth_asym_id"],
  chain: ["auth_asym_id", "label_asym_id"],
  sequence: ["label_seq_id"],
  number: ["auth_seq_id", "label_seq_id"],
  insertionCode: ["pdbx_pdb_ins_code"],
  x: ["cartn_x"],
  y: ["cartn_y"],
  z: ["cartn_z"],
  occupancy: ["occupancy"],
  model: ["pdbx_pdb_model_num"],
} as const satisfies Record<string, readonly string[]>;

type Column = keyof typeof columns;
/** For each column the places in a row where it may be. */
type Places = Record<Column, readonly number[]>;
const needed = ["atom", "residue", "x", "y", "z"] as const satisfies readonly Column[];

/**
 * Reads the C-alpha atoms of the chains of an mmCIF file, of one data block or of several. Positions are in Angstrom.
 *
 * Read is the category `_atom_site`, its columns in any order, as a loop or as single values. Chains are told apart by
 * label_asym_id, and called by auth_asym_id; residues have the numbers auth_seq_id. Where one kind of names is missing
 * the other takes its place. HETATM residues with a C-alpha count where they have a label_seq_id, as those in a
 * sequence do; where that is not known, and where they have no letter (`residueCode`), next to another C-alpha of the
 * chain (at most 4 A). C-alphas are atoms CA in residues with a letter, and those of carbon in others.
 *
 * Models, places of a C-alpha, options and what is left out are as `parsePdb` has them.
 *
 * Throws "bad-file" with `file` and the line number for a row that is not whole, quotes and texts that are not closed,
 * and missing columns; also where no chain is left.
 */
export function parseMmcif(text: string, file = "mmCIF text", options: ParseChainsOptions = {}): ParsedChains {
  requireString("text", text, "Give the file's text; of its bytes, new TextDecoder().decode(bytes).");
  return new BlockReader(new CifTokens(new LineReader(text, file)), new ChainBuilder(file, options)).read();
}

class BlockReader {
  readonly #tokens: CifTokens;
  readonly #builder: ChainBuilder;
  readonly #models = new Map<string, number>();
  /** Single values of the category, by their names. */
  #single = new Map<string, string>();
  #singleLine = 0;
  #crystal = false;

  constructor(tokens: CifTokens, builder: ChainBuilder) {
    this.#tokens = tokens;
    this.#builder = builder;
  }

  read(): ParsedChains {
    const tokens = this.#tokens;
    for (let more = tokens.next(); more;) {
      const word = tokens.value.toLowerCase();
      if (tokens.bare && word === "loop_") {
        more = this.#readLoop();
        continue;
      }
      if (tokens.bare && word.startsWith("data_")) this.#beginBlock(tokens.value.slice(5));
      else if (tokens.bare && word.startsWith(category)) this.#readSingle(word.slice(category.length));
      this.#crystal ||= word.startsWith("_atom_site_");
      more = tokens.next();
    }
    this.#addSingle();
    const crystal = "This is a crystal's CIF, with atoms as fractions of a cell. Give mmCIF, as the PDB has it.";
    return this.#builder.finish(this.#crystal ? crystal : layout);
  }

  #beginBlock(name: string): void {
    this.#addSingle();
    this.#models.clear();
    this.#builder.begin(name === "" ? undefined : name);
  }

  #readSingle(name: string): void {
    const { line } = this.#tokens;
    if (!this.#tokens.next() || isReserved(this.#tokens)) {
      throw this.#tokens.error(`${category}${name} has no value`, "Is the file cut off? Get it again.");
    }
    if (this.#single.size === 0) this.#singleLine = line;
    this.#single.set(name, valueOf(this.#tokens));
  }

  #addSingle(): void {
    if (this.#single.size === 0) return;
    const names = [...this.#single.keys()];
    this.#addRow([...this.#single.values()], this.#placesOf(names), this.#singleLine);
    this.#single = new Map();
  }

  /** Reads a loop; whether there is a token after it. */
  #readLoop(): boolean {
    const tokens = this.#tokens;
    const names: string[] = [];
    let more = tokens.next();
    for (; more && tokens.bare && tokens.value.startsWith("_"); more = tokens.next()) {
      names.push(tokens.value.toLowerCase());
    }
    if (!names.some((name) => name.startsWith(category))) {
      this.#crystal ||= names.some((name) => name.startsWith("_atom_site_"));
      while (more && !isReserved(tokens)) more = tokens.next();
      return more;
    }
    const places = this.#placesOf(names.map((name) => name.slice(category.length)));
    const row: string[] = [];
    let line = 0;
    for (; more && !isReserved(tokens); more = tokens.next()) {
      if (row.length === 0) ({ line } = tokens);
      row.push(valueOf(tokens));
      if (row.length < names.length) continue;
      this.#addRow(row, places, line);
      row.length = 0;
    }
    if (row.length > 0) {
      const message = `the row that begins in line ${line} has ${row.length} of ${names.length} values`;
      throw tokens.error(message, "Is the file cut off, or is a value with blanks not in quotes?");
    }
    return more;
  }

  #placesOf(names: readonly string[]): Places {
    const places = {} as Record<Column, readonly number[]>;
    for (const column of Object.keys(columns) as Column[]) {
      places[column] = columns[column].map((name) => names.indexOf(name)).filter((place) => place >= 0);
    }
    const missing = needed.find((column) => places[column].length === 0);
    if (missing !== undefined) {
      throw this.#tokens.error(`the atoms have no column ${category}${columns[missing].join(" or ")}`, layout);
    }
    return places;
  }

  #addRow(row: readonly string[], places: Places, line: number): void {
    const value = (column: Column) => {
      for (const place of places[column]) if (row[place] !== "" && row[place] !== "?") return row[place]!;
      return "";
    };
    const residue = value("residue").toUpperCase();
    const sequence = value("sequence");
    const isUnknown = places.sequence.every((place) => row[place] === "?");
    const hetero = value("group").toUpperCase() === "HETATM";
    const model = value("model") || "1";
    let modelIndex = this.#models.get(model);
    if (modelIndex === undefined) this.#models.set(model, (modelIndex = this.#models.size));
    const element = value("element").toUpperCase();
    this.#builder.add({
      line,
      modelIndex,
      model: wholeNumber(model) ?? modelIndex + 1,
      chainKey: value("chainKey"),
      chain: value("chain"),
      residue,
      number: wholeNumber(value("number")) ?? wholeNumber(sequence),
      insertionCode: value("insertionCode"),
      alternate: value("alternate"),
      hetero,
      polymer: isUnknown ? undefined : sequence !== "" || (!hetero && residueCode(residue) !== "X"),
      isAlpha:
        value("atom").toUpperCase() === "CA" &&
        residue !== "CA" &&
        (residueCode(residue) !== "X" || element === "C" || element === ""),
      coordinates: [value("x"), value("y"), value("z")],
      occupancy: value("occupancy"),
    });
  }
}

/** A token as a value: "" for `.`, which stands for none; `?` is one that is not known. */
function valueOf({ value, bare }: CifTokens): string {
  return bare && value === "." ? "" : value;
}

function wholeNumber(text: string): number | undefined {
  return /^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Whether a token ends a loop: a name, or a word that begins something. */
function isReserved({ value, bare }: CifTokens): boolean {
  return bare && (value.startsWith("_") || /^(loop_$|stop_$|global_$|data_|save_)/i.test(value));
}
