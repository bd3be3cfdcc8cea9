// What the formats of the built-in sets share.
import { VoxtwirlError } from "../errors.ts";
import type { Bond } from "./molecule.ts";

/** The bytes that a text holds in base64. */
export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** `count` bonds of two bytes each, little endian: five bits for either atom, then the order. */
export function unpackBonds(view: DataView, at: number, count: number): Bond[] {
  return Array.from({ length: count }, (_, i) => {
    const bits = view.getUint16(at + 2 * i, true);
    return { a: bits & 31, b: (bits >> 5) & 31, order: bits >> 10 };
  });
}

/** The error that says that data which came with the package is not as it was made. */
export function damaged(what: string): VoxtwirlError {
  return new VoxtwirlError("internal", `${what} are damaged`, "Install the package again.");
}
