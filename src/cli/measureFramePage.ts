import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { LabelUnits } from "../formats/labels.ts";
import type { FrameMeasurement } from "../frames/frameMeasurement.ts";
import { isBuiltin } from "../molecules/builtinNames.ts";
import { requireWritable, sha256File, writeFileAtomic } from "../node/files.ts";
import { requireNew } from "../node/newFile.ts";
import { formatCount } from "../report/format.ts";
import { faultRows } from "../report/frameTables.ts";
import { frameViewer } from "../report/frameViewer.ts";
import { renderFrames } from "../report/framesPage.ts";
import { rotationsOf } from "./measureFrameOutput.ts";

declare const VOXTWIRL_VERSION: string;

/** What a page says of how it was made. */
export interface FramePageOptions {
  readonly frames: string;
  readonly data: string;
  readonly rotated?: string | undefined;
  readonly labelUnits?: LabelUnits | undefined;
  readonly floors?: number | Readonly<Record<string, number>> | undefined;
}

/** A file that was read; `sha256` is null where it cannot be read again. */
export interface ReadFile {
  readonly file: string;
  readonly sha256: string | null;
}

/** What was read, by what it is. */
export type ReadFiles = Readonly<Record<"frames" | "data" | "rotated", ReadFile | null>>;

/** The files with their sums, for which they are read once more; pipes and built-in sets have none. */
export async function readFiles({ frames, data, rotated }: FramePageOptions): Promise<ReadFiles> {
  const one = async (file: string): Promise<ReadFile> => {
    const plain = !isBuiltin(file) && (await stat(file)).isFile();
    return { file, sha256: plain ? await sha256File(file) : null };
  };
  return {
    frames: await one(frames),
    data: await one(data),
    rotated: rotated === undefined ? null : await one(rotated),
  };
}

/** @throws VoxtwirlError "exists" where something is there, "io" where it cannot be written */
export async function requireNewPage(path: string): Promise<void> {
  await requireNew(path);
  await requireWritable(path);
}

/** What a page is made from. */
export interface FramePage {
  readonly found: FrameMeasurement;
  /** By term. */
  readonly lines: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  readonly files: ReadFiles;
  readonly options: FramePageOptions;
}

/** Writes the page of a measurement; nothing is overwritten. */
export async function writeFramePage(path: string, { found, lines, notes, files, options }: FramePage): Promise<void> {
  const { labelUnits, floors } = options;
  const fileRows = Object.entries(files).flatMap(([name, read]): [string, string][] => {
    if (read === null) return [];
    return [
      [NAMES[name as keyof ReadFiles], read.file],
      ...(read.sha256 === null ? [] : [["its SHA-256", read.sha256] as [string, string]]),
    ];
  });
  const page = renderFrames({
    title: basename(options.frames),
    measurement: found,
    lines,
    notes,
    facts: [
      ...fileRows,
      ["rotations", rotationsOf(found)],
      ["rotations of each structure", copiesOf(found)],
      ["seed of the rotations", "not in the files: that of voxtwirl rotate"],
      ["structures", formatCount(found.structures)],
      ["predictions", formatCount(found.copies)],
      ["unit of energy", labelUnits ?? "the files' own"],
      ...(floors === undefined ? [] : [["tolerance", JSON.stringify(floors)] as const]),
      ...faultRows(found),
      ["voxtwirl", VOXTWIRL_VERSION],
    ],
    viewer: await frameViewer(),
    version: VOXTWIRL_VERSION,
  });
  await writeFileAtomic(path, page, () => requireNew(path));
}

const NAMES: Readonly<Record<keyof ReadFiles, string>> = {
  frames: "predictions",
  data: "frames before they were turned",
  rotated: "rotated frames",
};

/** Fewest and most of any term. */
function copiesOf({ details = {} }: FrameMeasurement): string {
  const counts = Object.values(details).flatMap(({ copies }) => copies);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  return fewest === most ? formatCount(most) : `${formatCount(fewest)} to ${formatCount(most)}`;
}
