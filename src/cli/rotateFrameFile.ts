import { IDENTITIES, JITTERS, NEAR_ANGLES } from "../frames/repeats.ts";
import { rotateFrames, type RotateFramesOptions } from "../frames/rotateFrames.ts";
import { rotatedNpz } from "../frames/rotateNpz.ts";
import type { NpzSource } from "../formats/npzFrames.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import { openFrameFile } from "../node/frameFile.ts";
import { writeFrameFile } from "../node/frameWriter.ts";
import { kindOf } from "../node/moleculeBytes.ts";
import { writeNewFile } from "../node/newFile.ts";
import { formatCount } from "../report/format.ts";
import { badOption } from "./args.ts";
import { FrameReading } from "./frameReading.ts";
import { printJson } from "./json.ts";
import type { RotateChoice } from "./rotateChoice.ts";
import { print } from "./stdout.ts";
import { writeWhole } from "./wholeFile.ts";

/** Digits behind the point of positions and cells, in Angstrom. */
const DIGITS = 10;
const LIVE_FRAMES = 100;

/**
 * Writes rotated copies of the frames of a file.
 *
 * @returns the exit code
 */
export async function rotateFrameFile(choice: RotateChoice): Promise<number> {
  const { data, out, group, twirl, seed, center, repeats, nearAxes, keep, json, strict } = choice;
  const toNpz = kindOf(out) === ".npz";
  if (!toNpz && ![".xyz", ".extxyz"].includes(kindOf(out))) {
    throw badOption(`--out ${out} does not end in .extxyz, .xyz or .npz`, "Name it so, with .gz after it or without.");
  }
  const reading = new FrameReading();
  const opened = await openFrameFile(data, strict ? {} : { onLeftOut: reading.leaveOut });
  const source = toNpz && opened.kind === "npz" ? opened.source : undefined;
  if (toNpz && (source === undefined || /\.gz$/i.test(out))) {
    throw badOption(`--out ${out} goes with an .npz file as --data`, "Name it .extxyz.");
  }
  const names = { leftOut: [] as readonly string[], missing: [] as readonly string[] };
  const options: RotateFramesOptions = {
    ...{ group, twirl, seed, center, repeats, nearAxes, keep, lastDigit: 10 ** -DIGITS },
    onNames: (found) => Object.assign(names, found),
  };
  const written = await writeWhole({ out, after: "the frame in hand" }, async (goOn, progress) => {
    const frames = reading.counted(opened.frames, (count) => {
      goOn();
      if (count % LIVE_FRAMES === 0) progress.show(`${formatCount(count)} frames`);
    });
    if (source !== undefined) await writeNewFile(out, rotatedNpz(counted(source, frames, goOn), options));
    else await writeFrameFile(out, rotateFrames(frames, options), { digits: DIGITS });
    return names;
  });
  if (written.result === undefined) return written.code;
  const remarks = reading.lines();
  remarks.push(...names.missing.map((name) => `--keep ${name}: no frame has it`));
  if (json) {
    const counts = { frames: reading.frames, copies: reading.frames * twirl };
    printJson({
      type: "rotate",
      data,
      out,
      group: group.name,
      twirl,
      seed,
      center,
      repeats,
      nearAxes,
      ...counts,
      ...names,
      remarks,
    });
  } else {
    const frames = `${formatCount(reading.frames)} ${reading.frames === 1 ? "frame" : "frames"} of ${data}`;
    print([`${out}: ${formatCount(twirl)} copies of each of ${frames}, turned by ${group.name}, seed ${seed}`]);
    if (repeats) {
      print([`And each as it is, ${IDENTITIES} times, and ${2 * JITTERS} times with its last digits changed.`]);
    }
    if (nearAxes) print([`And each ${3 * NEAR_ANGLES.length} times with an edge along an axis, or nearly.`]);
    if (names.leftOut.length > 0) print([`Copies are without ${names.leftOut.join(", ")}.`]);
    for (const remark of remarks) process.stderr.write(`voxtwirl: ${remark}\n`);
  }
  return written.code;
}

/** A source whose frames are counted when they are gone through first. */
function counted(source: NpzSource, first: AsyncIterable<NumberedFrame>, each: () => void): NpzSource {
  let passes = 0;
  return {
    ...source,
    frames: () => (passes++ === 0 ? first : checked(source.frames(), each)),
  };
}

async function* checked(
  frames: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>,
  each: () => void,
): AsyncGenerator<NumberedFrame, void, undefined> {
  for await (const frame of frames) {
    each();
    yield frame;
  }
}
