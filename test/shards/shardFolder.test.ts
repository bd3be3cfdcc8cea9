import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readShard, writeShard } from "../../src/shards/shardFile.ts";
import { commandOf, findShard, wholeWork } from "../../src/shards/shardFolder.ts";
import { workName, workOf } from "../../src/shards/work.ts";
import { temporaryFolder } from "../temporary.ts";

const root = temporaryFolder("shards");
let out = "";
let tests = 0;
beforeEach(() => {
  out = join(root, String(tests++));
});

const makeWork = (steps: number) => workOf({ kind: "test", steps });
const nameOf = (steps: number) => workName("test", makeWork(steps));

async function write(index: number, count: number, { steps = 4, items = [index] as unknown[] } = {}) {
  const [work, name] = [makeWork(steps), nameOf(steps)];
  const command = ["experiment", "dip", "--out", "a b"];
  return writeShard(out, { name, work, shard: { index, count }, command, about: { index } }, items);
}

async function itemsOf(files: readonly string[]): Promise<unknown[]> {
  const items: unknown[] = [];
  for (const file of files) for await (const item of readShard(file)) items.push(item);
  return items;
}

const refused = (code: string, text: RegExp, fix = /./) =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(text) as string,
    fix: expect.stringMatching(fix) as string,
  }) as Error;

describe("shards of a folder", () => {
  it("are one work once all are there, in order, whenever they came; done twice they are one", async () => {
    for (const index of [2, 0, 1, 2]) await write(index, 3);
    const { files, head } = await wholeWork(out);
    expect(await itemsOf(files)).toEqual([0, 1, 2]);
    expect(head).toMatchObject({ name: nameOf(4), about: { index: 0 } });
    expect(readdirSync(join(out, "shards"))).toHaveLength(3);
    expect(await findShard(out, nameOf(4), { index: 1, count: 3 })).toBe(files[1]);
    expect(await findShard(out, nameOf(4), { index: 1, count: 4 })).toBe(undefined);
  });

  it("that are missing are named with the commands that make them", async () => {
    await write(1, 3);
    await expect(wholeWork(out)).rejects.toThrow(
      refused(
        "no-data",
        /^2 of 3 shards .*: shard 0 is missing, shard 2 is missing$/,
        /\n {4}voxtwirl experiment dip --out 'a b' --shard 0\/3\n {4}voxtwirl .* --shard 2\/3$/,
      ),
    );
    await expect(wholeWork(join(root, "nowhere"))).rejects.toThrow(refused("no-data", /holds no shards$/, /--shard I/));
    await expect(wholeWork(out, "dip")).rejects.toThrow(refused("no-data", /of a work dip$/, /There are: test-/));
  });

  const damages: [string, (text: string) => string, RegExp][] = [
    ["a digit changed", (text) => text.replace('"item":1', '"item":2'), /its checksum is wrong/],
    ["its end cut off", (text) => text.slice(0, text.lastIndexOf("{")), /its end is missing/],
    ["a line cut off", (text) => text.slice(0, -20), /a line is no JSON/],
    ["nothing in it", () => "", /it is empty/],
    ["something behind it", (text) => `${text}{"item":7}\n`, /it goes on after its end/],
    ["a line gone", (text) => text.replace('{"item":1}\n', ""), /its checksum is wrong/],
    ["another format", (text) => text.replace('"format":1', '"format":2'), /its format is not 1/],
    ["other contents", () => '{"format":1}\n', /it does not say what it is of/],
    ["zeros", (text) => "\0".repeat(text.length), /a line is no JSON/],
  ];
  it.each(damages)("with %s are named, and are made again", async (_, damage, why) => {
    await write(0, 2);
    const path = await write(1, 2);
    writeFileSync(path, damage(readFileSync(path, "utf8")));
    const error = refused("no-data", new RegExp(`^1 of 2 .*: shard 1 is damaged: ${why.source}`), /--shard 1\/2$/);
    await expect(wholeWork(out)).rejects.toThrow(error);
    expect(await findShard(out, nameOf(4), { index: 1, count: 2 })).toBe(undefined);
    await write(1, 2);
    expect((await wholeWork(out)).files).toHaveLength(2);
  });

  it("that were renamed are not what their names say", async () => {
    const path = await write(0, 2);
    cpSync(path, path.replace(".0-of-2", ".1-of-2"));
    await expect(wholeWork(out)).rejects.toThrow(refused("no-data", /shard 1 is another one, renamed/));
  });

  it("all damaged are named still", async () => {
    writeFileSync(await write(0, 1), "");
    await expect(wholeWork(out)).rejects.toThrow(refused("no-data", /shard 0 is damaged/, /--shard I\/1 --out/));
  });

  it("of two works do not go together: it says why, and takes the one that is meant", async () => {
    await write(0, 2);
    await write(1, 2, { steps: 6 });
    const why = /holds shards of 2 works.*\(1 of 2 shards\).*steps is (4|6) in one and (4|6) in the other/;
    await expect(wholeWork(out)).rejects.toThrow(refused("bad-option", why, /voxtwirl merge .* test-/));
    await write(1, 2);
    expect(await itemsOf((await wholeWork(out, nameOf(4))).files)).toEqual([0, 1]);
  });

  it("of several cuts: the one that is whole will do, and other files do not matter", async () => {
    for (const index of [0, 1]) await write(index, 3);
    await write(0, 1, { items: ["all"] });
    mkdirSync(join(out, "shards", "folder"));
    writeFileSync(join(out, "shards", ".vt-01234567-0123456789abcdef.tmp"), "half");
    expect(await itemsOf((await wholeWork(out)).files)).toEqual(["all"]);
    rmSync(join(out, "shards", `${nameOf(4)}.0-of-1.jsonl`));
    await expect(wholeWork(out)).rejects.toThrow(refused("no-data", /1 of 3 shards/));
  });

  it("hold many items of any length, also without any", async () => {
    const items = Array.from({ length: 300 }, (_, i) => ({ i, text: "ä\u2028\n".repeat(i * 7) }));
    const paths = [await write(0, 2, { items }), await write(1, 2, { items: [] })];
    expect(await itemsOf(paths)).toEqual(items);
    renameSync(paths[1]!, `${paths[1]}.away`);
    await expect(itemsOf(paths)).rejects.toMatchObject({ code: "io" });
  });
});

describe("commandOf", () => {
  it("is what a shell takes", () => {
    const said = commandOf(["measure", "--data", "it's here.xyz", "--out=a"], { index: 0, count: 2 });
    expect(said).toBe("voxtwirl measure --data 'it'\\''s here.xyz' --out=a --shard 0/2");
  });
});
