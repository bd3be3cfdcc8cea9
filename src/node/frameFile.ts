import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable, pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { requireString } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { openNpzFrames } from "../formats/npz.ts";
import type { NpzFrames } from "../formats/npzFrames.ts";
import { Unusable } from "../formats/records.ts";
import { readXyzFrames, type FrameOptions } from "../formats/xyzStream.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import { builtinFrames } from "./builtinFrames.ts";
import { KIND_BYTES } from "./fileKind.ts";
import { foreignBytes, foreignText } from "./foreignKinds.ts";
import { asBadFile, encodingOf, inflate, isGzip, isNpz, standardInput } from "./moleculeBytes.ts";
import { isBuiltin } from "../molecules/builtinNames.ts";

/** How a file of frames is read. */
export interface ReadFramesOptions extends FrameOptions {
  /** Most bytes of an .npz file, and of its arrays; 1 GiB by default. Text has no limit. */
  limit?: number | undefined;
}

/** What a path was found to hold. */
export type OpenFrames =
  | { readonly kind: "xyz"; readonly frames: Frames }
  | { readonly kind: "npz"; readonly frames: Frames; readonly arrays: NpzFrames };

type Frames = AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>;

const PIECE_BYTES = 2 ** 20;
const defaultLimit = 2 ** 30;

/**
 * The frames of a file, one after another: XYZ and extended XYZ of any size in the memory of a few frames, packed by
 * gzip in one member or several, in UTF-8 or UTF-16, also from a pipe or /dev/stdin; .npz archives, which are read
 * whole. "builtin" and "builtin-forces" stand for the built-in sets.
 *
 * @throws VoxtwirlError "bad-file" where the file is missing or cannot be read, is of another kind, or as
 *   `readXyzFrames` and `openNpzFrames`
 */
export async function* readFrameFile(
  path: string,
  options: ReadFramesOptions = {},
): AsyncGenerator<NumberedFrame, void, undefined> {
  yield* (await openFrameFile(path, options)).frames;
}

/** `readFrameFile`, and of which kind the file is. @throws VoxtwirlError as it does */
export async function openFrameFile(path: string, options: ReadFramesOptions = {}): Promise<OpenFrames> {
  requireString("path", path, "Give the path of an XYZ or .npz file.");
  if (isBuiltin(path)) return { kind: "xyz", frames: builtinFrames(path) };
  const info = await asBadFile(path, () => stat(path));
  if (info.isDirectory()) throw new VoxtwirlError("bad-file", `${path} is a folder`, "Give one file of frames.");
  const { first, pieces } = await begun(unpackedPieces(path), path);
  if (isNpz(first, path)) {
    const bytes = await wholeOf(pieces, path, options.limit ?? defaultLimit);
    const arrays = await openNpzFrames(bytes, basename(path), { limit: options.limit, inflate });
    return { kind: "npz", frames: npzFrames(arrays, path, options), arrays };
  }
  const kind = foreignBytes(first);
  if (kind !== undefined) throw new VoxtwirlError("bad-file", `${path} is ${kind.name}, not text`, kind.fix);
  return { kind: "xyz", frames: textFrames(first, pieces, path, options) };
}

async function* textFrames(first: Buffer, pieces: AsyncIterable<Buffer>, path: string, options: FrameOptions) {
  const decoder = new TextDecoder(encodingOf(first, path));
  let any = false;
  try {
    for await (const frame of readXyzFrames(decoded(pieces, decoder), basename(path), options)) {
      any = true;
      yield frame;
    }
  } catch (error) {
    const kind = any ? undefined : foreignText(first.toString("utf8"));
    if (kind === undefined || !(error instanceof VoxtwirlError)) throw error;
    throw new VoxtwirlError("bad-file", `${path} is ${kind.name}`, kind.fix, { cause: error });
  }
}

async function* decoded(pieces: AsyncIterable<Buffer>, decoder: TextDecoder): AsyncGenerator<string> {
  for await (const piece of pieces) yield decoder.decode(piece, { stream: true });
  yield decoder.decode();
}

async function* npzFrames(arrays: NpzFrames, path: string, { onLeftOut }: FrameOptions) {
  let found = 0;
  for (let i = 0; i < arrays.count; i++) {
    let frame: NumberedFrame;
    try {
      frame = arrays.frame(i);
    } catch (fault) {
      if (!(fault instanceof Unusable)) throw fault;
      if (onLeftOut === undefined) {
        throw new VoxtwirlError("bad-file", `${basename(path)}, frame ${i + 1}: ${fault.message}`, fault.fix);
      }
      onLeftOut({ record: i + 1, message: fault.message }, fault.reason);
      continue;
    }
    found++;
    yield frame;
    // So that signals and timers get their turn.
    if (found % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (arrays.count === 0) {
    throw new VoxtwirlError("bad-file", `${basename(path)} holds no frame`, "Is it the right file?");
  }
}

/** The bytes of a file, unpacked where it begins as gzip does. */
async function* unpackedPieces(path: string): AsyncGenerator<Buffer, void, undefined> {
  const { first, pieces } = await begun(rawPieces(path), path);
  if (!isGzip(first)) {
    yield* pieces;
    return;
  }
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  const unpacked = pipeline(Readable.from(pieces), gunzip, () => undefined);
  try {
    yield* unpacked as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof VoxtwirlError) throw error;
    const message = `${path} is not a whole gzip file: ${(error as Error).message}`;
    const fix = "Is it cut off, or is something else after it? Copy or download it again.";
    throw new VoxtwirlError("bad-file", message, fix, { cause: error });
  }
}

async function* rawPieces(path: string): AsyncGenerator<Buffer, void, undefined> {
  const source = standardInput.has(path) ? process.stdin : createReadStream(path, { highWaterMark: PIECE_BYTES });
  const pieces = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  try {
    for (;;) {
      const { value } = await asBadFile(path, () => pieces.next());
      if (value === undefined) return;
      yield value;
    }
  } finally {
    source.destroy();
  }
}

/** The first bytes of a file, as many as tell its kind, and all of its pieces. */
async function begun(
  pieces: AsyncGenerator<Buffer>,
  path: string,
): Promise<{ first: Buffer; pieces: AsyncIterable<Buffer> }> {
  const taken: Buffer[] = [];
  for (let size = 0; size < KIND_BYTES;) {
    const { value } = (await pieces.next()) as IteratorResult<Buffer, undefined>;
    if (value === undefined) break;
    taken.push(value);
    size += value.length;
  }
  const first = Buffer.concat(taken);
  if (first.length === 0) {
    throw new VoxtwirlError("bad-file", `${path} is empty`, "Is it the right file, and was it written to its end?");
  }
  return {
    first,
    pieces: (async function* () {
      yield first;
      yield* pieces;
    })(),
  };
}

async function wholeOf(pieces: AsyncIterable<Buffer>, path: string, limit: number): Promise<Buffer> {
  const all: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > limit) {
      throw new VoxtwirlError(
        "bad-file",
        `${path} holds more than ${limit} bytes`,
        "Split the file, or write it as extended XYZ.",
      );
    }
    all.push(piece);
  }
  return Buffer.concat(all);
}
