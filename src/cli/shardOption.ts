import { Option } from "@commander-js/extra-typings";
import { autoShard } from "../shards/autoShard.ts";
import { shellWord } from "../shards/shardFolder.ts";
import { parseShard, type Shard } from "../shards/shard.ts";

/** The option of commands that can be divided. */
export const shardOption = () =>
  new Option(
    "--shard <I/N>",
    "do part I of N, from 0, and leave what it gives in --out for voxtwirl merge; auto: the part that Slurm's array, " +
      "Kubernetes' Indexed Job or MPI says; auto/N: of N",
  ).argParser((value: string): Shard => {
    const [, auto, count] = /^(auto)(?:\/(\d+))?$/.exec(value) ?? [];
    if (auto === undefined) return parseShard(value);
    return autoShard(process.env, count === undefined ? undefined : Number(count));
  });

/** The words of this command without --shard: with another one they make another shard. */
export function commandWords(words: readonly string[] = process.argv.slice(2)): string[] {
  return words.filter((word, i) => word !== "--shard" && words[i - 1] !== "--shard" && !word.startsWith("--shard="));
}

/** What is said once a shard is written. */
export function writtenLines(path: string, out: string, { count }: Shard): string[] {
  return [`written: ${path}`, `Once all ${count} are there: voxtwirl merge ${shellWord(out)}`];
}
