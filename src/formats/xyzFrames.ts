import type { NumberedFrame } from "../molecules/frame.ts";
import { xyzColumns, type XyzColumns } from "./extendedXyz.ts";
import { looksNumeric, quoted, type LineReader } from "./lines.ts";
import { qm9Name, skipQm9Trailer } from "./qm9.ts";
import { Unusable } from "./records.ts";
import { XyzAtoms } from "./xyzAtoms.ts";
import { commentValues, type CommentValue } from "./xyzComment.ts";
import { commentInfo, frameCell, vectorCell, type FrameCell } from "./xyzInfo.ts";
import { cutOff, xyzLayout, type XyzRules } from "./xyzRules.ts";

/** Characters of the shortest possible atom line with its end, `C 0 0 0`. */
const shortestAtomLine = 8;
const PROPERTIES = "properties";
/** Lines that may follow the atoms of a frame: three of QM9's, or the vectors of a cell. */
export const linesAfterAtoms = 3;

/** A frame, and the comment as it stands in the file. */
export interface XyzRecord {
  readonly frame: NumberedFrame;
  readonly comment: string;
}

/** The frames of an XYZ file, one after another: all that reads such files reads them by this. */
export class XyzFrames {
  readonly #lines: LineReader;
  readonly #rules: XyzRules;
  readonly #atoms: XyzAtoms;
  #number = 0;
  #count = 0;
  /** The line of the number of atoms before. */
  #last: number | undefined;
  /** What `Properties` said last, and what that means. */
  #properties: string | undefined;
  #columns: XyzColumns | string | undefined;

  constructor(lines: LineReader, rules: XyzRules) {
    this.#lines = lines;
    this.#rules = rules;
    this.#atoms = new XyzAtoms(lines, rules);
  }

  /** Of the frame that `read` reads next, once `next` has found it. */
  get count(): number {
    return this.#count;
  }

  /** Frames that `read` was called for. */
  get frames(): number {
    return this.#number;
  }

  /**
   * Looks for the next frame's number of atoms; false at the end.
   *
   * @param whole whether the rest of the file is there: then the number is held against it
   * @throws VoxtwirlError "bad-file" where something else stands there
   */
  next(whole: boolean): boolean {
    const lines = this.#lines;
    const line = lines.nextFilled();
    if (line === undefined) return false;
    const token = line.trim();
    if (!/^\d{1,9}$/.test(token)) {
      const more = this.#last === undefined ? "" : `; the number in line ${this.#last} may be wrong`;
      throw lines.error(`expected a number of atoms, found ${quoted(token)}${more}`, xyzLayout);
    }
    this.#count = Number(token);
    if (whole && this.#count > 0 && this.#count * shortestAtomLine - 1 > lines.remaining) {
      throw lines.error(
        `${this.#count} atoms are announced, more than the rest of the file can hold`,
        `Is the file cut off? ${xyzLayout}`,
      );
    }
    return true;
  }

  /**
   * The frame whose number of atoms was found last.
   *
   * @throws Unusable where it cannot be used, after its last line; VoxtwirlError "bad-file" where it has other lines
   */
  read(): XyzRecord {
    const lines = this.#lines;
    const line = lines.lineNumber;
    this.#last = line;
    this.#number++;
    const comment = lines.next() ?? "";
    const start = lines.mark();
    const values = comment.includes("=") ? commentValues(comment) : new Map<string, CommentValue | undefined>();
    const columns = this.#columnsOf(values);
    try {
      const frame = this.#frame(line, comment, values, columns);
      return { frame, comment };
    } catch (fault) {
      if (!(fault instanceof Unusable)) throw fault;
      lines.reset(start);
      this.#skipAtoms(line, fault, columns);
      this.#vectors();
      throw fault;
    } finally {
      if (qm9Name(comment) !== undefined) skipQm9Trailer(lines);
    }
  }

  /** As a rule all frames of a file say the same. */
  #columnsOf(values: ReadonlyMap<string, CommentValue | undefined>): XyzColumns | string {
    let properties: string | undefined;
    for (const [key, value] of values) {
      if (key.length !== PROPERTIES.length || key.toLowerCase() !== PROPERTIES) continue;
      properties = value?.text;
      break;
    }
    if (this.#columns === undefined || properties !== this.#properties) {
      this.#properties = properties;
      this.#columns = xyzColumns(properties);
    }
    return this.#columns;
  }

  #frame(
    line: number,
    comment: string,
    values: ReadonlyMap<string, CommentValue | undefined>,
    columns: XyzColumns | string,
  ): NumberedFrame {
    const count = this.#count;
    if (count === 0) throw new Unusable("no atoms", line, "a molecule of 0 atoms", "Remove the empty molecule.");
    const cell = frameCell(values, line + 1, this.#rules.tolerant);
    if (typeof columns === "string") {
      const fix = "Write Properties=species:S:1:pos:R:3, and other columns after these.";
      throw new Unusable("unknown columns", line + 1, columns, fix);
    }
    const atoms = this.#atoms.read(count, columns);
    const vectors = this.#vectors();
    const info = commentInfo(comment, values);
    return { number: this.#number, line, ...atoms, ...cell, ...vectors, info };
  }

  /** A cell that stands behind the atoms, as VEC1, VEC2 and VEC3. */
  #vectors(): FrameCell | undefined {
    const found: string[] = [];
    for (let mark = this.#lines.mark(); found.length < linesAfterAtoms; mark = this.#lines.mark()) {
      const line = this.#lines.next();
      if (line === undefined || !/^\s*VEC[123]\s/.test(line)) {
        this.#lines.reset(mark);
        break;
      }
      found.push(line);
    }
    return found.length === 0 ? undefined : vectorCell(found, this.#lines.lineNumber);
  }

  /**
   * Passes over the atoms of a frame that cannot be used. Lines that are none mean that the number of atoms is wrong,
   * and so where the next frame begins is unknown.
   */
  #skipAtoms(countLine: number, fault: Unusable, columns: XyzColumns | string): void {
    const lines = this.#lines;
    const more = `; is the number of atoms in line ${countLine} right?`;
    for (let i = 0; i < this.#count; i++) {
      const line = lines.next();
      if (line === undefined) throw cutOff(lines, i, this.#count);
      if (isAtomLine(line, columns)) continue;
      const message =
        fault.line === lines.lineNumber
          ? fault.message
          : `expected atom ${i + 1} of ${this.#count}, found ${quoted(line.trim())}`;
      const fix = /\S[,;]/.test(line) ? "Separate the columns by blanks or tabs." : `Is the file cut off? ${xyzLayout}`;
      throw lines.error(message + more, fix);
    }
  }
}

/** Whether a line may be an atom's, if one that cannot be used: two columns at least, and numbers for coordinates. */
function isAtomLine(line: string, columns: XyzColumns | string): boolean {
  if (typeof columns === "string") return /\S\s+\S/.test(line.slice(0, 400));
  const { element, position } = columns;
  const tokens = line.trim().split(/\s+/, Math.max(element + 1, position + 3));
  return tokens.length > 1 && tokens.slice(position, position + 3).every(looksNumeric);
}
