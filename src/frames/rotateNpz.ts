import { requireMethod } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { npyHead, type NpyType } from "../formats/npyHead.ts";
import type { NpzSource } from "../formats/npzFrames.ts";
import { zipStream, type ZipPart } from "../formats/zipWriter.ts";
import type { Frame, NumberedFrame } from "../molecules/frame.ts";
import { numberOfKind } from "./repeats.ts";
import { frameRotator, type RotateFramesOptions } from "./rotateFrames.ts";
import { twirlMark, type TwirlMark } from "./twirlKeys.ts";

/** Bytes of an array that are handed out at a time, at least. */
const PIECE_BYTES = 2 ** 16;

/**
 * Rotated copies of the frames of an .npz file as such a file, piece by piece: atomic numbers, positions, cell and pbc
 * under the names they have, in float64, copies of a frame one after another. Which they are is in `twirl_frame`, from
 * 1, `twirl_copy`, from 1, and `twirl_copies` (copies); `twirl_rotation` (copies, 3, 3), active; `twirl_group`, a text,
 * and of a `matrixGroup` `twirl_order`. With `repeats` or `nearAxes` also `twirl_repeat` (copies): 0 for a rotation, 1
 * to 6 for identity, jitter, jitter single, near x, near y and near z; and `twirl_angle` (copies), NaN where there is
 * none. Labels are left out.
 *
 * Frames are gone through once for each array, and none are kept.
 *
 * @param source the frames of `openNpzFrames`, or others that can be gone through again
 * @throws VoxtwirlError as `rotateFrames`, "bad-option" where there is no frame that can be used
 */
export function rotatedNpz(
  source: NpzSource,
  options: RotateFramesOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  requireMethod("source", source, "frames", "Give the frames of openNpzFrames.");
  // Refuses options that are none.
  frameRotator(options);
  return written(source, options);
}

async function* written(source: NpzSource, options: RotateFramesOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { atoms, own, names } = source;
  // Names are told with the last array.
  const quiet = { ...options, onNames: undefined };
  let count = 0;
  let first: { frame: NumberedFrame; mark: TwirlMark } | undefined;
  for await (const [copy, frame] of copiesOf(source, quiet)) {
    first ??= { frame, mark: twirlMark(copy)! };
    count++;
  }
  if (first === undefined) throw new VoxtwirlError("bad-option", "no frame is used", "Give at least one.");
  const { elements } = first.frame;
  const { group, order } = first.mark;
  const part = (
    name: string,
    type: NpyType,
    shape: readonly number[],
    of: (copy: Frame, mark: TwirlMark) => Uint8Array,
  ) => arrayPart(name, type, [count, ...shape], copyBytes(source, name === names.positions ? options : quiet, of));
  const marked = (name: string, of: (mark: TwirlMark) => number) =>
    part(name, "<i8", [], (_, mark) => wholeNumbers([of(mark)], 1));
  const parts: ZipPart[] = [
    own
      ? part(names.numbers, "<i8", [atoms], (copy) => wholeNumbers(copy.elements, atoms))
      : arrayPart(names.numbers, "<i8", [atoms], [wholeNumbers(elements, atoms)]),
    marked("twirl_frame.npy", ({ frame }) => frame),
    marked("twirl_copy.npy", ({ copy }) => copy),
    marked("twirl_copies.npy", ({ copies }) => copies),
    part("twirl_rotation.npy", "<f8", [3, 3], (_, { rotation }) => float64(rotation, 9)),
    ...(group === undefined ? [] : [textPart("twirl_group.npy", group)]),
    ...(order === undefined ? [] : [arrayPart("twirl_order.npy", "<i8", [], [wholeNumbers([order], 1)])]),
    ...(options.repeats || options.nearAxes
      ? [
          marked("twirl_repeat.npy", ({ repeat }) => (repeat === undefined ? 0 : numberOfKind(repeat.kind))),
          part("twirl_angle.npy", "<f8", [], (_, { repeat }) => float64([repeat?.angle ?? NaN], 1)),
        ]
      : []),
    ...(names.pbc === undefined ? [] : [part(names.pbc, "|b1", [3], ({ pbc }) => Uint8Array.from(pbc!, Number))]),
    ...(names.cells === undefined ? [] : [part(names.cells, "<f8", [3, 3], ({ cell }) => float64(cell!, 9))]),
    part(names.positions, "<f8", [atoms, 3], ({ positions }) => float64(positions, 3 * atoms)),
  ];
  yield* zipStream(parts);
}

/** Copies of all frames: the same each time. */
async function* copiesOf(
  source: NpzSource,
  options: RotateFramesOptions,
): AsyncGenerator<readonly [copy: Frame, of: NumberedFrame], void, undefined> {
  const rotator = frameRotator(options);
  for await (const frame of source.frames()) for (const copy of rotator.copies(frame)) yield [copy, frame];
  rotator.end();
}

async function* copyBytes(
  source: NpzSource,
  options: RotateFramesOptions,
  of: (copy: Frame, mark: TwirlMark) => Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const [copy] of copiesOf(source, options)) yield of(copy, twirlMark(copy)!);
}

function arrayPart(
  name: string,
  type: NpyType,
  shape: readonly number[],
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): ZipPart {
  return { name, pieces: gathered(npyHead(shape, type), pieces) };
}

/** A single text, as numpy.savez writes a string. */
function textPart(name: string, text: string): ZipPart {
  const codes = Uint32Array.from(text, (letter) => letter.codePointAt(0)!);
  return arrayPart(name, `<U${codes.length}`, [], [new Uint8Array(codes.buffer)]);
}

async function* gathered(
  head: Uint8Array,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = [head];
  let size = head.length;
  for await (const piece of pieces) {
    waiting.push(piece);
    size += piece.length;
    if (size < PIECE_BYTES) continue;
    yield joined(waiting, size);
    [waiting, size] = [[], 0];
  }
  yield joined(waiting, size);
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Whole numbers of 64 bits, filled up with zeros. */
function wholeNumbers(values: ArrayLike<number>, size: number): Uint8Array {
  const numbers = new BigInt64Array(size);
  for (let i = 0; i < values.length; i++) numbers[i] = BigInt(values[i]!);
  return new Uint8Array(numbers.buffer);
}

function float64(values: ArrayLike<number>, size: number): Uint8Array {
  const numbers = new Float64Array(size);
  numbers.set(values);
  return new Uint8Array(numbers.buffer);
}
