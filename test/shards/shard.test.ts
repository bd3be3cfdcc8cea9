import { describe, expect, it } from "vitest";
import { autoShard } from "../../src/shards/autoShard.ts";
import { exactJson, parseExactJson } from "../../src/shards/exactJson.ts";
import { isOwn, parseShard } from "../../src/shards/shard.ts";
import { differences, workName, workOf } from "../../src/shards/work.ts";

describe("a shard", () => {
  it("is written I/N, I from 0", () => {
    expect(parseShard("0/1")).toEqual({ index: 0, count: 1 });
    expect(parseShard("63/64")).toEqual({ index: 63, count: 64 });
    for (const text of ["3/3", "1", "1/0", "-1/2", "1/2/3", "a/b", "0/999999999", " 0/1"]) {
      expect(() => parseShard(text), text).toThrow(expect.objectContaining({ code: "bad-option" }));
    }
  });

  it("has every item once, and shards are of one size", () => {
    const shards = Array.from({ length: 7 }, (_, index) => ({ index, count: 7 }));
    const items = Array.from({ length: 100 }, (_, item) => item);
    for (const item of items) expect(shards.filter((shard) => isOwn(shard, item))).toHaveLength(1);
    const sizes = shards.map((shard) => items.filter((item) => isOwn(shard, item)).length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBe(1);
  });
});

/** Variables of a task of an array. */
const slurm = (id: number, min = 0, max = 5, step = 1, count = (max - min) / step + 1) => ({
  SLURM_ARRAY_TASK_ID: String(id),
  SLURM_ARRAY_TASK_MIN: String(min),
  SLURM_ARRAY_TASK_MAX: String(max),
  SLURM_ARRAY_TASK_STEP: String(step),
  SLURM_ARRAY_TASK_COUNT: String(count),
});
const refused = (message: RegExp) =>
  expect.objectContaining({ code: "bad-option", message: expect.stringMatching(message) as string }) as Error;

describe("autoShard", () => {
  it("counts the tasks of a Slurm array from its lowest, by its step", () => {
    expect(autoShard(slurm(4))).toEqual({ index: 4, count: 6 });
    expect(autoShard(slurm(14, 10, 18, 4))).toEqual({ index: 1, count: 3 });
    // Slurm tells the step since 22.05 or so, older ones where it is not 1.
    const { SLURM_ARRAY_TASK_STEP: _, ...old } = slurm(1);
    expect(autoShard(old)).toEqual({ index: 1, count: 6 });
  });

  it("does not take a list of tasks, or some that are done again, for a range", () => {
    expect(() => autoShard(slurm(3, 1, 7, 1, 3))).toThrow(refused(/no range/));
    expect(() => autoShard(slurm(12, 10, 18, 4))).toThrow(refused(/no range/));
    expect(autoShard(slurm(3, 3, 3), 6)).toEqual({ index: 3, count: 6 });
    expect(() => autoShard(slurm(6, 0, 6), 6)).toThrow(refused(/SLURM_ARRAY_TASK_ID=6 of 6 is no shard/));
  });

  it("takes the completion of an Indexed Job, of as many as are said", () => {
    expect(autoShard({ JOB_COMPLETION_INDEX: "2" }, 3)).toEqual({ index: 2, count: 3 });
    expect(autoShard({ JOB_COMPLETION_INDEX: "0", VOXTWIRL_SHARD_COUNT: "3" })).toEqual({ index: 0, count: 3 });
    expect(() => autoShard({ JOB_COMPLETION_INDEX: "2" })).toThrow(refused(/of how many/));
    expect(() => autoShard({ JOB_COMPLETION_INDEX: "3" }, 3)).toThrow(refused(/3 of 3 is no shard/));
  });

  it.each(["OMPI_COMM_WORLD", "PMI"])("takes an MPI process: %s", (name) => {
    const env = { [`${name}_RANK`]: "1", [`${name}_SIZE`]: "4" };
    expect(autoShard(env)).toEqual({ index: 1, count: 4 });
    expect(autoShard(env, 4)).toEqual({ index: 1, count: 4 });
    expect(() => autoShard(env, 5)).toThrow(refused(/_SIZE is 4, and --shard says 5/));
    expect(() => autoShard({ [`${name}_RANK`]: "1" })).toThrow(refused(/_SIZE is not set/));
  });

  it("says what it looked for where nothing is there, and what cannot be", () => {
    expect(() => autoShard({})).toThrow(refused(/SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, OMPI_.*, PMI_RANK/));
    expect(() => autoShard({ ...slurm(0), SLURM_ARRAY_TASK_ID: "x" })).toThrow(refused(/"x", no whole number/));
    expect(() => autoShard({ ...slurm(0), PMI_RANK: "0", PMI_SIZE: "2" })).toThrow(
      refused(/both SLURM.* and PMI_RANK/),
    );
    expect(autoShard({ ...slurm(1), PMI_RANK: "0", PMI_SIZE: "1" })).toEqual({ index: 1, count: 6 });
  });
});

describe("exactJson", () => {
  it("gives back every number to the bit, and all else as JSON does", () => {
    const value = { a: [NaN, Infinity, -Infinity, -0, 0, 0.1, 5e-324], b: { number: 3 }, c: { number: "x", d: null } };
    expect(parseExactJson(exactJson(value))).toStrictEqual(value);
    expect(exactJson({ a: [1, null, "x"] })).toBe('{"a":[1,null,"x"]}');
  });
});

describe("a work", () => {
  const work = workOf({ kind: "experiment", steps: 4, data: "ab", arms: ["so3"] });

  it("has a name that does not depend on the order of its settings", () => {
    const other = workOf({ arms: ["so3"], data: "ab", kind: "experiment", steps: 4 });
    expect(workName("dip", other)).toBe(workName("dip", work));
    expect(workName("dip", work)).toMatch(/^dip-[0-9a-f]{12}$/);
    expect(workName("dip", { ...work, version: "other" })).not.toBe(workName("dip", work));
  });

  it("tells what another one has instead", () => {
    const other = { ...work, steps: 6, arms: undefined };
    expect(differences(work, other)).toEqual([
      ...['arms is ["so3"] in one and not there in the other', "steps is 4 in one and 6 in the other"],
    ]);
  });
});
