import { VoxtwirlError } from "../errors.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import { farthestFrom, sameElements } from "./sameAtoms.ts";
import { twirlMark, type TwirlMark } from "./twirlKeys.ts";

/** How many rotated frames are looked at for one that was predicted: so many may be missing or out of order. */
const window = 1000;
const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** A predicted frame, and which copy it is; undefined where that cannot be told. */
export interface MarkedFrame {
  readonly frame: NumberedFrame;
  readonly mark: TwirlMark | undefined;
}

/** Frames whose next one can be asked for. */
export async function* asGenerator(
  frames: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>,
): AsyncGenerator<NumberedFrame, void, undefined> {
  for await (const frame of frames) yield frame;
}

/** Which copies predicted frames are, by their own comment lines. */
export async function* markedByThemselves(
  predicted: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>,
): AsyncGenerator<MarkedFrame, void, undefined> {
  let first = true;
  for await (const frame of predicted) {
    const mark = twirlMark(frame);
    if (first && mark === undefined) {
      const message = `frame ${frame.number} of the predictions does not say which rotation of which frame it is`;
      const fix = "Give the rotated frames too: the program that predicted has lost the values of comment lines.";
      throw new VoxtwirlError("bad-file", message, fix);
    }
    first = false;
    yield { frame, mark };
  }
}

/**
 * Which copies predicted frames are, by the rotated frames that they were predicted from: the first that is left with
 * the same elements and positions, in the order of the files.
 */
export async function* markedByRotated(
  predicted: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>,
  rotated: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>,
  tolerance: number,
): AsyncGenerator<MarkedFrame, void, undefined> {
  const source = asGenerator(rotated);
  const left: NumberedFrame[] = [];
  for await (const frame of predicted) {
    let found: NumberedFrame | undefined;
    for (let at = 0; at < window && found === undefined; at++) {
      if (at === left.length) {
        const { value } = await source.next();
        if (value === undefined) break;
        left.push(value);
      }
      const candidate = left[at]!;
      if (!sameElements(frame, candidate) || !(farthestFrom(frame, candidate, identity) <= tolerance)) continue;
      [found] = left.splice(at, 1);
    }
    if (left.length >= window) left.shift();
    yield { frame, mark: found && requireMark(found) };
  }
}

function requireMark(frame: NumberedFrame): TwirlMark {
  const mark = twirlMark(frame);
  if (mark !== undefined) return mark;
  const message = `frame ${frame.number} of the rotated frames does not say which rotation of which frame it is`;
  throw new VoxtwirlError("bad-file", message, "Give the file that voxtwirl rotate wrote.");
}
