import { describe, expect, it } from "vitest";
import { octahedral, so3 } from "../../src/equivariance/groups.ts";
import { parseXyzFrames } from "../../src/formats/xyzStream.ts";
import { encodeXyzFrame } from "../../src/formats/xyzWriter.ts";
import { readRotatedFrames, type ReadRotatedFramesOptions } from "../../src/frames/rotatedFrames.ts";
import type { RotatedFault, RotatedStructure } from "../../src/frames/rotatedStructure.ts";
import { rotateFrames, type RotateFramesOptions } from "../../src/frames/rotateFrames.ts";
import { twirlMark } from "../../src/frames/twirlKeys.ts";
import type { Frame, FrameColumn, InfoValue, NumberedFrame } from "../../src/molecules/frame.ts";
import { Random } from "../../src/random.ts";
import { water } from "../formats/frames.ts";

const column = (values: ArrayLike<number>): FrameColumn => ({ kind: "R", width: 3, values: Float64Array.from(values) });
const random = new Random(3);
const draws = (count: number) => Float64Array.from({ length: count }, () => random.normal());

/** Frames 1, 2 and 4 of a file, in a cell and not, of unequal sizes. */
const original: NumberedFrame[] = [
  { number: 1, ...labelled(water({ positions: draws(9) })) },
  { number: 2, ...labelled({ ...water(), elements: Uint8Array.of(6, 8), positions: draws(6) }) },
  {
    number: 4,
    ...labelled(
      water({ positions: draws(9), cell: Float64Array.of(5, 0, 0, 1, 6, 0, 0, 2, 7), pbc: [true, true, false] }),
    ),
  },
];

function labelled(frame: Frame): Frame {
  const forces = column(draws(frame.positions.length));
  return { ...frame, arrays: new Map([["forces", forces]]), info: new Map([["energy", random.normal()]]) };
}

/** Copies as a program gives them back: with predictions, through a file of ten digits. */
async function predicted(options: Partial<RotateFramesOptions> = {}, mark = true): Promise<NumberedFrame[]> {
  let text = "";
  for await (const copy of rotateFrames(original, { group: so3, twirl: 3, seed: 1, ...options })) {
    const info = new Map<string, InfoValue>(mark ? copy.info : []).set("energy", random.normal());
    const arrays = new Map([["forces", column(draws(copy.positions.length))]]);
    text += encodeXyzFrame({ ...copy, info, arrays }, { digits: 10 });
  }
  return parseXyzFrames(text);
}

async function read(options: Partial<ReadRotatedFramesOptions> & Pick<ReadRotatedFramesOptions, "predicted">) {
  const faults: RotatedFault[] = [];
  const structures: RotatedStructure[] = [];
  const given = { original, onFault: (fault: RotatedFault) => faults.push(fault), ...options };
  for await (const structure of readRotatedFrames(given)) structures.push(structure);
  return { structures, faults, numbers: numbersOf(structures) };
}

/** Of each structure its number, and those of its copies with those of the predicted frames. */
const numbersOf = (structures: RotatedStructure[]) =>
  structures.map(({ original, copies }) => [original.number, copies.map((one) => [one.copy, one.predicted.number])]);

const all = [1, 2, 4].map((number, i) => [number, [1, 2, 3].map((copy) => [copy, 3 * i + copy])]);

