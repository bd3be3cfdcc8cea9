import { VoxtwirlError } from "../errors.ts";

/**
 * Unpacks raw deflate data by the host's own DecompressionStream, and stops where they go on beyond `size`.
 *
 * @throws VoxtwirlError "unsupported" where the host has none; what it says of bytes that are no such data
 */
export async function inflateRaw(packed: Uint8Array, size: number): Promise<Uint8Array> {
  const data = new Uint8Array(size);
  let at = 0;
  const unpacked = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(deflateStream());
  const reader = unpacked.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return data.subarray(0, at);
    if (at + value.length > size) {
      await reader.cancel();
      throw new Error(`they go on beyond ${size} bytes`);
    }
    data.set(value, at);
    at += value.length;
  }
}

function deflateStream(): DecompressionStream {
  try {
    return new DecompressionStream("deflate-raw");
  } catch (error) {
    const message = "this host's DecompressionStream does not know deflate-raw";
    const fix = "Give `inflate`, or write the file with numpy.savez, which does not pack.";
    throw new VoxtwirlError("unsupported", message, fix, { cause: error });
  }
}
