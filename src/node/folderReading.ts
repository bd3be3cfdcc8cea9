import { createHash } from "node:crypto";
import { VoxtwirlError } from "../errors.ts";
import type { Molecule } from "../molecules/molecule.ts";
import { Oddities } from "../molecules/oddities.ts";
import { addLabelNotes, labelRemarks, type LabelNote } from "../formats/labels.ts";
import { leaveOut, NothingUsable, type LeftOut, type ParsedMolecules, type ParseOptions } from "../formats/records.ts";
import type { MoleculeFile } from "./moleculeFile.ts";

/** Collects what the files of a folder hold. */
export class FolderReading {
  readonly #folder: string;
  readonly #molecules: Molecule[] = [];
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #labels = new Map<string, LabelNote>();
  readonly #oddities = new Oddities();
  readonly #hash = createHash("sha256");
  #records = 0;
  #first: VoxtwirlError | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads the next file, or leaves it out where it is none. */
  async add(
    name: string,
    sha256: string,
    read: () => Promise<ParsedMolecules>,
    { strict }: ParseOptions,
  ): Promise<void> {
    this.#hash.update(`${sha256}  ${name}\n`);
    try {
      const parsed = await read();
      this.#take(name, parsed);
      addLabelNotes(this.#labels, parsed.labels ?? []);
      for (const molecule of parsed) {
        this.#molecules.push(molecule);
        this.#oddities.add(molecule, () => `in ${name}`);
      }
    } catch (error) {
      if (strict || !(error instanceof VoxtwirlError)) throw error;
      this.#first ??= error;
      if (error instanceof NothingUsable) this.#take(name, error);
      else {
        this.#records++;
        leaveOut(this.#leftOut, "files that cannot be read", [{ file: name, message: error.message }]);
      }
    }
  }

  #take(file: string, { records, leftOut }: { records: number; leftOut: readonly LeftOut[] }): void {
    this.#records += records;
    for (const { reason, count, first } of leftOut) {
      leaveOut(
        this.#leftOut,
        reason,
        first.map((record) => ({ file, ...record })),
        count,
      );
    }
  }

  /** `others` files and folders of the folder are of no kind that is read. */
  finish(planes: "remark" | "fine", others: number): MoleculeFile {
    if (this.#molecules.length === 0) {
      const { message, fix } = this.#first!;
      const none = `no file in ${this.#folder} holds a molecule that can be used; the first: ${message}`;
      throw new VoxtwirlError("bad-file", none, fix, { cause: this.#first });
    }
    const labels = [...this.#labels.values()];
    const remarks = [...this.#oddities.remarks(planes), ...labelRemarks(labels)];
    if (others > 0) remarks.unshift(`${others} other files and folders in ${this.#folder} are not read`);
    return {
      molecules: this.#molecules,
      sha256: this.#hash.digest("hex"),
      records: this.#records,
      leftOut: [...this.#leftOut.values()],
      remarks,
      ...(labels.length > 0 ? { labels } : {}),
    };
  }
}
