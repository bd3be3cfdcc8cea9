import { rotatePoints, type Rotation } from "../../src/equivariance/groups.ts";
import { rotateFrames, type RotateFramesOptions } from "../../src/frames/rotateFrames.ts";
import { twirlMark } from "../../src/frames/twirlKeys.ts";
import type { Frame, FrameColumn, InfoValue, NumberedFrame } from "../../src/molecules/frame.ts";
import { Random } from "../../src/random.ts";

/** What a program predicts for a copy. */
export interface Predicted {
  readonly info?: Readonly<Record<string, InfoValue>>;
  readonly arrays?: Readonly<Record<string, ArrayLike<number>>>;
}

/** Vectors of atoms. */
export const column = (values: ArrayLike<number>): FrameColumn => ({
  kind: "R",
  width: 3,
  values: Float64Array.from(values),
});

/** Frames of 2, 3, 4, 2, ... atoms with labels drawn at random, in no units. */
export function labelledFrames(count: number, seed = 5): NumberedFrame[] {
  const random = new Random(seed);
  const draws = (size: number) => Float64Array.from({ length: size }, () => random.normal());
  return Array.from({ length: count }, (_, i) => {
    const atoms = 2 + (i % 3);
    const stress = draws(6);
    return {
      number: i + 1,
      elements: Uint8Array.from({ length: atoms }, (_, a) => (a === 0 ? 8 : 1)),
      positions: draws(3 * atoms),
      arrays: new Map([["forces", column(draws(3 * atoms))]]),
      info: new Map<string, InfoValue>([
        ["energy", -2000 - 13 * atoms + random.normal()],
        ["stress", [...stress]],
        ["dipole", [...draws(3)]],
      ]),
    };
  });
}

/** Rotated copies with what a program predicts for them. */
export async function predictedFrames(
  frames: readonly NumberedFrame[],
  options: RotateFramesOptions,
  program: (rotation: Rotation, original: NumberedFrame, copy: Frame) => Predicted,
): Promise<NumberedFrame[]> {
  const copies: NumberedFrame[] = [];
  for await (const copy of rotateFrames(frames, options)) {
    const { frame, rotation } = twirlMark(copy)!;
    const { info = {}, arrays = {} } = program(
      rotation,
      frames.find(({ number }) => number === frame)!,
      copy,
    );
    copies.push({
      ...copy,
      number: copies.length + 1,
      info: new Map([...copy.info, ...Object.entries(info)]),
      arrays: new Map([
        ...copy.arrays,
        ...Object.entries(arrays).map(([name, values]) => [name, column(values)] as const),
      ]),
    });
  }
  return copies;
}

export function forcesOf(frame: NumberedFrame): Float64Array {
  return frame.arrays.get("forces")!.values as Float64Array;
}

/** Forces as they should be for a copy, and a field along z that does not turn. */
export function withField(rotation: Rotation, forces: Float64Array, field: number): Float64Array {
  return rotatePoints(rotation, forces).map((value, i) => value + (i % 3 === 2 ? field : 0));
}
