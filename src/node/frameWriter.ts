import { requireIterable, requireString } from "../check.ts";
import { TextBytes } from "../formats/textBytes.ts";
import { writeXyzFrame, type WriteFrameOptions } from "../formats/xyzWriter.ts";
import type { Frame } from "../molecules/frame.ts";
import { writeNewFile } from "./newFile.ts";

const PIECE_BYTES = 2 ** 20;

/**
 * Writes frames as extended XYZ to a new file, one after another, packed by gzip where the path ends in .gz. The file
 * is there when it is whole, and nothing is left of it where something goes wrong.
 *
 * @throws VoxtwirlError "exists" where something is there, "io" when the file system refuses, and as `encodeXyzFrame`;
 *   what `frames` throws passes through
 */
export async function writeFrameFile(
  path: string,
  frames: AsyncIterable<Frame> | Iterable<Frame>,
  options: WriteFrameOptions = {},
): Promise<void> {
  requireString("path", path, "Give the path of a new file.");
  requireIterable("frames", frames, "Give frames, such as those of readFrameFile.");
  await writeNewFile(path, pieces(frames, options));
}

async function* pieces(
  frames: AsyncIterable<Frame> | Iterable<Frame>,
  options: WriteFrameOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const text = new TextBytes();
  for await (const frame of frames) {
    writeXyzFrame(text, frame, options);
    if (text.length >= PIECE_BYTES) yield text.take();
  }
  yield text.take();
}
