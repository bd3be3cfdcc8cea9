import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Random } from "../../src/random.ts";
import { Damaged, readShard, writeShard } from "../../src/shards/shardFile.ts";
import { workName, workOf } from "../../src/shards/work.ts";
import { FUZZ_RUNS } from "../fuzzRuns.ts";
import { temporaryFolder } from "../temporary.ts";

const root = temporaryFolder("shardFuzz");
const random = new Random(11);

/** A byte changed, some lost, some doubled or some put in. */
function mutated(bytes: Buffer): Buffer {
  const [at, length] = [random.int(bytes.length), 1 + random.int(20)];
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + length))];
  const noise = Buffer.from(Array.from({ length }, () => random.int(256)));
  const kinds = [
    () => Buffer.concat([before, Buffer.from([random.int(256)]), bytes.subarray(at + 1)]),
    () => Buffer.concat([before, behind]),
    () => Buffer.concat([before, bytes.subarray(at, at + length), bytes.subarray(at)]),
    () => Buffer.concat([before, noise, bytes.subarray(at)]),
    () => before,
  ];
  return kinds[random.int(kinds.length)]!();
}

it("takes no file that was changed anywhere, and says that it is damaged", async () => {
  const work = workOf({ kind: "test" });
  const head = { name: workName("test", work), work, shard: { index: 0, count: 1 }, command: ["test"], about: null };
  const items = [{ a: [1.5, NaN, -0] }, "ä", null, { b: { c: 1e300 } }];
  const whole = readFileSync(await writeShard(root, head, items));
  const path = join(root, "mutated.jsonl");
  for (let run = 0; run < FUZZ_RUNS / 4; run++) {
    const bytes = mutated(whole);
    // The newline at the end is no part of what is checked.
    if (bytes.equals(whole) || bytes.equals(whole.subarray(0, -1))) continue;
    writeFileSync(path, bytes);
    const read = async () => {
      for await (const _ of readShard(path));
    };
    await expect(read(), bytes.toString("latin1")).rejects.toThrow(Damaged);
  }
});
