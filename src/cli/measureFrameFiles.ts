import type { LabelNames } from "../formats/frameLabels.ts";
import type { LabelUnits } from "../formats/labels.ts";
import type { TermNames } from "../frames/frameTerms.ts";
import type { FaultTally } from "../frames/faultTally.ts";
import type { FrameFault } from "../frames/frameFault.ts";
import type { FrameMeasurement, FrameTallyOptions } from "../frames/frameMeasurement.ts";
import { FrameTally } from "../frames/frameTally.ts";
import { readRotatedFrames } from "../frames/rotatedFrames.ts";
import type { RotatedStructure } from "../frames/rotatedStructure.ts";
import { openFrameFile } from "../node/frameFile.ts";
import { countOf, formatCount } from "../report/format.ts";
import { requireNewFolder } from "./arrayFolder.ts";
import { FrameReading } from "./frameReading.ts";
import { interruptible } from "./interrupt.ts";
import { printJson } from "./json.ts";
import { frameLines, termRemarks } from "./measureFrameOutput.ts";
import { deltaOf, frameLoss, type LossChoice } from "./losses.ts";
import { readFiles, requireNewPage, writeFramePage } from "./measureFramePage.ts";
import { FrameTables } from "./measureFrameTables.ts";
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
  /** A page to write. */
  readonly html?: string | undefined;
  /** A folder to make, for tables and figures. */
  readonly exportTo?: string | undefined;
}

const LIVE_STRUCTURES = 20;

/**
 * Measures what a program predicted for rotated copies of frames.
 *
 * @returns the exit code
 */
export async function measureFrameFiles(options: MeasureFrameFilesOptions): Promise<number> {
  const { html, exportTo } = options;
  if (exportTo !== undefined) await requireNewFolder(exportTo);
  if (html !== undefined) await requireNewPage(html);
  const tables = exportTo === undefined ? undefined : await FrameTables.create(exportTo);
  try {
    return await measureInto(tables, options);
  } finally {
    await tables?.discard();
  }
}

async function measureInto(tables: FrameTables | undefined, options: MeasureFrameFilesOptions): Promise<number> {
  const { html, json } = options;
  const tally = frameTally(tallyChoices(options), { details: html !== undefined, onStructure: tables?.add });
  const { readingLines, interrupted, code } = await sweepFrames(options, tally, async (structure) => {
    tally.add(structure);
    await tables?.write();
  });
  if (interrupted && tally.structures === 0) return nothingKnown("structure", { code });
  const told = [...readingLines, ...faultLines(tally.faults)];
  await showFrames(options, tally.result(), { told, interrupted, tables });
  if (html !== undefined && !json) print(["", `written: ${html}`]);
  return code;
}

/** What decides the result, beside the files: data. */
export type TallyChoices = Omit<FrameTallyOptions, "loss" | "details" | "onStructure" | "onFault"> & LossChoice;

export function tallyChoices(options: MeasureFrameFilesOptions): TallyChoices {
  const { frames: _, data: _data, rotated: _rotated, strict: _strict, json: _json, ...others } = options;
  const { html: _html, exportTo: _exportTo, labelUnits, ...names } = others;
  return { ...names, delta: deltaOf(options), unit: labelUnits };
}

export function frameTally(
  choices: TallyChoices,
  more: Pick<FrameTallyOptions, "details" | "onStructure"> = {},
): FrameTally {
  return new FrameTally({ ...choices, loss: frameLoss(choices), ...more });
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
  each: (structure: RotatedStructure) => void | Promise<void>,
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
      if (isOwn(structure.original.number)) await each(structure);
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

interface Told {
  readonly told: readonly string[];
  readonly interrupted: boolean;
  readonly tables?: FrameTables | undefined;
}

/** What was measured, for people or for programs, and on a page. */
export async function showFrames(
  options: Pick<MeasureFrameFilesOptions, "frames" | "data" | "rotated" | "json" | "html" | keyof LossChoice>,
  { remarks, details, ...found }: FrameMeasurement,
  { told, interrupted, tables }: Told,
): Promise<void> {
  const { frames, data, rotated, json, html } = options;
  const delta = deltaOf(options);
  // What is to be said of energies by atom is said of energies.
  const judged = Object.entries(found.terms).filter(([name]) => name !== "energyPerAtom");
  const lineOf = Object.fromEntries(judged.map(([name, term]) => [name, verdictLine(name, term)]));
  const lines = Object.values(lineOf);
  const all = [...remarks, ...termRemarks(found.terms)];
  const files = { frames, data, rotated: rotated ?? null };
  const figures = {
    type: "measure",
    ...found,
    delta,
    verdictLines: lines,
    remarks: [...told, ...all],
    interrupted,
    ...files,
  };
  try {
    if (html !== undefined || tables !== undefined) {
      const read = await readFiles(options);
      await tables?.finish(found, figures, read);
      if (html !== undefined) {
        const notes = [
          ...(interrupted ? [`interrupted after ${countOf(found.structures, "structure")}`] : []),
          ...told,
          ...all,
        ];
        const measured = { ...found, details, remarks };
        await writeFramePage(html, { found: measured, lines: lineOf, notes, files: read, options });
      }
    }
  } finally {
    if (json) printJson(figures);
    else {
      print(frameLines({ ...found, remarks: all }, { lines, frames, data, interrupted, delta }));
      for (const line of told) process.stderr.write(`voxtwirl: ${line}\n`);
    }
  }
}

/** What was wrong, the first of each kind in full. */
export function faultLines(faults: FaultTally): string[] {
  return faults.record().flatMap(({ kind, count, first }) => {
    const told = first.map(({ message }) => message);
    return count > told.length ? [...told, `and ${formatCount(count - told.length)} more like this (${kind})`] : told;
  });
}