describe("readRotatedFrames", () => {
  it("gives predictions by structure, with the rotations", async () => {
    const frames = await predicted();
    const { structures, faults, numbers } = await read({ predicted: frames });
    expect([numbers, faults]).toEqual([all, []]);
    for (const { original: before, expected, copies } of structures) {
      expect([expected, before]).toEqual([3, original.find(({ number }) => number === before.number)]);
      for (const { rotation, predicted: frame, labels } of copies) {
        expect(rotation).toEqual(twirlMark(frame)!.rotation);
        expect([labels.energy, labels.forces]).toEqual([frame.info.get("energy"), frame.arrays.get("forces")!.values]);
      }
    }
  });

  it("takes atoms that were centred, shifted or wrapped into their cell, not such as were moved", async () => {
    const centred = await predicted({ center: true });
    expect((await read({ predicted: centred })).faults).toEqual([]);
    const shifted = centred.map((frame) => ({ ...frame, positions: frame.positions.map((value) => value + 2) }));
    const wrapped = shifted.map((frame) => {
      const { cell, positions } = frame;
      return cell
        ? { ...frame, positions: positions.map((v, i) => (i < 3 ? v - cell[i]! + 2 * cell[3 + i]! : v)) }
        : frame;
    });
    expect((await read({ predicted: wrapped })).faults).toEqual([]);
    const moved = centred.map((frame, i) =>
      [1, 8].includes(i) ? { ...frame, positions: frame.positions.map((v, at) => (at === 3 ? v + 0.01 : v)) } : frame,
    );
    const { faults, numbers } = await read({ predicted: moved });
    expect(faults.map(({ kind, frame, predicted }) => [kind, frame, predicted])).toEqual([
      ["foreign", 1, 2],
      ["missing", 1, undefined],
      ["foreign", 4, 9],
      ["missing", 4, undefined],
    ]);
    expect(faults[0]!.message).toBe(
      "predicted frame 2, copy 2 of frame 1, has atoms 0.0100 A from where its rotation has them: were they moved?",
    );
    expect(numbers[0]).toEqual([1, [1, 3].map((copy) => [copy, copy])]);
    expect((await read({ predicted: moved, tolerance: 0.1 })).faults).toEqual([]);
  });

  it("tells missing, reordered, doubled and foreign frames", async () => {
    const frames = await predicted();
    const at = (...numbers: number[]) => numbers.map((number, i) => ({ ...frames[number - 1]!, number: i + 1 }));
    const told = async (given: NumberedFrame[]) =>
      (await read({ predicted: given })).faults.map((fault) => fault.message);
    expect(await told(at(1, 3, 7, 8, 9))).toEqual([
      "1 of 3 copies of frame 1 have no prediction: 2",
      "no prediction is there for any copy of frame 2",
    ]);
    expect(await told(at(4, 5, 6))).toEqual([
      "no prediction is there for any copy of frame 1",
      "no prediction is there for any copy of frame 4",
    ]);
    expect(await told(at(1, 2, 3, 4, 5, 6, 7, 1, 9))).toEqual([
      "predicted frame 8, copy 1 of frame 1, stands after copies of frame 4",
      "1 of 3 copies of frame 4 have no prediction: 2",
    ]);
    expect(await told(at(2, 1, 2, 3, 4, 5, 6, 7, 8, 9))).toEqual([
      "predicted frame 3, copy 2 of frame 1, is there already, as 1",
    ]);
    const foreign = at(1, 2, 3, 4, 5, 6, 7, 8, 9);
    foreign[1] = { ...foreign[1]!, elements: Uint8Array.of(1, 8, 1) };
    foreign[4] = { ...foreign[4]!, info: new Map() };
    foreign[8] = { ...foreign[8]!, info: new Map(foreign[8]!.info).set("twirl_frame", 9) };
    expect(await told(foreign)).toEqual([
      "predicted frame 2, copy 2 of frame 1, has other elements than that, or another order",
      "1 of 3 copies of frame 1 have no prediction: 2",
      "predicted frame 5 is a copy of no frame",
      "1 of 3 copies of frame 2 have no prediction: 2",
      "1 of 3 copies of frame 4 have no prediction: 3",
      "predicted frame 9, copy 3 of frame 9, is of a frame that the original file does not have",
    ]);
  });

  it("matches frames without marks by those that were given to the program", async () => {
    const rotated = await predicted();
    const lost = await predicted({}, false);
    expect(await read({ predicted: lost, rotated })).toMatchObject({ faults: [], numbers: all });
    const swapped = [2, 1, 3, 4, 6, 7, 8, 9].map((number) => lost[number - 1]!);
    const found = await read({ predicted: swapped, rotated });
    expect(found.faults.map(({ message }) => message)).toEqual(["1 of 3 copies of frame 2 have no prediction: 2"]);
    expect(found.structures[0]!.copies.map(({ predicted: { number } }) => number)).toEqual([1, 2, 3]);
    const other = { ...lost[4]!, positions: lost[4]!.positions.map((value) => 2 * value) };
    const { faults } = await read({ predicted: lost.with(4, other), rotated });
    expect(faults[0]).toMatchObject({ kind: "foreign", predicted: 5 });
    await expect(read({ predicted: lost })).rejects.toThrow("frame 1 of the predictions does not say which rotation");
    await expect(read({ predicted: lost, rotated: lost })).rejects.toThrow(
      "frame 1 of the rotated frames does not say",
    );
  });

  it("tells predictions that are the labels", async () => {
    const copied = (await predicted({ group: octahedral })).map((frame) => {
      const before = original.find(({ number }) => number === twirlMark(frame)!.frame)!;
      if (before.number === 1) return { ...frame, info: new Map(frame.info).set("energy", before.info.get("energy")!) };
      return before.number === 2 ? { ...frame, arrays: before.arrays } : frame;
    });
    const { faults, structures } = await read({ predicted: copied });
    expect(faults.map(({ kind, message }) => [kind, message])).toEqual([
      ["labels", "of frame 1 all predicted energies are the label to the last digit: are they a copy of it?"],
      [
        "labels",
        expect.stringMatching(/^of frame 2 the forces of copy \d are the labels to the last digit, not turned$/),
      ],
    ]);
    expect(structures).toHaveLength(3);
  });

  it("finds predictions by their names", async () => {
    const frames = (await predicted()).map((frame) => ({
      ...frame,
      info: new Map(frame.info).set("mace_e", 5),
      arrays: new Map(frame.arrays).set("F", column(new Float64Array(frame.positions.length))),
    }));
    const { structures } = await read({ predicted: frames, names: { energy: "mace_e", forces: "F" } });
    expect(structures[2]!.copies[1]!.labels).toEqual({ energy: 5, forces: new Float64Array(9) });
  });
});
