import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable, pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { requireString } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { openNpzFrames } from "../formats/npz.ts";
import type { NpzFrames, NpzSource } from "../formats/npzFrames.ts";
import { Unusable } from "../formats/records.ts";
import { readXyzFrames, type FrameOptions } from "../formats/xyzStream.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import { builtinFrames } from "./builtinFrames.ts";
import { withFile } from "./files.ts";
import { KIND_BYTES } from "./fileKind.ts";
import { foreignBytes, foreignText } from "./foreignKinds.ts";
import { asBadFile, encodingOf, inflate, isGzip, isNpz, standardInput } from "./moleculeBytes.ts";
import { openNpzFile } from "./npzFile.ts";
import { isBuiltin } from "../molecules/builtinNames.ts";

/** How a file of frames is read. */
export interface ReadFramesOptions extends FrameOptions {
  /**
   * Most bytes of an .npz file that is packed again or comes from a pipe, and of arrays in Fortran order; 1 GiB by
   * default. Others are read row by row, and text has no limit.
   */
  limit?: number | undefined;
}

/** What a path was found to hold. */
export type OpenFrames =
  | { readonly kind: "xyz"; readonly frames: Frames }
  | { readonly kind: "npz"; readonly frames: Frames; readonly source: NpzSource };

type Frames = AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>;

const PIECE_BYTES = 2 ** 20;
const defaultLimit = 2 ** 30;

/**
 * The frames of a file, one after another: XYZ and extended XYZ of any size in the memory of a few frames, packed by
 * gzip in one member or several, in UTF-8 or UTF-16, also from a pipe or /dev/stdin; .npz archives, likewise, or
 * whole from a pipe. "builtin" and "builtin-forces" stand for the built-in sets.
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
  const limit = options.limit ?? defaultLimit;
  if (info.isFile() && isNpz(await withFile(path, ({ read }) => read(0, KIND_BYTES)), path)) {
    const archive = await openNpzFile(path, basename(path), limit);
    return npzOpened(archive, () => archive.blocks(), path, options);
  }
  const { first, pieces } = await begun(unpackedPieces(path), path);
  if (isNpz(first, path)) {
    const bytes = await wholeOf(pieces, path, limit);
    const arrays = await openNpzFrames(bytes, basename(path), { limit: options.limit, inflate });
    return npzOpened(arrays, () => [arrays], path, options);
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

type Blocks = () => AsyncIterable<NpzFrames> | Iterable<NpzFrames>;

function npzOpened(of: Omit<NpzSource, "frames">, blocks: Blocks, path: string, options: FrameOptions): OpenFrames {
  const { atoms, own, names } = of;
  // What is left out is told once.
  const frames = () =>
    npzFrames(blocks(), path, { ...options, ...(options.onLeftOut && { onLeftOut: () => undefined }) });
  return { kind: "npz", frames: npzFrames(blocks(), path, options), source: { atoms, own, names, frames } };
}

async function* npzFrames(blocks: ReturnType<Blocks>, path: string, { onLeftOut }: FrameOptions) {
  let found = 0;
  let record = 0;
  for await (const block of blocks) {
    for (let i = 0; i < block.count; i++) {
      record++;
      let frame: NumberedFrame;
      try {
        frame = block.frame(i);
      } catch (fault) {
        if (!(fault instanceof Unusable)) throw fault;
        if (onLeftOut === undefined) {
          throw new VoxtwirlError("bad-file", `${basename(path)}, frame ${record}: ${fault.message}`, fault.fix);
        }
        onLeftOut({ record, message: fault.message }, fault.reason);
        continue;
      }
      found++;
      yield frame;
      // So that signals and timers get their turn.
      if (found % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  if (record === 0) throw new VoxtwirlError("bad-file", `${basename(path)} holds no frame`, "Is it the right file?");
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
