// The built-in sets as bytes, and as the modules that hold them.
import { createHash } from "node:crypto";
import { forceScale, positionScale } from "../../src/molecules/builtinForces.ts";
import { centred } from "../../src/molecules/molecule.ts";
import type { Framed } from "./frames.ts";
import type { Grown } from "./make.ts";

/** The bytes of the built-in set, in the format that src/molecules/builtin.ts describes. */
export function encodeMolecules(molecules: readonly Grown[]): Uint8Array {
  const bytes: number[] = [];
  const u16 = (value: number) => bytes.push(value & 255, (value >> 8) & 255);
  u16(molecules.length);
  let last = 0;
  for (const { index, molecule } of molecules) {
    const bonds = molecule.bonds!;
    bytes.push(molecule.elements.length, bonds.length);
    u16(index - last);
    last = index;
    bytes.push(...molecule.elements);
    for (const { a, b, order } of bonds) u16(a | (b << 5) | (order << 10));
    for (const value of centred(molecule.positions)) u16(Math.round(value * 1000));
  }
  return Uint8Array.from(bytes);
}

/** The bytes of the built-in frames, in the format that src/molecules/builtinForces.ts describes. */
export function encodeFrames(molecules: readonly Framed[]): Uint8Array {
  const size = ({ name, elements, bonds, frames }: Framed) =>
    5 + name.length + elements.length + 2 * bonds.length + frames.length * (8 + 18 * elements.length);
  const bytes = new Uint8Array(molecules.reduce((sum, molecule) => sum + size(molecule), 2));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const u8 = (value: number) => bytes.set([value], at++);
  const u16 = (value: number) => view.setUint16((at += 2) - 2, value, true);
  u16(molecules.length);
  for (const { name, elements, bonds, frames } of molecules) {
    u8(name.length);
    for (const character of name) u8(character.charCodeAt(0));
    u8(elements.length);
    u8(bonds.length);
    u16(frames.length);
    elements.forEach(u8);
    for (const { a, b, order } of bonds) u16(a | (b << 5) | (order << 10));
    for (const { energy, positions, forces } of frames) {
      view.setFloat64((at += 8) - 8, energy, true);
      positions.forEach((value) => u16(Math.round(value * positionScale)));
      forces.forEach((value) => view.setInt32((at += 4) - 4, Math.round(value * forceScale), true));
    }
  }
  return bytes;
}

/** The text of a .data.ts file: who made it, which file describes the bytes, and the bytes. */
export function dataModule(bytes: Uint8Array, script: string, format: string): string {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const lines = Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,118}/g)!;
  return [
    `// Made by scripts/molecules/${script}; not edited by hand. The format is described in ${format}.`,
    `export const sha256 = "${sha256}";`,
    "export const base64 = `",
    ...lines,
    "`;",
    "",
  ].join("\n");
}
