import { requireArray, requireMethod } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { npyHead, type NpyType } from "../formats/npyHead.ts";
import type { NpzFrames } from "../formats/npzFrames.ts";
import { zipStream, type ZipPart } from "../formats/zipWriter.ts";
import type { Frame } from "../molecules/frame.ts";
import { frameRotator, type RotateFramesOptions } from "./rotateFrames.ts";

/**
 * Rotated copies of the frames of an .npz file as such a file, piece by piece: atomic numbers, positions, cell and pbc
 * under the names they have, in float64, copies of a frame one after another; `twirl_frame` (copies), from 1, and
 * `twirl_rotation` (copies, 3, 3), active. Labels are left out.
 *
 * @param used which frames, from 0, as some cannot be used
 * @throws VoxtwirlError as `rotateFrames`; Unusable for a frame that cannot be used
 */
export function rotatedNpz(
  source: NpzFrames,
  used: readonly number[],
  options: RotateFramesOptions,
): Generator<Uint8Array, void, undefined> {
  requireMethod("source", source, "frame", "Give the frames of openNpzFrames.");
  requireArray("used", used, "Give the numbers of frames, from 0.");
  if (used.length === 0) throw new VoxtwirlError("bad-option", "no frame is used", "Give at least one.");
  const { atoms, own, names } = source;
  const { twirl } = frameRotator(options);
  const count = used.length * twirl;
  // The rotations are drawn anew for each array, and names are told with the last.
  const quiet = { ...options, onNames: undefined };
  const pieces = (given: RotateFramesOptions, size: number, of: (copy: Frame) => ArrayLike<number>) => () =>
    copyPieces(source, used, given, size, of);
  const first = source.frame(used[0]!);
  const parts: ZipPart[] = [
    part(names.numbers, "<i8", own ? [count, atoms] : [atoms], function* () {
      if (!own) yield whole(first.elements, atoms);
      else for (const i of used) for (let k = 0; k < twirl; k++) yield whole(source.frame(i).elements, atoms);
    }),
    part("twirl_frame.npy", "<i8", [count], function* () {
      for (const i of used) yield whole(new Array<number>(twirl).fill(i + 1), twirl);
    }),
    part("twirl_rotation.npy", "<f8", [count, 3, 3], function* () {
      const rotator = frameRotator(options);
      for (let i = 0; i < used.length; i++) yield bytesOf(Float64Array.from(rotator.rotations().flat()));
    }),
    ...(names.pbc === undefined
      ? []
      : [
          part(names.pbc, "|b1", [count, 3], function* () {
            for (const i of used) {
              const { pbc } = source.frame(i);
              for (let k = 0; k < twirl; k++) yield Uint8Array.from(pbc!, Number);
            }
          }),
        ]),
    ...(names.cells === undefined
      ? []
      : [
          part(
            names.cells,
            "<f8",
            [count, 3, 3],
            pieces(quiet, 9, ({ cell }) => cell!),
          ),
        ]),
    part(
      names.positions,
      "<f8",
      [count, atoms, 3],
      pieces(options, 3 * atoms, ({ positions }) => positions),
    ),
  ];
  return zipStream(parts);
}

function* copyPieces(
  source: NpzFrames,
  used: readonly number[],
  options: RotateFramesOptions,
  size: number,
  of: (copy: Frame) => ArrayLike<number>,
): Generator<Uint8Array, void, undefined> {
  const rotator = frameRotator(options);
  for (const i of used) {
    for (const copy of rotator.copies(source.frame(i))) {
      const values = new Float64Array(size);
      values.set(of(copy));
      yield bytesOf(values);
    }
  }
  rotator.end();
}

function part(name: string, type: NpyType, shape: readonly number[], pieces: () => Iterable<Uint8Array>): ZipPart {
  return {
    name,
    pieces: (function* () {
      yield npyHead(shape, type);
      yield* pieces();
    })(),
  };
}

/** Whole numbers of 64 bits, filled up with zeros. */
function whole(values: ArrayLike<number>, size: number): Uint8Array {
  const numbers = new BigInt64Array(size);
  for (let i = 0; i < values.length; i++) numbers[i] = BigInt(values[i]!);
  return new Uint8Array(numbers.buffer);
}

function bytesOf(values: Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
