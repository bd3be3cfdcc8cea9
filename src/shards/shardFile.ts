/** The file of a shard: lines of JSON, of which the first says what it is and the last one holds a checksum. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { ioError, writeFileAtomic } from "../node/files.ts";
import { makeFolders } from "../node/folders.ts";
import { exactJson, parseExactJson } from "./exactJson.ts";
import type { Shard } from "./shard.ts";
import type { Work } from "./work.ts";

/** Version of the layout; raised when older ones can no longer be read. */
const SHARD_FORMAT = 1;

const NEWLINE = 0x0a;

/** In the folder that shards share. */
export const SHARDS = "shards";

/** What a shard's file begins with. */
export interface ShardHead {
  /** `workName` of the work. */
  readonly name: string;
  readonly work: Work;
  readonly shard: Shard;
  /** The words after "voxtwirl" that make it, without those of --shard. */
  readonly command: readonly string[];
  /** What is to be known beside the work, and is the same in all shards, but for paths. */
  readonly about: unknown;
}

/** "dip-0188c9ae4fc0.2-of-6.jsonl" */
export function shardFileName(name: string, { index, count }: Shard): string {
  return `${name}.${index}-of-${count}.jsonl`;
}

/** The parts of a shard's file name; undefined of other files. */
export function parseShardFileName(file: string): { readonly name: string; readonly shard: Shard } | undefined {
  const [, name, index, count] = /^(.+-[0-9a-f]{12})\.(\d+)-of-(\d+)\.jsonl$/.exec(file) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  return name === undefined || shard.index >= shard.count ? undefined : { name, shard };
}

/**
 * Writes a shard's file into a folder that it shares with others, whole or not at all.
 *
 * @returns its path
 * @throws VoxtwirlError "io" when the file system refuses
 */
export async function writeShard(out: string, head: ShardHead, items: Iterable<unknown>): Promise<string> {
  const folder = join(out, SHARDS);
  await makeFolders(folder);
  const path = join(folder, shardFileName(head.name, head.shard));
  await writeFileAtomic(path, shardBytes(head, items));
  return path;
}

function* shardBytes(head: ShardHead, items: Iterable<unknown>): Generator<Uint8Array> {
  const hash = createHash("sha256");
  let count = 0;
  const line = (value: unknown) => {
    const bytes = Buffer.from(`${exactJson(value)}\n`);
    hash.update(bytes);
    return bytes;
  };
  yield line({ format: SHARD_FORMAT, ...head });
  for (const item of items) {
    count++;
    yield line({ item });
  }
  yield Buffer.from(`${JSON.stringify({ items: count, sha256: hash.digest("hex") })}\n`);
}

/** What is wrong with a shard's file. */
export class Damaged extends Error {}

/**
 * The items of a shard's file, one after another; its last line is held against them at the end.
 *
 * @throws Damaged where it is not whole; VoxtwirlError "io" where it cannot be read
 */
export async function* readShard(path: string): AsyncGenerator<unknown, void, undefined> {
  const hash = createHash("sha256");
  let lines = 0;
  let ended = false;
  for await (const line of lineBytes(path)) {
    if (ended) throw new Damaged("it goes on after its end");
    const value = parsed(line);
    if ("sha256" in value) {
      if (value.sha256 !== hash.digest("hex") || value.items !== lines - 1) throw new Damaged("its checksum is wrong");
      ended = true;
      continue;
    }
    hash.update(line).update("\n");
    if (lines === 0) headOf(value);
    else yield value.item;
    lines++;
  }
  if (!ended) throw new Damaged("its end is missing");
}

/** The first line. @throws as `readShard` */
export async function readShardHead(path: string): Promise<ShardHead> {
  for await (const line of lineBytes(path)) return headOf(parsed(line));
  throw new Damaged("it is empty");
}

function headOf(value: Record<string, unknown>): ShardHead {
  const { format, name, work, shard, command } = value;
  if (format !== SHARD_FORMAT) throw new Damaged(`its format is not ${SHARD_FORMAT}`);
  if (typeof name === "string" && work && shard && Array.isArray(command)) return value as unknown as ShardHead;
  throw new Damaged("it does not say what it is of");
}

function parsed(line: Buffer): Record<string, unknown> {
  try {
    const value = parseExactJson(line.toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Cut off, or overwritten.
  }
  throw new Damaged("a line is no JSON");
}

/** The bytes of each line, without its end. */
async function* lineBytes(path: string): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, end)]);
        rest = [];
        from = end + 1;
      }
      rest.push(chunk.subarray(from));
    }
  } catch (error) {
    throw ioError(error, "read", path);
  }
  const last = Buffer.concat(rest);
  if (last.length > 0) yield last;
}
