import { describe, expect, it } from "vitest";
import { fullOctahedral } from "../../src/equivariance/cubeGroups.ts";
import { octahedral, so3, type Rotation } from "../../src/equivariance/groups.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { rotateFrames, type RotateFramesOptions } from "../../src/frames/rotateFrames.ts";
import { twirlMark } from "../../src/frames/twirlKeys.ts";
import type { Frame, FrameColumn, InfoValue, NumberedFrame } from "../../src/molecules/frame.ts";
import { plain, water } from "../formats/frames.ts";

const real = (width: number): FrameColumn => ({
  kind: "R",
  width,
  values: Float64Array.from({ length: 3 * width }, (_, i) => i + 0.5),
});
const frame = (number: number, parts: Partial<Frame> = {}): NumberedFrame => ({ number, ...water(parts) });

async function rotated(frames: NumberedFrame[], options: RotateFramesOptions): Promise<Frame[]> {
  const copies: Frame[] = [];
  for await (const copy of rotateFrames(frames, options)) copies.push(copy);
  return copies;
}

/** R v, by hand. */
const times = (r: Rotation, v: ArrayLike<number>) =>
  Array.from({ length: v.length }, (_, at) => {
    const [i, from] = [at % 3, at - (at % 3)];
    return r[3 * i]! * v[from]! + r[3 * i + 1]! * v[from + 1]! + r[3 * i + 2]! * v[from + 2]!;
  });

