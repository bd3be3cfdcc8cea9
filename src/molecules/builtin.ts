import { base64, sha256 } from "./builtin.data.ts";
import type { Molecule } from "./molecule.ts";
import { bytesOf, damaged, unpackBonds } from "./packed.ts";

/** SHA-256 of the built-in set's bytes, in hexadecimal: the identity of the data in a run's configuration. */
export const builtinSha256: string = sha256;

/**
 * The built-in molecules: distinct small molecules of up to nine heavy atoms of C N O F with explicit hydrogens, each
 * within an 8 A box, grown by chance under chemical rules and minimised with the force field MMFF94
 * (scripts/molecules/main.ts). Positions are in Angstrom to 0.001, centred; bonds have orders 1 to 3. The name is
 * `builtin-` and the number under which the molecule grew.
 */
export function builtinMolecules(): Molecule[] {
  return decodeMolecules(builtinBytes());
}

/** The bytes that `builtinSha256` is taken of. */
export function builtinBytes(): Uint8Array {
  return bytesOf(base64);
}

/**
 * Decodes the format of the built-in set, little endian: u16 number of molecules; for each u8 atoms, u8 bonds, u16
 * growth number less that of the molecule before, u8 atomic number per atom, u16 per bond (5 bits each for the two
 * atoms, then the order), i16 x y z per atom in 0.001 A.
 */
export function decodeMolecules(bytes: Uint8Array): Molecule[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 2;
  let index = 0;
  const molecules = Array.from({ length: view.getUint16(0, true) }, (): Molecule => {
    const atoms = view.getUint8(at);
    const bondCount = view.getUint8(at + 1);
    index += view.getUint16(at + 2, true);
    at += 4;
    const elements = bytes.slice(at, at + atoms);
    at += atoms;
    const bonds = unpackBonds(view, at, bondCount);
    at += 2 * bondCount;
    const positions = Float64Array.from({ length: 3 * atoms }, (_, i) => view.getInt16(at + 2 * i, true) / 1000);
    at += 6 * atoms;
    return { name: `builtin-${index}`, elements, positions, bonds };
  });
  if (at !== bytes.length) throw damaged("the built-in molecules");
  return molecules;
}
