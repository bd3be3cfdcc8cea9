/** The shards of a folder: which are there, which are not, and the commands that make these. */
import { join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { isFolder, list } from "../node/folders.ts";
import { shardText, type Shard } from "./shard.ts";
import {
  Damaged,
  parseShardFileName,
  readShard,
  readShardHead,
  SHARDS,
  shardFileName,
  type ShardHead,
} from "./shardFile.ts";
import { differences } from "./work.ts";

/** All shards of one work, whole and checked. */
export interface WholeWork {
  readonly head: ShardHead;
  /** Files by the shard's index. */
  readonly files: readonly string[];
}

/** The files of one work, cut into so many shards. */
interface Cut {
  readonly name: string;
  readonly count: number;
  readonly there: readonly number[];
}

/** How many missing shards are named. */
const NAMED = 20;

/**
 * Finds the shards of a folder's work and reads each to its end once.
 *
 * @param wanted the work's name, that without its hash, or what it begins with, where the folder holds several
 * @throws VoxtwirlError "no-data" naming shards that are missing or damaged, with the commands that make them, also
 *   where there are none; "bad-option" where there are several works, with what they differ in
 */
export async function wholeWork(out: string, wanted?: string): Promise<WholeWork> {
  const folder = join(out, SHARDS);
  const cuts = cutsOf((await isFolder(folder)) ? await list(folder) : []);
  const named = cuts.filter(({ name }) => name.replace(/-[0-9a-f]{12}$/, "") === wanted);
  const chosen = named.length > 0 ? named : cuts.filter(({ name }) => name.startsWith(wanted ?? ""));
  if (chosen.length === 0) throw nothingThere(out, wanted, cuts);
  const heads = await headsOf(folder, chosen);
  if (new Set(chosen.map(({ name }) => name)).size > 1) throw several(out, chosen, heads);
  // The same items come of any cut: the one that lacks the fewest shards will do.
  const cut = chosen.reduce((best, one) => (lacking(one) < lacking(best) ? one : best));
  const faults: [index: number, why: string][] = [];
  const files: string[] = [];
  let head = heads.get(cut);
  for (let index = 0; index < cut.count; index++) {
    const file = join(folder, shardFileName(cut.name, { index, count: cut.count }));
    const fault = cut.there.includes(index) ? await faultOf(file, cut.name, index) : "is missing";
    if (fault !== undefined) faults.push([index, fault]);
    head ??= fault === undefined ? await readShardHead(file) : undefined;
    files.push(file);
  }
  if (faults.length > 0) throw notWhole(out, cut, faults, head);
  return { head: head!, files };
}

/** The file of a shard that was made before, whole; undefined where it has to be made. */
export async function findShard(out: string, name: string, shard: Shard): Promise<string | undefined> {
  const folder = join(out, SHARDS);
  const file = shardFileName(name, shard);
  if (!(await isFolder(folder)) || !(await list(folder)).includes(file)) return undefined;
  const path = join(folder, file);
  return (await faultOf(path, name, shard.index)) === undefined ? path : undefined;
}

function cutsOf(names: readonly string[]): Cut[] {
  const cuts = new Map<string, { name: string; count: number; there: number[] }>();
  for (const file of [...names].sort()) {
    const found = parseShardFileName(file);
    if (found === undefined) continue;
    const { name, shard } = found;
    const cut = cuts.get(`${name} ${shard.count}`) ?? { name, count: shard.count, there: [] };
    cut.there.push(shard.index);
    cuts.set(`${name} ${shard.count}`, cut);
  }
  return [...cuts.values()];
}

const lacking = ({ count, there }: Cut): number => count - there.length;

/** What each cut's first shard that can be read says of itself. */
async function headsOf(folder: string, cuts: readonly Cut[]): Promise<ReadonlyMap<Cut, ShardHead>> {
  const heads = new Map<Cut, ShardHead>();
  for (const cut of cuts) {
    for (const index of cut.there) {
      const file = join(folder, shardFileName(cut.name, { index, count: cut.count }));
      const head = await unlessDamaged(readShardHead(file));
      if (head === undefined) continue;
      heads.set(cut, head);
      break;
    }
  }
  return heads;
}

async function unlessDamaged<T>(made: Promise<T>): Promise<T | undefined> {
  try {
    return await made;
  } catch (error) {
    if (error instanceof Damaged) return undefined;
    throw error;
  }
}

async function faultOf(file: string, name: string, index: number): Promise<string | undefined> {
  try {
    const head = await readShardHead(file);
    for await (const _ of readShard(file));
    return head.name === name && head.shard.index === index ? undefined : "is another one, renamed";
  } catch (error) {
    if (error instanceof Damaged) return `is damaged: ${error.message}`;
    throw error;
  }
}

function nothingThere(out: string, wanted: string | undefined, cuts: readonly Cut[]): VoxtwirlError {
  const what = wanted === undefined ? "" : ` of a work ${wanted}`;
  const names = [...new Set(cuts.map(({ name }) => name))].join(", ");
  const fix = cuts.length > 0 ? `There are: ${names}.` : `Make them with --shard I/N --out ${out}.`;
  return new VoxtwirlError("no-data", `${out} holds no shards${what}`, fix);
}

function several(out: string, cuts: readonly Cut[], heads: ReadonlyMap<Cut, ShardHead>): VoxtwirlError {
  const names = [...new Set(cuts.map(({ name }) => name))];
  const [a, b] = names.map((name) => heads.get(cuts.find((cut) => cut.name === name)!));
  const why = a && b ? differences(a.work, b.work).join("; ") : "not all can be read";
  const nearest = cuts.reduce((best, one) => (lacking(one) < lacking(best) ? one : best));
  const lists = cuts.map((cut) => `${cut.name} (${cut.there.length} of ${cut.count} shards)`).join(", ");
  return new VoxtwirlError(
    "bad-option",
    `${out} holds shards of ${names.length} works, which do not go together: ${lists}: ${why}`,
    `Say which one: voxtwirl merge ${shellWord(out)} ${nearest.name}; or make shards again, so that they are of one.`,
  );
}

function notWhole(
  out: string,
  { name, count }: Cut,
  faults: readonly (readonly [index: number, why: string])[],
  head: ShardHead | undefined,
): VoxtwirlError {
  const told = faults.slice(0, NAMED);
  const more = faults.length > NAMED ? `, and ${faults.length - NAMED} more` : "";
  const said = told.map(([index, why]) => `shard ${index} ${why}`).join(", ");
  const message = `${faults.length} of ${count} shards of ${name} are missing or damaged: ${said}${more}`;
  if (head === undefined) {
    return new VoxtwirlError("no-data", message, `Make them again with --shard I/${count} --out ${out}.`);
  }
  const commands = told.map(([index]) => `    ${commandOf(head.command, { index, count })}`);
  return new VoxtwirlError("no-data", message, ["Make them:", ...commands].join("\n"));
}

/** What makes a shard, as a shell takes it. */
export function commandOf(command: readonly string[], shard: Shard): string {
  return ["voxtwirl", ...command, "--shard", shardText(shard)].map(shellWord).join(" ");
}

/** A word as a POSIX shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