describe("rotateFrames", () => {
  it("turns positions, cell and origin, and says which copy of which frame it is", async () => {
    const cell = Float64Array.of(5, 0, 0, 1, 6, 0, 0, 2, 7);
    const origin = Float64Array.of(1, 2, 3);
    const frames = [frame(3, { cell, origin, pbc: [true, false, true] }), frame(7)];
    const copies = await rotated(frames, { group: so3, twirl: 4, seed: 5 });
    const marks = copies.map((copy) => twirlMark(copy)!);
    expect(marks.map(({ frame, copy, copies }) => [frame, copy, copies])).toEqual(
      [3, 7].flatMap((frame) => [1, 2, 3, 4].map((copy) => [frame, copy, 4])),
    );
    copies.forEach((copy, i) => {
      const { rotation } = marks[i]!;
      const close = (found: Float64Array, from: Float64Array) =>
        times(rotation, from).forEach((value, at) => expect(found[at]).toBeCloseTo(value, 12));
      close(copy.positions, water().positions);
      if (i >= 4) {
        expect([copy.cell, copy.origin, copy.pbc]).toEqual([undefined, undefined, undefined]);
        return;
      }
      close(copy.cell!, cell);
      close(copy.origin!, origin);
      expect(copy.pbc).toEqual([true, false, true]);
    });
    // Draws of their own for each frame, the same for the same seed.
    expect(new Set(marks.map(({ rotation }) => rotation.join())).size).toBe(8);
    expect((await rotated(frames, { group: so3, twirl: 4, seed: 5 })).map(plain)).toEqual(copies.map(plain));
  });

  it("adds the frame as it is, with its last digits changed, and with an edge along axes", async () => {
    const first = frame(1, { cell: Float64Array.of(5, 0, 0, 1, 6, 0, 0, 2, 7), pbc: [true, true, true] });
    const plainCopies = await rotated([first], { group: so3, twirl: 2, seed: 5 });
    const copies = await rotated([first], { group: so3, twirl: 2, seed: 5, repeats: true, nearAxes: true });
    expect(copies.slice(0, 2).map(plain)).toEqual(plainCopies.map(plain));
    const marks = copies.map((copy) => twirlMark(copy)!);
    expect(marks.slice(2).map(({ repeat, copy, copies }) => [repeat!.kind, copy, copies])).toEqual([
      ...["identity", "jitter", "jitter single"].flatMap((kind) => [1, 2].map((copy) => [kind, copy, 2])),
      ...["x", "y", "z"].flatMap((axis) => [1, 2, 3, 4, 5].map((copy) => [`near ${axis}`, copy, 5])),
    ]);
    const { positions } = first;
    const off = (copy: Frame) => Math.max(...copy.positions.map((value, i) => Math.abs(value - positions[i]!)));
    expect([off(copies[2]!), off(copies[3]!)]).toEqual([0, 0]);
    for (const copy of copies.slice(4, 6)) {
      expect(off(copy)).toBeCloseTo(1e-10, 14);
      copy.cell!.forEach((value, i) => expect(Math.abs(value - first.cell![i]!)).toBeCloseTo(1e-10, 14));
    }
    for (const copy of copies.slice(6, 8)) {
      copy.positions.forEach((value, i) => {
        expect(Math.abs(value - positions[i]!)).toBeLessThan(1.3e-7 * Math.abs(positions[i]!) + 1e-15);
      });
    }
    for (const [i, copy] of copies.slice(8).entries()) {
      const { rotation, repeat } = twirlMark(copy)!;
      times(rotation, positions).forEach((value, at) => expect(copy.positions[at]).toBeCloseTo(value, 12));
      // Both others are as near to the first, which is the oxygen.
      const edge = [0, 1, 2].map((k) => copy.positions[3 + k]! - copy.positions[k]!);
      const axis = Math.floor(i / 5);
      expect(edge[axis]! / Math.hypot(...edge)).toBeCloseTo(Math.cos(repeat!.angle!), 9);
    }
  });

  it("goes through a finite group, exactly", async () => {
    const copies = await rotated([frame(1)], { group: octahedral });
    expect(copies.map((copy) => twirlMark(copy)!.rotation)).toEqual(octahedralMatrices);
    expect(copies.map(({ positions }) => [...positions].map((value) => value + 0))).toEqual(
      octahedralMatrices.map((matrix) => times(matrix, water().positions).map((value) => value + 0)),
    );
    const some = await rotated([frame(1)], { group: fullOctahedral(), twirl: 48 });
    expect(new Set(some.map(({ positions }) => positions.map((value) => value + 0).join())).size).toBe(24);
  });

  it("moves the centroid to the origin where asked", async () => {
    const positions = water().positions.map((value, i) => value + [10, 20, 30][i % 3]!);
    const [copy] = await rotated([frame(1, { positions, origin: Float64Array.of(10, 20, 30) })], {
      group: octahedral,
      center: true,
    });
    const sums = [0, 1, 2].map((k) => copy!.positions.reduce((sum, value, i) => sum + (i % 3 === k ? value : 0), 0));
    sums.forEach((sum) => expect(sum).toBeCloseTo(0, 12));
    expect(copy!.origin![2]).toBeCloseTo(0.86 / 3, 12);
  });

  const full = frame(1, {
    arrays: new Map<string, FrameColumn>([
      ["forces", real(3)],
      ["my_charges", real(1)],
      ["momenta", real(3)],
      ["masses", real(1)],
      ["quadrupole", real(9)],
      ["tag", { kind: "I", width: 1, values: Float64Array.of(1, 2, 3) }],
      ["name", { kind: "S", width: 1, values: ["a", "b", "c"] }],
      ["moved", { kind: "L", width: 1, values: Uint8Array.of(1, 0, 1) }],
    ]),
    info: new Map<string, InfoValue>([
      ["energy", -3],
      ["REF_energy", "-3 eV"],
      ["stress", [1, 2, 3, 4, 5, 6]],
      ["dipole", [1, 2, 3]],
      ["gap", 2],
      ["charge", -1],
      ["Spin", 2],
      ["config_type", "bulk"],
      ["ok", true],
      ["flags", [true, false]],
      ["deep", { energy: 1 }],
      ["field", [0, 0, 1]],
      ["twirl_frame", 9],
    ]),
  });

  it("leaves out what may be a label", async () => {
    const names: string[] = [];
    const [copy] = await rotated([full], { group: octahedral, onNames: ({ leftOut }) => names.push(...leftOut) });
    expect([...copy!.arrays.keys()]).toEqual(["masses", "tag", "name", "moved"]);
    const { twirl_rotation: _, ...info } = Object.fromEntries(copy!.info);
    expect(info).toEqual({
      ...{ twirl_frame: 1, twirl_copy: 1, twirl_copies: 24, twirl_group: "octahedral" },
      ...{ charge: -1, Spin: 2, config_type: "bulk", ok: true, flags: [true, false] },
    });
    expect(names).toEqual([
      ...["forces", "my_charges", "momenta", "quadrupole"],
      ...["energy", "REF_energy", "stress", "dipole", "gap", "deep", "field"],
    ]);
  });

  it("keeps what is named: single numbers as they are, three as vectors", async () => {
    const missing: string[] = [];
    const keep = ["gap", "field", "momenta", "my_charges", "nothing"];
    const copies = await rotated([full], {
      group: octahedral,
      keep,
      onNames: (names) => missing.push(...names.missing),
    });
    expect(missing).toEqual(["nothing"]);
    const copy = copies[9]!;
    const { rotation } = twirlMark(copy)!;
    expect([copy.info.get("gap"), copy.arrays.get("my_charges")]).toEqual([2, real(1)]);
    expect(copy.info.get("field")).toEqual(times(rotation, [0, 0, 1]));
    expect([...copy.arrays.get("momenta")!.values]).toEqual(times(rotation, real(3).values as Float64Array));
  });

  it.each<[string, Partial<RotateFramesOptions>, RegExp]>([
    ["a label to keep", { keep: ["dft_forces"] }, /"dft_forces" is a label/],
    ["energies of atoms to keep", { keep: ["energies"] }, /"energies" is a label/],
    ["a tensor to keep", { keep: ["quadrupole"] }, /how its 9 numbers turn is not known/],
    ["a deep value to keep", { keep: ["deep"] }, /"deep" cannot be kept/],
    ["more copies than elements", { twirl: 25 }, /the group octahedral has 24 elements, not 25/],
    ["no copies", { twirl: 0 }, /^twirl is 0/],
    ["no group", { group: undefined }, /group is undefined/],
  ])("refuses %s", async (_, options, message) => {
    const run = rotated([full], { group: octahedral, ...options });
    await expect(run).rejects.toMatchObject({ code: "bad-option", message: expect.stringMatching(message) as string });
  });
});
