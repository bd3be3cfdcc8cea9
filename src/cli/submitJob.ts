/** What a job is made of, whoever runs it. */
import { folderOf } from "../experiments/list.ts";
import { shellWord } from "../shards/shardFolder.ts";
import { taskNamed, taskOfPreset } from "../tasks/list.ts";
import { badOption } from "./args.ts";

/** A command that is to be divided. */
export interface DividedCommand {
  /** Its words, with --out and without --shard. */
  readonly words: readonly string[];
  /** The folder that shards share. */
  readonly out: string;
  /** Which of the folder's works it is: what `voxtwirl merge` takes. */
  readonly work: string;
}

/** What a job asks for. */
export interface Resources {
  readonly shards: number;
  readonly cpus: number;
  /** Such as "4G". */
  readonly memory: string;
  readonly gpus: number;
}

const DIVIDED = ["experiment", "measure"];

/**
 * Looks at the command after "--".
 *
 * @throws VoxtwirlError "bad-option" for one that cannot be divided, or says itself how
 */
export function dividedCommand(given: readonly string[]): DividedCommand {
  const [name = ""] = given;
  if (!DIVIDED.includes(name)) {
    throw badOption(`${JSON.stringify(name)} cannot be divided`, `Give one of these after --: ${DIVIDED.join(", ")}.`);
  }
  if (given.some((word) => /^--shard(=|$)/.test(word))) {
    throw badOption("the command has --shard", "Leave it out: the job's tasks get theirs.");
  }
  if (name === "measure" && valueOf(given, "frames") === undefined) {
    throw badOption("measure is divided with --frames alone", "See: voxtwirl help measure");
  }
  // Scripts and manifests are lines.
  const odd = given.find((word) => /\p{Cc}/u.test(word));
  if (odd !== undefined) throw badOption(`${JSON.stringify(odd)} has control characters`, "Use another name.");
  const work = name === "measure" ? "measure" : experimentOf(given);
  const out = valueOf(given, "out");
  if (out !== undefined) return { words: given, out, work };
  if (name === "measure") throw badOption("the command has no --out", "Give the folder that all shards share.");
  return { words: [...given, "--out", "laboratory"], out: "laboratory", work };
}

function experimentOf(words: readonly string[]): string {
  const name = words[1] ?? "";
  if (name === "" || name.startsWith("-")) {
    throw badOption("which experiment is not said", "Give its name first: experiment dip --out DIR");
  }
  const preset = valueOf(words, "preset");
  return folderOf(name, preset === undefined ? taskNamed(valueOf(words, "task")).name : taskOfPreset(preset).name);
}

/** The value of an option among words: "--out DIR" or "--out=DIR". */
function valueOf(words: readonly string[], option: string): string | undefined {
  const at = words.findIndex((word) => word === `--${option}` || word.startsWith(`--${option}=`));
  if (at < 0) return undefined;
  const word = words[at]!;
  return word.includes("=") ? word.slice(word.indexOf("=") + 1) : words[at + 1];
}

/** The words of a shard's command, and of the one that merges. */
export function jobWords({ words, out, work }: DividedCommand, shards: number) {
  return { shard: [...words, "--shard", `auto/${shards}`], merge: ["merge", out, work] };
}

/** Words as a POSIX shell takes them. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

/** "1-02:03:04" */
export function timeText(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const [days, rest] = [Math.floor(seconds / 86_400), seconds % 86_400];
  const clock = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60), rest % 60].map(two).join(":");
  return days > 0 ? `${days}-${clock}` : clock;
}

/** Seconds of "HH:MM:SS" and "D-HH:MM:SS"; undefined of others and of none. */
export function parseTime(text: string): number | undefined {
  const [, days = "0", ...clock] = /^(?:(\d{1,3})-)?(\d{1,3}):([0-5]\d):([0-5]\d)$/.exec(text) ?? [];
  if (clock.length === 0) return undefined;
  const [hours, minutes, seconds] = clock.map(Number) as [number, number, number];
  return 86_400 * Number(days) + 3600 * hours + 60 * minutes + seconds || undefined;
}
