// Work on files of frames, for the cases that time it. No GPU has a part in it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inverseRotation, rotatePoints, so3, type Rotation } from "../src/equivariance/groups.ts";
import { measureFrames } from "../src/frames/measureFrames.ts";
import { rotateFrames } from "../src/frames/rotateFrames.ts";
import { twirlValues } from "../src/frames/twirlKeys.ts";
import type { Frame, FrameColumn, InfoValue } from "../src/molecules/frame.ts";
import { readFrameFile } from "../src/node/frameFile.ts";
import { writeFrameFile } from "../src/node/frameWriter.ts";
import { Random } from "../src/random.ts";
import type { CaseData, OpenCase, Values } from "./case.ts";

/** Frames of so many atoms, and the copies of each. */
export interface FrameShape {
  readonly frames: number;
  readonly atoms: number;
  readonly copies: number;
}

const ELEMENTS = [6, 1, 7, 8];
const DIGITS = 10;

/** Rotations of all copies, one after another, [frames copies, 9]. */
export function rotationsOf({ frames, copies }: FrameShape): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    so3()
      .sample(new Random(1), frames * copies)
      .flatMap((rotation) => [...rotation]),
  );
}

function rotationAt(rotations: Values, at: number): Rotation {
  return Array.from(rotations.subarray(9 * at, 9 * at + 9));
}

/**
 * Forces for the copies, [frames copies, atoms, 3], that turn along, and a field along the first axis that does not.
 */
export function predictionsOf(
  { frames, atoms, copies }: FrameShape,
  { forces, rotations }: { readonly forces: Values; readonly rotations: Values },
): Float32Array<ArrayBuffer> {
  const size = 3 * atoms;
  const all = new Float32Array(frames * copies * size);
  for (let at = 0; at < frames * copies; at++) {
    const frame = Math.floor(at / copies);
    const own = rotatePoints(rotationAt(rotations, at), Float64Array.from(slice(forces, frame, size)));
    for (let i = 0; i < size; i += 3) own[i]! += 0.3;
    all.set(own, at * size);
  }
  return all;
}

/** Sums of squares of the copies' coordinates: no rotation changes them. */
export function squaresOf({ frames, atoms, copies }: FrameShape, positions: Values): number[] {
  return Array.from({ length: frames }, (_, i) =>
    slice(positions, i, 3 * atoms).reduce((sum, value) => sum + copies * value * value, 0),
  );
}

/** lossTotal, lossMean and lossEquiv of the forces, in float64. */
export function termsOf({ frames, atoms, copies }: FrameShape, data: CaseData): number[] {
  const [forces, predictions, rotations] = ["forces", "predictions", "rotations"].map((name) => data.get(name)!);
  const size = 3 * atoms;
  let [total, equiv] = [0, 0];
  for (let frame = 0; frame < frames; frame++) {
    const label = slice(forces!, frame, size);
    const back = Array.from({ length: copies }, (_, copy) => {
      const at = frame * copies + copy;
      return rotatePoints(
        inverseRotation(rotationAt(rotations!, at)),
        Float64Array.from(slice(predictions!, at, size)),
      );
    });
    for (let e = 0; e < size; e++) {
      const mean = back.reduce((sum, one) => sum + one[e]!, 0) / copies;
      for (const one of back) {
        total += (one[e]! - label[e]!) ** 2 / copies;
        equiv += (one[e]! - mean) ** 2 / (copies - 1);
      }
    }
  }
  return [total, total - equiv, equiv].map((sum) => sum / (frames * size));
}

function slice(values: Values, at: number, size: number): Float32Array {
  return values.subarray(at * size, (at + 1) * size) as Float32Array;
}

/** Copies of the frames in random rotations, from file to file. */
export async function openRotateFrames(shape: FrameShape, data: CaseData): Promise<OpenCase> {
  const folder = await originals(shape, data);
  const rotated = join(folder, "rotated.xyz");
  return {
    ...plain(folder),
    async run() {
      await rm(rotated, { force: true });
      const frames = readFrameFile(join(folder, "originals.xyz"));
      const copies = rotateFrames(frames, { group: so3, twirl: shape.copies, seed: 1 });
      await writeFrameFile(rotated, copies, { digits: DIGITS });
    },
    async outputs() {
      const squares = new Float64Array(shape.frames);
      let at = 0;
      for await (const { positions } of readFrameFile(rotated)) {
        squares[Math.floor(at++ / shape.copies)]! += positions.reduce((sum, value) => sum + value * value, 0);
      }
      return new Map([["squares", squares]]);
    },
  };
}

/** Predictions for copies, read back and decomposed. */
export async function openMeasureFrames(shape: FrameShape, data: CaseData): Promise<OpenCase> {
  const folder = await originals(shape, data);
  const predicted = join(folder, "predicted.xyz");
  await writeFrameFile(predicted, predictedFrames(shape, data));
  let terms: readonly number[] = [];
  return {
    ...plain(folder),
    async run() {
      const original = readFrameFile(join(folder, "originals.xyz"));
      const found = await measureFrames({ original, predicted: readFrameFile(predicted) });
      const { lossTotal, lossMean, lossEquiv } = found.terms.forces!;
      terms = [lossTotal, lossMean, lossEquiv];
    },
    outputs: () => Promise.resolve(new Map([["terms", terms]])),
  };
}

function plain(folder: string) {
  return {
    compileMs: 0,
    variant: "frame by frame",
    sets: 1,
    untimed: true as const,
    destroy: () => void rm(folder, { recursive: true, force: true }),
  };
}

/** A folder with the frames and their labels. */
async function originals(shape: FrameShape, data: CaseData): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "voxtwirl-frames-"));
  await writeFrameFile(join(folder, "originals.xyz"), labelledFrames(shape, data));
  return folder;
}

function* labelledFrames({ frames, atoms }: FrameShape, data: CaseData): Generator<Frame> {
  const [positions, forces] = [data.get("positions")!, data.get("forces")!];
  for (let i = 0; i < frames; i++) {
    yield frameOf(atoms, slice(positions, i, 3 * atoms), slice(forces, i, 3 * atoms), []);
  }
}

function* predictedFrames({ frames, atoms, copies }: FrameShape, data: CaseData): Generator<Frame> {
  const [positions, predictions] = [data.get("positions")!, data.get("predictions")!];
  for (let at = 0; at < frames * copies; at++) {
    const frame = Math.floor(at / copies);
    const rotation = rotationAt(data.get("rotations")!, at);
    const places = rotatePoints(rotation, Float64Array.from(slice(positions, frame, 3 * atoms)));
    const mark = twirlValues({ frame: frame + 1, copy: 1 + (at % copies), copies, rotation, group: "so3" });
    yield frameOf(atoms, places, slice(predictions, at, 3 * atoms), mark);
  }
}

function frameOf(
  atoms: number,
  positions: Float32Array | Float64Array,
  forces: Float32Array,
  info: readonly (readonly [string, InfoValue])[],
): Frame {
  const column: FrameColumn = { kind: "R", width: 3, values: Float64Array.from(forces) };
  return {
    elements: Uint8Array.from({ length: atoms }, (_, i) => ELEMENTS[i % ELEMENTS.length]!),
    positions: Float64Array.from(positions),
    arrays: new Map([["forces", column]]),
    info: new Map([["energy", 0.5], ...info]),
  };
}
