import { base64, sha256 } from "./builtinForces.data.ts";
import type { Molecule } from "./molecule.ts";
import { bytesOf, damaged, unpackBonds } from "./packed.ts";

/** SHA-256 of the bytes of the built-in frames, in hexadecimal: the identity of the data in a run's configuration. */
export const builtinForcesSha256: string = sha256;

/** Stored units in an Angstrom, and in an eV/Angstrom. */
export const positionScale = 1e3;
export const forceScale = 1e8;

/**
 * The built-in frames: small molecules of C H N O F as they move at 500 K, each frame a chain of its own from the
 * minimum, turned by a rotation drawn evenly from all (Haar measure), with energy and forces of the force field MMFF94
 * (scripts/molecules/forces.ts). The frames of one molecule follow one another, with its atoms in the same order; the
 * name is `builtin-`, the molecule's, and the frame's number from 0.
 *
 * Positions are in Angstrom to 0.001, centred to that; energy and forces are those at the positions given. Energies are
 * MMFF94's own, in eV: those of different molecules have no common zero that their atoms would explain. Forces are in
 * eV/Angstrom, exact to 5e-9 (half of what they are rounded to): 1.07 in root mean square, at most 7.6.
 */
export function builtinForceFrames(): Molecule[] {
  return decodeFrames(builtinForcesBytes());
}

/** The bytes that `builtinForcesSha256` is taken of. */
export function builtinForcesBytes(): Uint8Array {
  return bytesOf(base64);
}

/**
 * Decodes the format of the built-in frames, little endian: u16 number of molecules; for each u8 length of its name,
 * the name in ASCII, u8 atoms, u8 bonds, u16 frames, u8 atomic number per atom, u16 per bond (5 bits each for the two
 * atoms, then the order); for each of its frames f64 energy in eV, i16 x y z per atom in 0.001 A, i32 x y z of the
 * force on each atom in 1e-8 eV/A.
 */
export function decodeFrames(bytes: Uint8Array): Molecule[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoded: Molecule[] = [];
  let at = 0;
  // Where the next `length` bytes begin; `at` is then where they end.
  const take = (length: number) => {
    at += length;
    if (at > bytes.length) throw damaged("the built-in frames");
    return at - length;
  };
  for (let left = view.getUint16(take(2), true); left > 0; left--) {
    const letters = bytes[take(1)]!;
    const name = String.fromCharCode(...bytes.subarray(take(letters), at));
    const atoms = bytes[take(1)]!;
    const bondCount = bytes[take(1)]!;
    const frames = view.getUint16(take(2), true);
    const elements = bytes.slice(take(atoms), at);
    const bondsAt = take(2 * bondCount);
    for (let frame = 0; frame < frames; frame++) {
      const energy = view.getFloat64(take(8), true);
      const p = take(6 * atoms);
      const f = take(12 * atoms);
      decoded.push({
        name: `builtin-${name}-${frame}`,
        elements: elements.slice(),
        positions: Float64Array.from({ length: 3 * atoms }, (_, i) => view.getInt16(p + 2 * i, true) / positionScale),
        bonds: unpackBonds(view, bondsAt, bondCount),
        energy,
        forces: Float64Array.from({ length: 3 * atoms }, (_, i) => view.getInt32(f + 4 * i, true) / forceScale),
      });
    }
  }
  if (at !== bytes.length) throw damaged("the built-in frames");
  return decoded;
}
