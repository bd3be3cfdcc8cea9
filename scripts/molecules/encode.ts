// The built-in set as bytes, and as the module that holds them.
import { createHash } from "node:crypto";
import { centred } from "../../src/molecules/molecule.ts";
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

/** The text of src/molecules/builtin.data.ts. */
export function dataModule(bytes: Uint8Array): string {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const lines = Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,118}/g)!;
  return [
    "// Made by scripts/molecules/main.ts; not edited by hand. The format is described in builtin.ts.",
    `export const sha256 = "${sha256}";`,
    "export const base64 = `",
    ...lines,
    "`;",
    "",
  ].join("\n");
}
