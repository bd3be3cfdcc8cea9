/** A part of `measure --frames`, and all parts together. */
import { stat } from "node:fs/promises";
import type { FaultRecord } from "../frames/faultTally.ts";
import type { FrameTally } from "../frames/frameTally.ts";
import type { StructureRecord } from "../frames/structureRecord.ts";
import { isBuiltin } from "../molecules/builtinNames.ts";
import { ioError, sha256File } from "../node/files.ts";
import { isOwn, type Shard } from "../shards/shard.ts";
import { readShard, writeShard } from "../shards/shardFile.ts";
import { findShard, type WholeWork } from "../shards/shardFolder.ts";
import { workName, workOf } from "../shards/work.ts";
import { badOption } from "./args.ts";
import {
  faultLines,
  frameTally,
  showFrames,
  sweepFrames,
  tallyChoices,
  type MeasureFrameFilesOptions,
  type TallyChoices,
} from "./measureFrameFiles.ts";
import { printJson } from "./json.ts";
import { commandWords, writtenLines } from "./shardOption.ts";
import { print } from "./stdout.ts";

/** Of what the shards are, in their files. */
export const FRAMES_WORK = "measure --frames";

/** What shards say beside their work. */
type About = Pick<MeasureFrameFilesOptions, "frames" | "data" | "rotated">;

/** An item of a shard: a structure, and after all of them what there was to say. */
type Item =
  { readonly structure: StructureRecord } | { readonly readingLines: string[]; readonly faults: FaultRecord[] };

/**
 * Measures the structures of one shard, whose results stay apart.
 *
 * @returns the exit code
 */
export async function measureFrameShard(
  options: MeasureFrameFilesOptions,
  { shard, out }: { readonly shard: Shard; readonly out: string },
): Promise<number> {
  const { frames, data, rotated, strict, json } = options;
  const sums = { frames: await sumOf(frames), data: await sumOf(data), rotated: rotated && (await sumOf(rotated)) };
  const work = workOf({ kind: FRAMES_WORK, ...sums, strict, ...tallyChoices(options) });
  const name = workName("measure", work);
  const found = await findShard(out, name, shard);
  const tally = frameTally(tallyChoices(options));
  const items: Item[] = [];
  if (found === undefined) {
    const isOfShard = (frame: number) => isOwn(shard, frame - 1);
    const each = (structure: Parameters<FrameTally["record"]>[0]) => {
      const record = tally.record(structure);
      if (record === undefined) return;
      tally.take(record);
      items.push({ structure: record });
    };
    const { readingLines, interrupted, code } = await sweepFrames(options, tally, each, isOfShard);
    if (interrupted) {
      process.stderr.write(`voxtwirl: interrupted, nothing is written; start it again\n`);
      return code;
    }
    items.push({ readingLines: [...readingLines], faults: tally.faults.record() });
  }
  const about: About = { frames, data, rotated };
  const path = found ?? (await writeShard(out, { name, work, shard, command: commandWords(), about }, items));
  if (json) printJson({ type: "shard", name, ...shard, file: path, structures: tally.structures });
  else print(writtenLines(path, out, shard));
  return 0;
}

/**
 * Prints what the measurement would have printed without shards.
 *
 * @throws VoxtwirlError "no-data" as `FrameTally.result`
 */
export async function mergeFrames({ head, files }: WholeWork, json: boolean): Promise<void> {
  const choices = head.work as unknown as TallyChoices;
  const tally = frameTally(choices);
  let readingLines: readonly string[] = [];
  for await (const item of inOrder(files)) {
    if ("structure" in item) tally.take(item.structure);
    else {
      readingLines = item.readingLines;
      tally.faults.take(item.faults);
    }
  }
  const { frames, data, rotated } = head.about as About;
  const told = [...readingLines, ...faultLines(tally.faults)];
  const { loss, delta } = choices;
  await showFrames({ frames, data, rotated, json, loss, delta }, tally.result(), { told, interrupted: false });
}

/** Structures of all shards by their frames, as one reading would have met them; then what else there is. */
async function* inOrder(files: readonly string[]): AsyncGenerator<Item, void, undefined> {
  const readers = files.map((file) => readShard(file) as AsyncGenerator<Item, void, undefined>);
  const heads: (Item | undefined)[] = [];
  for (const reader of readers) heads.push((await reader.next()).value ?? undefined);
  for (;;) {
    let first = -1;
    let lowest = Infinity;
    for (const [i, item] of heads.entries()) {
      if (item === undefined) continue;
      const frame = "structure" in item ? item.structure.frame : Number.MAX_VALUE;
      if (frame < lowest) [first, lowest] = [i, frame];
    }
    if (first < 0) return;
    yield heads[first]!;
    heads[first] = (await readers[first]!.next()).value ?? undefined;
  }
}

/** @throws VoxtwirlError "bad-option" for a pipe, which cannot be read twice */
async function sumOf(path: string): Promise<string> {
  if (isBuiltin(path)) return path;
  const info = await stat(path).catch((error: unknown) => {
    throw ioError(error, "read", path);
  });
  if (info.isFile()) return sha256File(path);
  throw badOption(`${path} is no file, and --shard reads it twice`, "Write it to a file first.");
}
