import { requireString } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { refuseDrawing } from "./drawing.ts";
import { LineReader, quoted } from "./lines.ts";
import type { Molecule } from "../molecules/molecule.ts";
import { RecordCollector, Unusable, type ParsedMolecules, type ParseOptions } from "./records.ts";
import { cutOff, molfileLayout, RecordLines, recordsOf } from "./sdfRecord.ts";
import { readV2000 } from "./v2000.ts";
import { readV3000 } from "./v3000.ts";

/**
 * Reads an MDL molfile, or an SD file of several records that end with `$$$$`; version V2000 or V3000 with 3D
 * coordinates in Angstrom.
 *
 * Charges, stereo marks and data fields are ignored. Bond order 4 is an aromatic bond.
 *
 * A record that cannot be used (R groups and query atoms, a flat drawing, no atoms, counts that do not agree with the
 * lines) is left out; with `strict` it is an error. A record is a flat drawing where all z are 0, and its program line
 * does not say 3D or its bonds are a drawing's: see `refuseDrawing`.
 *
 * Throws "bad-file" with `file` and the line number where the text is not such a file, has lines before its first
 * record, or is cut off. Also where no record can be used.
 */
export function parseSdf(text: string, file = "SDF text", options: ParseOptions = {}): ParsedMolecules {
  requireString("text", text, "Give the file's text; of its bytes, new TextDecoder().decode(bytes).");
  const records = new RecordCollector(file, options);
  for (const record of recordsOf(new LineReader(text, file))) {
    if (!record.ended) checkEnd(record, file);
    if (records.records === 0) checkTop(record, file);
    records.add(() => readRecord(record));
  }
  return records.finish(molfileLayout, "fine");
}

/** A last record without `$$$$` is one where a molfile ends with its molecule. */
function checkEnd(record: RecordLines, file: string): void {
  const end = record.lines.findIndex((line) => /^M\s+END/.test(line));
  const filled = record.lines.findLastIndex((line) => line.trim() !== "");
  if (end >= 0 && filled === end) return;
  const fail = (message: string) =>
    new VoxtwirlError("bad-file", `${file}, line ${record.lineOf(record.lines.length - 1)}: ${message}`, cutOff);
  if (end >= 0) throw fail("the file ends inside a record: its last line, $$$$, is missing");
  // Where the lines end tells more than that the last is missing.
  try {
    readRecord(record);
  } catch (fault) {
    if (fault instanceof Unusable) throw fault.toError(file);
    throw fault;
  }
}

/** Lines before a file's first record belong to none. */
function checkTop(record: RecordLines, file: string): void {
  const { extra } = findCounts(record);
  if (extra > 0) throw misplaced(record, extra).toError(file);
}

function readRecord(record: RecordLines): Molecule {
  record.rewind();
  if (record.lines.every((line) => line.trim() === "")) {
    throw record.unusable("no atoms", "an empty record", "Remove the empty record from the file.");
  }
  const { version, extra } = findCounts(record);
  if (extra !== 0) throw misplaced(record, extra);
  const name = (record.next() ?? "").trim();
  const program = record.next() ?? "";
  record.next();
  const molecule = version === "V3000" ? readV3000(record) : readV2000(record);
  if (name !== "") molecule.name = name;
  checkSingle(record);
  refuseDrawing(molecule, program, record.lineOf(1));
  return molecule;
}

/** The version that the counts line ends with, and how many lines too many are above it; zero where none is found. */
function findCounts(record: RecordLines): { version: string | undefined; extra: number } {
  const versionOf = (line: string | undefined) =>
    /\sV[23]000\s*$/i
      .exec(line?.slice(0, 80) ?? "")?.[0]
      .trim()
      .toUpperCase();
  const fourth = versionOf(record.lines[3]);
  const at = fourth === undefined ? record.lines.slice(0, 20).findIndex((line) => versionOf(line) !== undefined) : 3;
  return { version: versionOf(record.lines[at]), extra: at < 0 ? 0 : at - 3 };
}

function misplaced(record: RecordLines, extra: number): Unusable {
  const lines = Math.abs(extra) === 1 ? "1 line" : `${Math.abs(extra)} lines`;
  const wrong = `${lines} too ${extra > 0 ? "many" : "few"} above it`;
  const message = `the counts line is line ${extra + 4} of the record instead of 4: ${wrong}`;
  const fix = "Three lines come before it, blank or not: the name, the program and a comment.";
  return new Unusable("misplaced header", record.lineOf(extra + 3), message, fix);
}

/** A second molecule before `$$$$` would be lost; one that is the value of a data field is none of the file's own. */
function checkSingle(record: RecordLines): void {
  for (let line = record.next(); line !== undefined && !line.startsWith(">"); line = record.next()) {
    if (!/^M\s+END/.test(line)) continue;
    const fix = "Write $$$$ on a line of its own between the molecules.";
    throw record.unusable("several molecules in a record", `the record holds another molecule (${quoted(line)})`, fix);
  }
}
