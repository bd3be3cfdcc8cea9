import { VoxtwirlError } from "../errors.ts";
import { leaveOut, readingLines, type LeftOut } from "../formats/records.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import type { OpenFrames } from "../node/frameFile.ts";

/** Counts the frames of a file, and those that cannot be used. */
export class FrameReading {
  frames = 0;
  readonly #leftOut = new Map<string, LeftOut>();

  readonly leaveOut = (record: LeftOut["first"][number], reason: string): void => {
    leaveOut(this.#leftOut, reason, [record]);
  };

  /** What there is to say of frames that were left out. */
  lines(): string[] {
    const leftOut = [...this.#leftOut.values()];
    const records = this.frames + leftOut.reduce((sum, { count }) => sum + count, 0);
    return readingLines({ records, leftOut, remarks: [] });
  }

  /** @throws VoxtwirlError "bad-file" where no frame can be used */
  async *counted(frames: OpenFrames["frames"], each?: (count: number) => void): AsyncGenerator<NumberedFrame> {
    for await (const frame of frames) {
      this.frames++;
      each?.(this.frames);
      yield frame;
    }
    if (this.frames > 0 || this.#leftOut.size === 0) return;
    throw new VoxtwirlError("bad-file", this.lines()[0]!, "No frame can be used: mend the file, or give another.");
  }
}
