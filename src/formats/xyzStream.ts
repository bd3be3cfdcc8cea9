import { requireIterable, requireString } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import { LineReader } from "./lines.ts";
import { Unusable, type LeftOutRecord } from "./records.ts";
import { linesAfterAtoms, XyzFrames } from "./xyzFrames.ts";
import { xyzLayout, type XyzRules } from "./xyzRules.ts";

/** How frames are read. */
export interface FrameOptions {
  /**
   * Called for each frame that cannot be used, which is then left out, with its reason in words that are the same for
   * all of a kind. Without it such a frame is an error.
   */
  onLeftOut?: ((leftOut: LeftOutRecord, reason: string) => void) | undefined;
}

/** Most atoms of a frame: their lines have to fit into one string. */
const mostAtoms = 4_000_000;
/** Of a file whose lines end by CR alone, the whole text. */
const longestLine = 64 * 2 ** 20;
/** Of frames all is read. */
const frameRules: XyzRules = { columns: (others) => others, dummies: true, tolerant: false };

/**
 * Reads the frames of an XYZ or extended XYZ file of any size, as they come: memory is that of a few frames.
 *
 * Elements are symbols in any case, atomic numbers, or labels that begin with a symbol; D and T are hydrogen; X, Xx, Du
 * and 0 are dummy atoms, with atomic number 0, and other dummies and ghosts cannot be used. Columns are where
 * `Properties` says, else `symbol x y z`, of any kind: real (nan and inf are read, exponents of e, d or *^), whole,
 * words, T and F. The comment's values are numbers, truth values, texts, and arrays of these, in quotes, braces,
 * brackets or behind _JSON; a word alone is true; a comment without any `key=value` is the value `comment`. `Lattice`
 * (nine numbers, three vectors one after another; or three lengths), `pbc` (all true where there is a `Lattice` alone)
 * and `Origin` are the cell, as are VEC1 to VEC3 behind the atoms.
 *
 * @param chunks the file's text in pieces of any size, such as those of a TextDecoderStream
 * @param file what errors call it
 * @throws VoxtwirlError "bad-file" for text that is no such file, from the frame on where it is none, with the line;
 *   for a file without frames; and for a frame that cannot be used, with its number and line, unless it is left out
 */
export async function* readXyzFrames(
  chunks: AsyncIterable<string> | Iterable<string>,
  file = "XYZ text",
  options: FrameOptions = {},
): AsyncGenerator<NumberedFrame, void, undefined> {
  requireIterable("chunks", chunks, "Give pieces of text: file.stream().pipeThrough(new TextDecoderStream()).");
  const stream = new XyzStream(file, options);
  for await (const chunk of chunks) yield* stream.push(chunk);
  yield* stream.end();
}

/**
 * `readXyzFrames` of a whole text.
 *
 * @throws VoxtwirlError as it does; "bad-option" for what is no text
 */
export function parseXyzFrames(text: string, file = "XYZ text", options: FrameOptions = {}): NumberedFrame[] {
  requireString("text", text, "Give the file's text; of its bytes, new TextDecoder().decode(bytes).");
  const stream = new XyzStream(file, options);
  return [...stream.push(text), ...stream.end()];
}

/** Gives the frames that are whole as text comes. */
class XyzStream {
  readonly #file: string;
  readonly #options: FrameOptions;
  readonly #lines: LineReader;
  readonly #frames: XyzFrames;
  #begun = false;
  /** Whole lines that wait until there are enough, and how many. */
  #waiting: string[] = [];
  #ends = 0;
  /** Lines that are needed before it is worth looking. */
  #needed = 1;
  /** The beginning of a line. */
  #part = "";

  constructor(file: string, options: FrameOptions) {
    this.#file = file;
    this.#options = options;
    this.#lines = new LineReader("", file);
    this.#frames = new XyzFrames(this.#lines, frameRules);
  }

  *push(chunk: string): Generator<NumberedFrame, void, undefined> {
    const end = chunk.lastIndexOf("\n") + 1;
    if (end === 0) {
      this.#part += chunk;
      if (this.#part.length > longestLine) {
        const message = `line ${this.#lines.lineNumber + this.#ends + 1} has more than ${longestLine} characters`;
        throw new VoxtwirlError("bad-file", `${this.#file}: ${message}`, `Is it text? ${xyzLayout}`);
      }
      return;
    }
    this.#waiting.push(this.#part, chunk.slice(0, end));
    this.#part = chunk.slice(end);
    for (let at = 0; (at = chunk.indexOf("\n", at) + 1) > 0;) this.#ends++;
    if (this.#ends < this.#needed) return;
    this.#take();
    for (let frame; (frame = this.#next()) !== "wait";) if (frame !== "left out") yield frame;
  }

  *end(): Generator<NumberedFrame, void, undefined> {
    this.#waiting.push(this.#part);
    this.#take();
    while (this.#frames.next(true)) {
      const frame = this.#read();
      if (frame !== "left out") yield frame;
    }
    if (this.#frames.frames === 0) throw new VoxtwirlError("bad-file", `${this.#file} holds no frame`, xyzLayout);
  }

  #take(): void {
    const text = this.#waiting.join("");
    this.#lines.append(this.#begun ? text : text.replace(/^\ufeff/, ""));
    this.#begun ||= text !== "";
    this.#waiting = [];
    this.#ends = 0;
    this.#needed = 1;
  }

  #next(): NumberedFrame | "left out" | "wait" {
    const mark = this.#lines.mark();
    if (!this.#frames.next(false)) return "wait";
    const { count } = this.#frames;
    if (count > mostAtoms) {
      const fix = `Is it a number of atoms? A frame has at most ${mostAtoms} here.`;
      throw this.#lines.error(`${count} atoms are announced`, fix);
    }
    const lines = 1 + count + linesAfterAtoms;
    const left = this.#lines.left(lines);
    if (left === lines) return this.#read();
    this.#lines.reset(mark);
    this.#needed = lines - left;
    return "wait";
  }

  #read(): NumberedFrame | "left out" {
    try {
      return this.#frames.read().frame;
    } catch (fault) {
      if (!(fault instanceof Unusable)) throw fault;
      const { reason, line, message, fix } = fault;
      const record = this.#frames.frames;
      const place = line === undefined ? {} : { line };
      if (this.#options.onLeftOut === undefined) {
        const where = `${this.#file}, frame ${record}${line === undefined ? "" : `, line ${line}`}`;
        throw new VoxtwirlError("bad-file", `${where}: ${message}`, fix);
      }
      this.#options.onLeftOut({ record, ...place, message }, reason);
      return "left out";
    }
  }
}
