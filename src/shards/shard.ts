import { VoxtwirlError } from "../errors.ts";

/** One of `count` parts of a long command. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** Far above what any cluster runs, and still fine to list. */
const MOST_SHARDS = 100_000;

const FIX = "Give --shard I/N with I from 0 to N - 1, such as 0/6; or auto, or auto/N, in a job of Slurm and others.";

/** @throws VoxtwirlError "bad-option" for what is none */
export function checkedShard(index: number, count: number, said: string): Shard {
  const isCount = Number.isSafeInteger(count) && count >= 1 && count <= MOST_SHARDS;
  if (isCount && Number.isSafeInteger(index) && index >= 0 && index < count) return { index, count };
  throw new VoxtwirlError("bad-option", `${said} is no shard`, FIX);
}

/**
 * A shard as it is written: "2/6".
 *
 * @throws VoxtwirlError "bad-option" for what is none
 */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  return checkedShard(index === undefined ? NaN : Number(index), Number(count), text);
}

export function shardText({ index, count }: Shard): string {
  return `${index}/${count}`;
}

/** Items 0, 1, 2, ... are dealt out in turn, so that shards are of one size, however many items there are. */
export function isOwn({ index, count }: Shard, item: number): boolean {
  return item % count === index;
}
