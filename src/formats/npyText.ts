import { npyFrame } from "./npyArray.ts";
import { parseNpyHeader, type Fail } from "./npyHeader.ts";

/**
 * The text of an .npy file that holds a single one, as numpy.savez writes a string: four bytes a character, or one.
 * Undefined where it holds something else.
 *
 * @throws what `fail` throws where the bytes are no .npy file
 */
export function decodeNpyText(bytes: Uint8Array, fail: Fail): string | undefined {
  const { prefix, dataStart } = npyFrame(bytes, fail);
  const { descr, shape } = parseNpyHeader(new TextDecoder("latin1").decode(bytes.subarray(prefix, dataStart)), fail);
  const type = /^([<>=|]?)([US])\d{1,4}$/.exec(descr);
  if (type === null || shape.some((size) => size !== 1)) return undefined;
  const data = bytes.subarray(dataStart);
  const text = type[2] === "S" ? new TextDecoder().decode(data) : wide(data, type[1] !== ">");
  return text.replace(/\0+$/, "");
}

function wide(data: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let text = "";
  for (let at = 0; at + 4 <= data.length; at += 4) {
    const code = view.getUint32(at, littleEndian);
    text += String.fromCodePoint(code <= 0x10ffff ? code : 0xfffd);
  }
  return text;
}
