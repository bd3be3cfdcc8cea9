import type { LabelNames } from "../formats/frameLabels.ts";
import type { LabelUnits } from "../formats/labels.ts";
import type { TermNames } from "../frames/frameTerms.ts";
import type { FaultTally } from "../frames/faultTally.ts";
import type { FrameFault } from "../frames/frameFault.ts";
import { FrameTally, type FrameMeasurement } from "../frames/measureFrames.ts";
import { readRotatedFrames } from "../frames/rotatedFrames.ts";
import type { RotatedStructure } from "../frames/rotatedStructure.ts";
import { openFrameFile } from "../node/frameFile.ts";
import { formatCount } from "../report/format.ts";
import { FrameReading } from "./frameReading.ts";
import { interruptible } from "./interrupt.ts";
import { printJson } from "./json.ts";
import { frameLines, termRemarks } from "./measureFrameOutput.ts";
import { showProgress } from "./progress.ts";
import { print } from "./stdout.ts";
import { nothingKnown } from "./sweep.ts";
import { verdictLine } from "./verdictLine.ts";

export interface MeasureFrameFilesOptions extends TermNames {
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

/**
 * Measures what a program predicted for rotated copies of frames.
 *
 * @returns the exit code
 */
export async function measureFrameFiles(options: MeasureFrameFilesOptions): Promise<number> {
  const tally = new FrameTally(tallyOptions(options));
  const { readingLines, interrupted, code } = await sweepFrames(options, tally, (structure) => tally.add(structure));
  if (interrupted && tally.structures === 0) return nothingKnown("structure", { code });
  showFrames(options, tally.result(), { told: [...readingLines, ...faultLines(tally.faults)], interrupted });
  return code;
}

/** What decides the result, beside the files. */
export function tallyOptions(options: MeasureFrameFilesOptions) {
  const { frames: _, data: _data, rotated: _rotated, strict: _strict, json: _json, labelUnits, ...names } = options;
  return { ...names, unit: labelUnits };
}

/** How far the files were read. */
interface FrameSweep {
  /** What there is to say of frames that were left out. */
  readonly readingLines: readonly string[];
  readonly interrupted: boolean;
  readonly code: number;
}

/** Reads structures one after another until their end, or until somebody asks to stop. */
export async function sweepFrames(
  { frames, data, rotated, strict, names, labelNames }: MeasureFrameFilesOptions,
  tally: FrameTally,
  each: (structure: RotatedStructure) => void,
  isOwn: (frame: number) => boolean = () => true,
): Promise<FrameSweep> {
  const readings: [file: string, reading: FrameReading][] = [];
  const open = async (file: string) => {
    const reading = new FrameReading();
    readings.push([file, reading]);
    const opened = await openFrameFile(file, strict ? {} : { onLeftOut: reading.leaveOut });
    return reading.counted(opened.frames);
  };
  const [predicted, original] = [await open(frames), await open(data)];
  const given = rotated === undefined ? undefined : await open(rotated);
  const progress = showProgress();
  const interruption = interruptible({ after: "the structure in hand", warn: progress.warn });
  interruption.begin();
  let interrupted = false;
  try {
    const onFault = (fault: FrameFault) => {
      if (isOwn(fault.frame ?? fault.predicted ?? 1)) tally.fault(fault);
    };
    for await (const structure of readRotatedFrames({
      ...{ predicted, original, rotated: given, names, labelNames, onFault },
    })) {
      if (isOwn(structure.original.number)) each(structure);
      if (tally.structures % LIVE_STRUCTURES === 0) progress.show(`${formatCount(tally.structures)} structures`);
      interrupted = interruption.signal.aborted;
      if (interrupted) break;
    }
  } finally {
    progress.clear();
    interruption.end();
  }
  return {
    readingLines: readings.flatMap(([file, reading]) => reading.lines().map((line) => `${file}: ${line}`)),
    interrupted,
    code: interrupted || interruption.outputLost ? interruption.code : 0,
  };
}

/** What was measured, for people or for programs. */
export function showFrames(
  { frames, data, rotated, json }: Pick<MeasureFrameFilesOptions, "frames" | "data" | "rotated" | "json">,
  { remarks, ...found }: FrameMeasurement,
  { told, interrupted }: { readonly told: readonly string[]; readonly interrupted: boolean },
): void {
  // What is to be said of energies by atom is said of energies.
  const judged = Object.entries(found.terms).filter(([name]) => name !== "energyPerAtom");
  const lines = judged.map(([name, term]) => verdictLine(name, term));
  const all = [...remarks, ...termRemarks(found.terms)];
  if (json) {
    const files = { frames, data, rotated: rotated ?? null };
    printJson({ type: "measure", ...found, verdictLines: lines, remarks: [...told, ...all], interrupted, ...files });
  } else {
    print(frameLines({ ...found, remarks: all }, { lines, frames, data, interrupted }));
    for (const line of told) process.stderr.write(`voxtwirl: ${line}\n`);
  }
}

/** What was wrong, the first of each kind in full. */
export function faultLines(faults: FaultTally): string[] {
  return faults.record().flatMap(({ kind, count, first }) => {
    const told = first.map(({ message }) => message);
    return count > told.length ? [...told, `and ${formatCount(count - told.length)} more like this (${kind})`] : told;
  });
}
