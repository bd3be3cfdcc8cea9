import type { LabelNames } from "../formats/frameLabels.ts";
import type { LabelUnits } from "../formats/labels.ts";
import type { TermNames } from "../frames/frameTerms.ts";
import { FrameTally, type FrameFault } from "../frames/measureFrames.ts";
import { readRotatedFrames } from "../frames/rotatedFrames.ts";
import { openFrameFile } from "../node/frameFile.ts";
import { formatCount } from "../report/format.ts";
import { FrameReading } from "./frameReading.ts";
import { interruptible } from "./interrupt.ts";
import { printJson } from "./json.ts";
import { frameLines, termRemarks } from "./measureFrameOutput.ts";
import { deltaOf, frameLoss, type LossChoice } from "./losses.ts";
import { showProgress } from "./progress.ts";
import { print } from "./stdout.ts";
import { nothingKnown } from "./sweep.ts";
import { verdictLine } from "./verdictLine.ts";

export interface MeasureFrameFilesOptions extends TermNames, LossChoice {
  readonly frames: string;
  readonly data: string;
  readonly rotated?: string | undefined;
  readonly names: LabelNames;
  readonly labelNames: LabelNames;
  readonly labelUnits?: LabelUnits | undefined;
  readonly floors?: number | Readonly<Record<string, number>> | undefined;
  readonly strict: boolean;
  readonly json: boolean;
}

const LIVE_STRUCTURES = 20;
/** So many of each kind are told in full. */
const TOLD = 3;

/**
 * Measures what a program predicted for rotated copies of frames.
 *
 * @returns the exit code
 */
export async function measureFrameFiles(options: MeasureFrameFilesOptions): Promise<number> {
  const { frames, data, rotated, strict, labelUnits, json, ...names } = options;
  const delta = deltaOf(options);
  const readings: [file: string, reading: FrameReading][] = [];
  const open = async (file: string) => {
    const reading = new FrameReading();
    readings.push([file, reading]);
    const opened = await openFrameFile(file, strict ? {} : { onLeftOut: reading.leaveOut });
    return reading.counted(opened.frames);
  };
  const faults = new Faults();
  const tally = new FrameTally({ ...names, loss: frameLoss(options), unit: labelUnits, onFault: faults.add });
  const [predicted, original] = [await open(frames), await open(data)];
  const given = rotated === undefined ? undefined : await open(rotated);
  const progress = showProgress();
  const interruption = interruptible({ after: "the structure in hand", warn: progress.warn });
  interruption.begin();
  let interrupted = false;
  try {
    const { names: predictionNames, labelNames } = names;
    const from = { predicted, original, rotated: given, names: predictionNames, labelNames, onFault: tally.fault };
    for await (const structure of readRotatedFrames(from)) {
      tally.add(structure);
      if (tally.structures % LIVE_STRUCTURES === 0) progress.show(`${formatCount(tally.structures)} structures`);
      interrupted = interruption.signal.aborted;
      if (interrupted) break;
    }
  } finally {
    progress.clear();
    interruption.end();
  }
  if (interrupted && tally.structures === 0) return nothingKnown("structure", interruption);
  const { remarks, ...found } = tally.result();
  // What is to be said of energies by atom is said of energies.
  const judged = Object.entries(found.terms).filter(([name]) => name !== "energyPerAtom");
  const lines = judged.map(([name, term]) => verdictLine(name, term));
  const told = [
    ...readings.flatMap(([file, reading]) => reading.lines().map((line) => `${file}: ${line}`)),
    ...faults.lines(),
  ];
  const all = [...remarks, ...termRemarks(found.terms)];
  if (json) {
    const files = { frames, data, rotated: rotated ?? null };
    printJson({
      type: "measure",
      ...found,
      delta,
      verdictLines: lines,
      remarks: [...told, ...all],
      interrupted,
      ...files,
    });
  } else {
    print(frameLines({ ...found, remarks: all }, { lines, frames, data, interrupted, delta }));
    for (const line of told) process.stderr.write(`voxtwirl: ${line}\n`);
  }
  return interrupted || interruption.outputLost ? interruption.code : 0;
}

/** What was wrong, the first of each kind in full. */
class Faults {
  readonly #messages = new Map<FrameFault["kind"], string[]>();
  readonly #counts = new Map<FrameFault["kind"], number>();

  readonly add = ({ kind, message }: FrameFault): void => {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const told = this.#messages.get(kind) ?? [];
    if (told.length < TOLD) this.#messages.set(kind, [...told, message]);
  };

  lines(): string[] {
    return [...this.#messages].flatMap(([kind, told]) => {
      const more = this.#counts.get(kind)! - told.length;
      return more > 0 ? [...told, `and ${formatCount(more)} more like this (${kind})`] : told;
    });
  }
}
