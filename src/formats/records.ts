import { VoxtwirlError } from "../errors.ts";
import type { Molecule } from "../molecules/molecule.ts";
import { Oddities } from "../molecules/oddities.ts";
import { labelRemarks, type LabelNote, type LabelUnits } from "./labels.ts";

/** How a file is read. */
export interface ParseOptions {
  /** Throws on the first record that cannot be used instead of leaving it out; false by default. */
  strict?: boolean | undefined;
  /**
   * The unit of the file's energies; its forces are in that per Angstrom. By default what the file says, else kcal/mol
   * for .npz files with the arrays of MD17 or rMD17, and eV for all others. Molecules have them in eV.
   */
  labelUnits?: LabelUnits | undefined;
}

/** Records of a file that are left out for one reason. */
export interface LeftOut {
  /** The same words for every record of the kind, e.g. "flat drawings". */
  reason: string;
  count: number;
  /** The first few of them. */
  first: LeftOutRecord[];
}

/** A record that was left out, and why. */
export interface LeftOutRecord {
  /** The file, where several were read. */
  file?: string;
  /** Its number in the file, from 1; none where the whole file is left out. */
  record?: number;
  /** The line where the fault is, from 1; none in files without lines. */
  line?: number;
  /** What the fault is. */
  message: string;
}

/** What reading molecules had to say. */
export interface ReadingNotes {
  /** Records that were there: those read and those left out. */
  records: number;
  /** Records left out, by reason in the order in which these were met; none with `strict`. */
  leftOut: LeftOut[];
  /** Sentences about data that are read, but odd: coordinates that seem to be in Bohr, for one. */
  remarks: string[];
  /** In which units energies and forces were taken; undefined where no record has any. */
  labels?: LabelNote[];
}

/** The molecules of a text, an array that also tells what was left out. */
export interface ParsedMolecules extends Array<Molecule>, ReadingNotes {}

/** Thrown by what reads a record that cannot be used though its end is known. */
export class Unusable {
  readonly reason: string;
  /** None in files without lines, where the record's number tells the place. */
  readonly line: number | undefined;
  readonly message: string;
  readonly fix: string;

  constructor(reason: string, line: number | undefined, message: string, fix: string) {
    this.reason = reason;
    this.line = line;
    this.message = message;
    this.fix = fix;
  }

  /** `record` is its number, from 1, which is told where there are no lines. */
  toError(file: string, record = 1): VoxtwirlError {
    return new VoxtwirlError("bad-file", `${this.placeIn(file, record)}: ${this.message}`, this.fix);
  }

  placeIn(file: string, record: number): string {
    return this.line === undefined ? `${file}, record ${record}` : `${file}, line ${this.line}`;
  }
}

/** Where no record of a text can be used. */
export class NothingUsable extends VoxtwirlError {
  readonly records: number;
  readonly leftOut: readonly LeftOut[];

  constructor(file: string, fault: Unusable, records: number, leftOut: readonly LeftOut[]) {
    const reasons = leftOut.map(({ reason, count }) => `${reason} ${count}`).join(", ");
    const none = records > 1 ? `; none of the ${records} records can be used (${reasons})` : "";
    // None can be used, so the first fault is the first record's.
    super("bad-file", `${fault.placeIn(file, 1)}: ${fault.message}${none}`, fault.fix);
    this.records = records;
    this.leftOut = leftOut;
  }
}

/** How many records of each reason are named. */
const named = 3;

/** Adds records that are left out, `count` of them, to those of their reason. */
export function leaveOut(
  all: Map<string, LeftOut>,
  reason: string,
  records: readonly LeftOutRecord[],
  count = 1,
): void {
  let leftOut = all.get(reason);
  if (leftOut === undefined) all.set(reason, (leftOut = { reason, count: 0, first: [] }));
  leftOut.count += count;
  leftOut.first.push(...records.slice(0, named - leftOut.first.length));
}

/** Collects the records of one file, leaving out those that cannot be used. */
export class RecordCollector {
  readonly #file: string;
  readonly #strict: boolean;
  readonly #molecules: Molecule[] = [];
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #oddities = new Oddities();
  #records = 0;
  #first: Unusable | undefined;

  constructor(file: string, { strict = false }: ParseOptions) {
    this.#file = file;
    this.#strict = strict;
  }

  get records(): number {
    return this.#records;
  }

  /** Reads the next record, and keeps what `read` gives or leaves out what it throws as `Unusable`. */
  add(read: () => Molecule): void {
    this.#records++;
    try {
      const molecule = read();
      this.#molecules.push(molecule);
      this.#oddities.add(molecule, () => `record ${this.#records}`);
    } catch (fault) {
      if (!(fault instanceof Unusable)) throw fault;
      if (this.#strict) throw fault.toError(this.#file, this.#records);
      this.#first ??= fault;
      const { reason, line, message } = fault;
      const place = line === undefined ? {} : { line };
      leaveOut(this.#leftOut, reason, [{ record: this.#records, ...place, message }]);
    }
  }

  /**
   * What was read; `labels` says how energies and forces were taken.
   *
   * @throws VoxtwirlError "bad-file" where nothing was
   */
  finish(layout: string, planes: "remark" | "fine", labels: LabelNote[] = []): ParsedMolecules {
    const leftOut = [...this.#leftOut.values()];
    if (this.#molecules.length === 0) {
      if (this.#first === undefined) throw new VoxtwirlError("bad-file", `${this.#file} holds no molecule`, layout);
      throw new NothingUsable(this.#file, this.#first, this.#records, leftOut);
    }
    const remarks = [...this.#oddities.remarks(planes), ...labelRemarks(labels)];
    const notes = { records: this.#records, leftOut, remarks, ...(labels.length > 0 ? { labels } : {}) };
    return Object.assign(this.#molecules, notes);
  }
}

/** What there is to say of a reading: a sentence for each reason to leave records out, then the remarks. */
export function readingLines({ records, leftOut, remarks }: ReadingNotes): string[] {
  const left = leftOut.map(({ reason, count, first: [first, ...others] }) => {
    const said = `${count} of ${records} records left out: ${place(first!)}: ${first!.message}`;
    if (others.length === 0) return said;
    const more = count - others.length - 1;
    return `${said}; ${reason} also in ${others.map(place).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  });
  return [...left, ...remarks];
}

function place({ file, record, line }: LeftOutRecord): string {
  if (record === undefined) return `file ${file}`;
  return `record ${record}${file === undefined ? "" : ` of ${file}`}${line === undefined ? "" : ` (line ${line})`}`;
}
