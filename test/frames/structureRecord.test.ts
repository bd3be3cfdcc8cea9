import { expect, it } from "vitest";
import { so3 } from "../../src/equivariance/groups.ts";
import { FrameTally } from "../../src/frames/frameTally.ts";
import { readRotatedFrames } from "../../src/frames/rotatedFrames.ts";
import type { RotatedStructure } from "../../src/frames/rotatedStructure.ts";
import type { StructureRecord } from "../../src/frames/structureRecord.ts";
import type { NumberedFrame } from "../../src/molecules/frame.ts";
import { Random } from "../../src/random.ts";
import { exactJson, parseExactJson } from "../../src/shards/exactJson.ts";
import { column, forcesOf, predictedFrames, withField } from "./predicting.ts";

const random = new Random(3);
const atoms = 100;
const draws = () => Float64Array.from({ length: 3 * atoms }, () => random.normal());
const frames: NumberedFrame[] = Array.from({ length: 12 }, (_, i) => ({
  ...{ number: i + 1, elements: new Uint8Array(atoms).fill(6), positions: draws() },
  arrays: new Map([["forces", column(draws())]]),
  info: new Map(),
}));

/** Forces with more digits from frame to frame, so that of which frames digits are counted matters. */
async function structures(): Promise<RotatedStructure[]> {
  const predicted = await predictedFrames(frames, { group: so3, twirl: 3 }, (rotation, original) => ({
    arrays: {
      forces: withField(rotation, forcesOf(original), 0.01).map((x) => Number(x.toFixed(2 + (original.number % 7)))),
    },
  }));
  const found: RotatedStructure[] = [];
  for await (const structure of readRotatedFrames({ predicted, original: frames })) found.push(structure);
  return found;
}

it("is all that a structure adds, also where tallies have read all the digits that they look at", async () => {
  const all = await structures();
  const whole = new FrameTally();
  for (const structure of all) whole.add(structure);
  for (const count of [2, 5]) {
    const records: StructureRecord[] = [];
    for (let shard = 0; shard < count; shard++) {
      const tally = new FrameTally();
      for (const structure of all.filter((_, i) => i % count === shard)) {
        const record = tally.record(structure)!;
        tally.take(record);
        records.push(parseExactJson(exactJson(record)) as StructureRecord);
      }
      // Later structures of a shard no longer bring their numbers along.
      expect(records.at(-1)!.terms.forces!.floor.read).toHaveLength(count === 2 ? 0 : 900);
    }
    const merged = new FrameTally();
    for (const record of records.sort((a, b) => a.frame - b.frame)) merged.take(record);
    expect(merged.result()).toStrictEqual(whole.result());
  }
  expect(whole.result().terms.forces!.floor.digits).not.toBe(0);
});
