import { requireFunction, requireIterable, requireObject, requirePositive } from "../check.ts";
import type { LabelNames } from "../formats/frameLabels.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import { CollectedFrame, nameOfCopy } from "./collectedFrame.ts";
import { asGenerator, markedByRotated, markedByThemselves } from "./matchRotated.ts";
import type { RotatedFault, RotatedStructure } from "./rotatedStructure.ts";

/** What to read predictions for rotated frames from. */
export interface ReadRotatedFramesOptions {
  /** The frames that a program has predicted on, with its predictions. */
  readonly predicted: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>;
  /** The frames before they were turned, with labels or without. */
  readonly original: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>;
  /** The rotated frames that were given to the program, where it loses the values of comment lines. */
  readonly rotated?: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame> | undefined;
  /** Names of predictions, where the rule of `frameLabels` does not find them. */
  readonly names?: LabelNames | undefined;
  /** Names of the labels of the frames before they were turned, likewise. */
  readonly labelNames?: LabelNames | undefined;
  /** How far an atom may be from where its copy has it, in Angstrom; 0.001 by default. */
  readonly tolerance?: number | undefined;
  /** Called for each thing that is wrong. */
  readonly onFault?: ((fault: RotatedFault) => void) | undefined;
}

const usualTolerance = 1e-3;

/**
 * Reads what was predicted for rotated copies of frames, one original frame after another, in the memory of one frame's
 * copies. Which copy a predicted frame is, is what `rotateFrames` left on its comment line; with `rotated`, the first
 * frame there with the same elements and positions, in order, up to 1,000 ahead. Elements are held against the
 * original's, and positions up to a shift and up to vectors of a cell that repeats.
 *
 * What does not fit is told by `onFault` and passed over; frames without any copy too.
 *
 * @throws VoxtwirlError "bad-option" for options that are none, "bad-file" where the first prediction does not say
 *   which copy it is and there are no rotated frames, or where these do not
 */
export async function* readRotatedFrames(
  options: ReadRotatedFramesOptions,
): AsyncGenerator<RotatedStructure, void, undefined> {
  requireObject("options", options, "Give { predicted, original }.");
  const {
    predicted,
    original,
    rotated,
    names,
    labelNames,
    tolerance = usualTolerance,
    onFault = () => undefined,
  } = options;
  requireIterable("predicted", predicted, "Give frames: readXyzFrames(chunks).");
  requireIterable("original", original, "Give frames: readXyzFrames(chunks).");
  if (rotated !== undefined) requireIterable("rotated", rotated, "Give frames: readXyzFrames(chunks).");
  requirePositive("tolerance", tolerance);
  requireFunction("onFault", onFault, "Give a function.");
  const marked = rotated === undefined ? markedByThemselves(predicted) : markedByRotated(predicted, rotated, tolerance);
  const originals = new Originals(original, onFault);
  let structure: CollectedFrame | undefined;
  let last = 0;
  for await (const { frame, mark } of marked) {
    const { number } = frame;
    if (mark === undefined) {
      onFault({ kind: "foreign", predicted: number, message: `predicted frame ${number} is a copy of no frame` });
      continue;
    }
    const copy = nameOfCopy({ copy: mark.copy, ...mark.repeat });
    const said = `predicted frame ${number}, ${copy} of frame ${mark.frame},`;
    const place = { frame: mark.frame, predicted: number };
    if (mark.frame < last) {
      onFault({ kind: "reordered", ...place, message: `${said} stands after copies of frame ${last}` });
      continue;
    }
    if (mark.frame > last) {
      if (structure !== undefined) yield structure.whole(onFault);
      last = mark.frame;
      const found = await originals.find(mark.frame);
      structure = found && new CollectedFrame(found, { names, labelNames });
    }
    const fault = structure === undefined ? "foreign" : structure.add(frame, mark, tolerance);
    if (fault === "foreign") {
      const message = `${said} is of a frame that the original file does not have`;
      onFault({ kind: "foreign", ...place, message });
    } else if (fault !== undefined) onFault({ ...fault, ...place, message: `${said} ${fault.message}` });
  }
  if (structure !== undefined) yield structure.whole(onFault);
  await originals.find(Infinity);
}

/** The original frames in their order; those that are passed over have no copies. */
class Originals {
  readonly #frames: AsyncGenerator<NumberedFrame, void, undefined>;
  readonly #onFault: (fault: RotatedFault) => void;
  /** Read, and beyond what was looked for. */
  #next: NumberedFrame | undefined;

  constructor(frames: ReadRotatedFramesOptions["original"], onFault: (fault: RotatedFault) => void) {
    this.#frames = asGenerator(frames);
    this.#onFault = onFault;
  }

  async find(number: number): Promise<NumberedFrame | undefined> {
    for (;;) {
      const frame = this.#next ?? (await this.#frames.next()).value;
      this.#next = undefined;
      if (frame === undefined || frame.number === number) return frame ?? undefined;
      if (frame.number > number) {
        this.#next = frame;
        return undefined;
      }
      const message = `no prediction is there for any copy of frame ${frame.number}`;
      this.#onFault({ kind: "missing", frame: frame.number, message });
    }
  }
}
