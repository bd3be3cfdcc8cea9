import type { LabelNames } from "../formats/frameLabels.ts";
import type { LabelUnits } from "../formats/labels.ts";
import type { TermNames } from "../frames/frameTerms.ts";
import { FrameTally, type FrameFault } from "../frames/measureFrames.ts";
import { readRotatedFrames } from "../frames/rotatedFrames.ts";
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
/** So many of each kind are told in full. */
const TOLD = 3;

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
  const { frames, data, rotated, strict, labelUnits, json, html, exportTo: _, ...names } = options;
  const delta = deltaOf(options);
  const readings: [file: string, reading: FrameReading][] = [];
  const open = async (file: string) => {
    const reading = new FrameReading();
    readings.push([file, reading]);
    const opened = await openFrameFile(file, strict ? {} : { onLeftOut: reading.leaveOut });
    return reading.counted(opened.frames);
  };
  const faults = new Faults();
  const [details, onStructure] = [html !== undefined, tables?.add];
  const tally = new FrameTally({
    ...names,
    loss: frameLoss(options),
    ...{ unit: labelUnits, details, onStructure, onFault: faults.add },
  });
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
      await tables?.write();
      if (tally.structures % LIVE_STRUCTURES === 0) progress.show(`${formatCount(tally.structures)} structures`);
      interrupted = interruption.signal.aborted;
      if (interrupted) break;
    }
  } finally {
    progress.clear();
    interruption.end();
  }
  if (interrupted && tally.structures === 0) return nothingKnown("structure", interruption);
  const { remarks, details: shown, ...found } = tally.result();
  // What is to be said of energies by atom is said of energies.
  const judged = Object.entries(found.terms).filter(([name]) => name !== "energyPerAtom");
  const lineOf = Object.fromEntries(judged.map(([name, term]) => [name, verdictLine(name, term)]));
  const lines = Object.values(lineOf);
  const told = [
    ...readings.flatMap(([file, reading]) => reading.lines().map((line) => `${file}: ${line}`)),
    ...faults.lines(),
  ];
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
        const measured = { ...found, details: shown, remarks };
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
  if (html !== undefined && !json) print(["", `written: ${html}`]);
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
