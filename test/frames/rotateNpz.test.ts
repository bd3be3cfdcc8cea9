import { describe, expect, it } from "vitest";
import { octahedral, rotatePoints, so3 } from "../../src/equivariance/groups.ts";
import { matrixGroup } from "../../src/equivariance/matrixGroup.ts";
import { quadrature } from "../../src/equivariance/quadrature.ts";
import { sourceOf } from "../../src/formats/byteSource.ts";
import { frameLabels } from "../../src/formats/frameLabels.ts";
import { decodeNpyArray } from "../../src/formats/npyArray.ts";
import { openNpzFrames } from "../../src/formats/npz.ts";
import { unzip, zipEntries } from "../../src/formats/zip.ts";
import { measureFrames } from "../../src/frames/measureFrames.ts";
import { rotateFrames } from "../../src/frames/rotateFrames.ts";
import { rotatedNpz } from "../../src/frames/rotateNpz.ts";
import { twirlMark, type TwirlMark } from "../../src/frames/twirlKeys.ts";
import { inflate } from "../../src/node/moleculeBytes.ts";
import { npzBytes, rmd17, type TestArray } from "../formats/npzBytes.ts";

const fail = (reason: string): never => {
  throw new Error(reason);
};

/** The arrays of an archive by their names; not the text that names the group. */
async function arraysOf(pieces: AsyncIterable<Uint8Array>): Promise<Record<string, TestArray>> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  const archive = sourceOf(Uint8Array.from(Buffer.concat(all)));
  const arrays: Record<string, TestArray> = {};
  for (const entry of await zipEntries(archive, fail)) {
    if (entry.name === "twirl_group.npy") continue;
    const { shape, data } = decodeNpyArray(await unzip(archive, entry, inflate, fail), fail);
    arrays[entry.name.replace(".npy", "")] = [shape, [...data]];
  }
  return arrays;
}

describe("rotatedNpz", () => {
  it("writes copies under the names that the arrays have, without labels", async () => {
    const cell: TestArray = [
      [3, 3],
      [5, 0, 0, 0, 6, 0, 1, 0, 7],
    ];
    const pbc: TestArray = [[3], [1, 0, 1]];
    const source = await openNpzFrames(npzBytes({ ...rmd17, cell, pbc }));
    const options = { group: octahedral, twirl: 5, seed: 2, center: true };
    const arrays = await arraysOf(rotatedNpz(source, options));
    expect(Object.keys(arrays).sort()).toEqual([
      "cell",
      "coords",
      "nuclear_charges",
      "pbc",
      "twirl_copies",
      "twirl_copy",
      "twirl_frame",
      "twirl_rotation",
    ]);
    const copies = [];
    for await (const copy of rotateFrames([source.frame(0), source.frame(1)], options)) copies.push(copy);
    expect(arrays.coords).toEqual([[10, 3, 3], copies.flatMap(({ positions }) => [...positions])]);
    expect(arrays.cell).toEqual([[10, 3, 3], copies.flatMap((copy) => [...copy.cell!])]);
    expect(arrays.twirl_rotation).toEqual([[10, 3, 3], copies.flatMap(({ info }) => info.get("twirl_rotation"))]);
    expect(arrays.twirl_frame).toEqual([[10], [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]]);
    expect(arrays.twirl_copy).toEqual([[10], [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]]);
    expect(arrays.twirl_copies).toEqual([[10], new Array(10).fill(5)]);
    expect(arrays.nuclear_charges).toEqual([[3], [8, 1, 1]]);
    expect(arrays.pbc).toEqual([[10, 3], copies.flatMap(() => [1, 0, 1])]);
  });

  it("is read back as copies of frames, whose predictions are measured", async () => {
    const source = await openNpzFrames(npzBytes(rmd17));
    const original = [source.frame(0), source.frame(1)];
    const arrays = await arraysOf(rotatedNpz(source, { group: octahedral }));
    // Right but for a field along x.
    const rows = arrays.twirl_rotation![1];
    const forces = original.flatMap((frame, f) =>
      Array.from({ length: 24 }, (_, k) => {
        const rotation = rows.slice(9 * (24 * f + k), 9 * (24 * f + k + 1));
        const turned = rotatePoints(rotation, frameLabels(frame).forces!);
        return [...turned].map((value, i) => value + (i % 3 === 0 ? 0.3 : 0));
      }).flat(),
    );
    const predicted = await openNpzFrames(npzBytes({ ...arrays, forces: [[48, 3, 3], forces] }));
    const { terms, exact, group, faults } = await measureFrames({
      predicted: Array.from({ length: 48 }, (_, i) => predicted.frame(i)),
      original,
    });
    expect([exact, group, faults]).toEqual([true, "octahedral", {}]);
    expect(terms.forces!.lossEquiv).toBeCloseTo(0.03, 9);
    expect(terms.forces!.percentEquiv).toBeCloseTo(100, 6);
  });

  it("says of all kinds of copies what comment lines say", async () => {
    const third = [-1 / 2, -Math.sqrt(3) / 2, 0, Math.sqrt(3) / 2, -1 / 2, 0, 0, 0, 1];
    for (const group of [so3(), quadrature(3), matrixGroup({ name: "c3 é", generators: [third] })]) {
      const source = await openNpzFrames(npzBytes(rmd17));
      const options = { group, seed: 3, repeats: true, nearAxes: true };
      const expected: (TwirlMark | undefined)[] = [];
      for await (const copy of rotateFrames(source.frames(), options)) expected.push(twirlMark(copy));
      const pieces: Uint8Array[] = [];
      for await (const piece of rotatedNpz(source, options)) pieces.push(piece);
      const again = await openNpzFrames(Uint8Array.from(Buffer.concat(pieces)));
      expect([...again.frames()].map(twirlMark)).toEqual(expected);
      expect(expected.map((mark) => mark?.repeat?.kind)).toContain("near z");
    }
  });

  it("fills up frames of fewer atoms, and leaves frames out", async () => {
    const numbers: TestArray = [
      [2, 3],
      [8, 0, 1, 8, 1, 1],
    ];
    const source = await openNpzFrames(npzBytes({ z: numbers, R: rmd17.coords }));
    const { atoms, own, names } = source;
    const one = { atoms, own, names, frames: () => [source.frame(0)] };
    const arrays = await arraysOf(rotatedNpz(one, { group: octahedral, twirl: 1 }));
    expect(arrays.z).toEqual([
      [1, 3],
      [8, 1, 0],
    ]);
    expect(arrays.R![0]).toEqual([1, 3, 3]);
    expect(arrays.R![1].slice(6)).toEqual([0, 0, 0]);
    const again = await openNpzFrames(npzBytes(arrays));
    expect([...again.frame(0).elements]).toEqual([8, 1]);
  });
});
