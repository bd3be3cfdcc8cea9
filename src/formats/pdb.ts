import { requireString } from "../check.ts";
import { residueCode } from "../proteins/residues.ts";
import { ChainBuilder } from "./chainBuilder.ts";
import type { ParseChainsOptions, ParsedChains } from "./chainNotes.ts";
import { LineReader, quoted } from "./lines.ts";
import { residueNumber } from "./pdbNumbers.ts";

const layout =
  "Expected a PDB file: ATOM and HETATM lines with the atom's name in columns 13 to 16 and coordinates in 31 to 54.";

/** Columns of an atom's line that hold anything of its place. */
const shortestAtom = 54;

/**
 * Reads the C-alpha atoms of the chains of a PDB file, of one entry or of several that begin with HEADER or end with
 * END. Positions are in Angstrom.
 *
 * A C-alpha is an atom CA in a residue with a letter (`residueCode`); in others, one whose element is C or, where no
 * element stands in columns 77 and 78, whose name begins in column 14. Calcium is none.
 *
 * Of an entry's models the first is read, unless `models` is "all". Of several places of a C-alpha the one of highest
 * occupancy counts, of equal ones the first; places are told by alternate location, of which a residue may have other
 * names. TER ends a chain, and more ATOMs of the same letter are another; a HETATM residue with a C-alpha counts before
 * its chain's TER. Where the chain has none, and where the residue has no letter, it counts next to another C-alpha of
 * the chain (at most 4 A). Residue numbers may be negative, hybrid-36 and repeated. Letters may be small, lines as
 * short as their coordinates allow.
 *
 * What is left out is counted by reason: chains without a C-alpha and other models in `leftOut`; residues and places in
 * `passedOver`.
 *
 * Throws "bad-file" with `file` and the line number where the text is no PDB file or is cut off within an atom, and
 * where no chain is left.
 */
export function parsePdb(text: string, file = "PDB text", options: ParseChainsOptions = {}): ParsedChains {
  requireString("text", text, "Give the file's text; of its bytes, new TextDecoder().decode(bytes).");
  const lines = new LineReader(text, file);
  const entries = new EntryReader(lines, new ChainBuilder(file, options));
  for (let line = lines.next(); line !== undefined; line = lines.next()) entries.read(line);
  return entries.finish();
}

/** Chains of one letter in a model: how many a TER has ended, and whether one has begun since. */
interface Letter {
  part: number;
  ended: boolean;
}

class EntryReader {
  readonly #lines: LineReader;
  readonly #builder: ChainBuilder;
  readonly #letters = new Map<string, Letter>();
  #modelIndex = 0;
  #model: number | undefined;
  #modelHasAtoms = false;
  #entryHasAtoms = false;
  /** What the last atom's line says of its residue and chain. */
  #last = "";

  constructor(lines: LineReader, builder: ChainBuilder) {
    this.#lines = lines;
    this.#builder = builder;
  }

  read(line: string): void {
    const record = /^[A-Za-z]{0,6}/.exec(line)![0].toUpperCase();
    if (record === "ATOM" || record === "HETATM") this.#readAtom(line, record === "HETATM");
    else if (record === "TER") this.#endChain();
    else if (record === "MODEL") this.#beginModel(Number(/^\s*\d+/.exec(line.slice(6, 20))?.[0] ?? NaN));
    else if (record === "ENDMDL") this.#beginModel(NaN);
    else if (record === "HEADER") this.#beginEntry(nameOf(line));
    else if (record === "END" && this.#entryHasAtoms) this.#beginEntry(undefined);
  }

  #beginEntry(name: string | undefined): void {
    this.#builder.begin(name);
    this.#entryHasAtoms = false;
    this.#modelIndex = -1;
    this.#modelHasAtoms = true;
    this.#beginModel(NaN);
  }

  #beginModel(number: number): void {
    this.#model = Number.isNaN(number) ? undefined : number;
    this.#last = "";
    if (!this.#modelHasAtoms) return;
    this.#modelIndex++;
    this.#modelHasAtoms = false;
    this.#letters.clear();
  }

  #endChain(): void {
    if (this.#last === "") return;
    const letter = this.#last[4] ?? "";
    const state = this.#letters.get(letter)!;
    state.ended = true;
    this.#builder.endChain(this.#modelIndex, `${letter}${state.part}`);
    this.#last = "";
  }

  #readAtom(line: string, hetero: boolean): void {
    if (line.length < shortestAtom && this.#lines.remaining <= 0) {
      throw this.#lines.error(`the file ends within an atom: ${quoted(line)}`, "Is the file cut off? Get it again.");
    }
    const isCa = line.slice(12, 16).trim().toUpperCase() === "CA";
    const place = line.slice(17, 27);
    // Of other atoms nothing more is needed than that their residue is there.
    if (!isCa && place === this.#last) return;
    const residue = line.slice(17, 21).trim().toUpperCase();
    const letter = this.#letterOf(place[4] ?? "", hetero);
    this.#modelHasAtoms = this.#entryHasAtoms = true;
    this.#last = place;
    const { number, insertionCode } = residueNumber(line.slice(22, 27));
    this.#builder.add({
      line: this.#lines.lineNumber,
      modelIndex: this.#modelIndex,
      model: this.#model ?? this.#modelIndex + 1,
      chainKey: `${place[4] ?? ""}${letter.part}`,
      chain: (place[4] ?? "").trim(),
      residue,
      number,
      insertionCode,
      alternate: line.slice(16, 17).trim(),
      hetero,
      polymer: letter.ended ? false : undefined,
      isAlpha: isCa && isAlphaCarbon(line, residue),
      coordinates: [line.slice(30, 38).trim(), line.slice(38, 46).trim(), line.slice(46, 54).trim()],
      occupancy: line.slice(54, 60).trim(),
    });
  }

  /** The part of the chain's letter that an atom belongs to; the next where an ATOM comes after its TER. */
  #letterOf(letter: string, hetero: boolean): Letter {
    let state = this.#letters.get(letter);
    if (state === undefined) this.#letters.set(letter, (state = { part: 0, ended: false }));
    if (state.ended && !hetero) {
      state.part++;
      state.ended = false;
    }
    return state;
  }

  finish(): ParsedChains {
    return this.#builder.finish(layout);
  }
}

/** The entry of a HEADER: its code in columns 63 to 66, or the only word that it has. XXXX and 0000 stand for none. */
function nameOf(line: string): string | undefined {
  const code = line.slice(62, 66).trim();
  if (code !== "") return /^(.)\1*$/.test(code) ? undefined : code;
  const rest = line.slice(10).trim();
  return /^\S+$/.test(rest) ? rest : undefined;
}

/** Whether an atom called CA is a C-alpha. */
function isAlphaCarbon(line: string, residue: string): boolean {
  if (residue === "CA") return false;
  if (residueCode(residue) !== "X") return true;
  const element = line.slice(76, 78).trim().toUpperCase();
  if (element === "C" || element === "CA") return element === "C";
  return line.slice(12, 14).toUpperCase() !== "CA";
}
