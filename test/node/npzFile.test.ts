import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { frameLabels } from "../../src/formats/frameLabels.ts";
import { openNpzFrames } from "../../src/formats/npz.ts";
import type { NumberedFrame } from "../../src/molecules/frame.ts";
import { openFrameFile, readFrameFile } from "../../src/node/frameFile.ts";
import { openNpzFile } from "../../src/node/npzFile.ts";
import { VoxtwirlError } from "../../src/errors.ts";
import { Random } from "../../src/random.ts";
import { npzBytes, rmd17, type TestArray } from "../formats/npzBytes.ts";
import { zipBytes } from "../formats/zipBytes.ts";
import { temporaryFolder } from "../temporary.ts";
import { npyBytes, npyHeader } from "./npyBytes.ts";

const folder = temporaryFolder("npzFile");
const file = (name: string) => join(folder, name);

async function framesOf(path: string): Promise<NumberedFrame[]> {
  const all: NumberedFrame[] = [];
  for await (const frame of readFrameFile(path, { onLeftOut: () => undefined })) all.push(frame);
  return all;
}

/** What the file gives in pieces is what its bytes give at once. */
async function expectSame(bytes: Uint8Array): Promise<NumberedFrame[]> {
  writeFileSync(file("same.npz"), bytes);
  const frames = await framesOf(file("same.npz"));
  expect(frames).toEqual([...(await openNpzFrames(bytes)).frames()]);
  return frames;
}

const numbers = (shape: number[], seed: number): TestArray => {
  const random = new Random(seed);
  const count = shape.reduce((product, size) => product * size, 1);
  return [shape, Array.from({ length: count }, () => random.normal())];
};

describe("openNpzFile", () => {
  it("reads what openNpzFrames reads, in blocks, stored or packed", async () => {
    const [count, atoms] = [100, 1000];
    const long = {
      z: [[atoms], new Array<number>(atoms).fill(6)],
      R: numbers([count, atoms, 3], 1),
      E: numbers([count, 1], 2),
      stress: numbers([count, 6], 3),
    } as const;
    writeFileSync(file("long.npz"), npzBytes(long));
    const frames = await framesOf(file("long.npz"));
    const all = frames.flatMap(({ info, positions }) => [
      info.get("energy"),
      ...(info.get("stress") as number[]),
      ...positions.subarray(0, 9),
    ]);
    const expected = Array.from({ length: count }, (_, i) => [
      long.E[1][i],
      ...long.stress[1].slice(6 * i, 6 * i + 6),
      ...long.R[1].slice(3 * atoms * i, 3 * atoms * i + 9),
    ]).flat();
    expect(all).toEqual(expected);
    expect(frames.map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    const archive = await openNpzFile(file("long.npz"), "long.npz", 2 ** 16);
    const blocks = [];
    for await (const block of archive.blocks()) blocks.push(block.count);
    expect(blocks).toEqual([43, 43, 14]);
    for (const options of [{ deflate: true }, { zip64: true }, {}]) {
      const small = {
        ...rmd17,
        stress: numbers([2, 3, 3], 4),
        virial: numbers([2, 9], 5),
        energies: numbers([1, 2], 6),
      };
      const [first] = await expectSame(npzBytes(small, options));
      expect(frameLabels(first!).virial).toHaveLength(9);
      expect([...frameLabels(first!).stress!]).toEqual(small.stress[1].slice(0, 9));
    }
  });

  it("reads atomic numbers and cells of each frame or of all, Fortran order, and one molecule", async () => {
    const own: TestArray = [
      [2, 3],
      [8, 0, 1, 8, 1, 1],
    ];
    await expectSame(npzBytes({ ...rmd17, nuclear_charges: own, cell: numbers([2, 3, 3], 1), pbc: [[3], [1, 0, 1]] }));
    await expectSame(npzBytes({ z: rmd17.nuclear_charges, R: numbers([3, 3, 3], 2), cell: numbers([3, 3], 1) }));
    await expectSame(npzBytes({ z: rmd17.nuclear_charges, R: numbers([3, 3], 2), E: [[], [-1]] }));
    const values = Float64Array.from(numbers([2, 3, 3], 3)[1]);
    const header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3, 3), }";
    const files = {
      "z.npy": npyBytes([3], Float64Array.of(8, 1, 1)),
      "R.npy": npyHeader(header, new Uint8Array(values.buffer)),
    };
    await expectSame(zipBytes(files));
    await expect(
      openNpzFile(file("same.npz"), "same.npz", 100).then((archive) => archive.blocks().next()),
    ).rejects.toThrow(/144 bytes that have to be in memory at once/);
  });

  it("counts copies that only say of which frame they are", async () => {
    const rotation = Array.from({ length: 4 }, () => [1, 0, 0, 0, 1, 0, 0, 0, 1]).flat();
    const frames = await expectSame(
      npzBytes({
        z: rmd17.nuclear_charges,
        R: numbers([4, 3, 3], 2),
        twirl_frame: [[4], [1, 1, 1, 2]],
        twirl_rotation: [[4, 3, 3], rotation],
      }),
    );
    expect(frames.map(({ info }) => [info.get("twirl_copy"), info.get("twirl_copies")])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
      [1, 1],
    ]);
  });

  it("leaves out and refuses what cannot be used", async () => {
    const bad = {
      ...rmd17,
      coords: [
        [2, 3, 3],
        [NaN, ...rmd17.coords[1].slice(1)],
      ],
    } as const;
    writeFileSync(file("bad.npz"), npzBytes(bad));
    const told: string[] = [];
    const opened = await openFrameFile(file("bad.npz"), { onLeftOut: (_, reason) => told.push(reason) });
    for await (const frame of opened.frames) expect(frame.number).toBe(2);
    if (opened.kind === "npz") for await (const frame of opened.source.frames()) expect(frame.number).toBe(2);
    expect(told).toEqual(["coordinates that are no numbers"]);
    await expect(readFrameFile(file("bad.npz")).next()).rejects.toThrow(/bad.npz, frame 1: atom 1 of 3/);
    writeFileSync(file("shape.npz"), npzBytes({ ...rmd17, stress: numbers([2, 5], 1) }));
    await expect(framesOf(file("shape.npz"))).rejects.toThrow(/"stress.npy" has the shape \(2, 5\), not \(2, 3, 3\)/);
    writeFileSync(file("lattice.npz"), npzBytes({ ...rmd17, lattice: numbers([3, 3], 1) }));
    await expect(framesOf(file("lattice.npz"))).rejects.toThrow("lattice");
    const bytes = npzBytes(rmd17);
    // In the last coordinates: they are found to be others when all are read.
    const at = Buffer.from(bytes).indexOf(Buffer.from(Float64Array.of(-0.48).buffer));
    bytes[at + 2]! ^= 1;
    writeFileSync(file("crc.npz"), bytes);
    await expect(framesOf(file("crc.npz"))).rejects.toThrow(/"coords.npy": its bytes are not those that were packed/);
    writeFileSync(file("cut.npz"), bytes.subarray(0, bytes.length - 300));
    await expect(framesOf(file("cut.npz"))).rejects.toThrow(/no directory at its end/);
  });

  it("survives broken files", async () => {
    const random = new Random(1);
    for (const deflate of [false, true]) {
      const valid = npzBytes({ ...rmd17, cell: numbers([3, 3], 1), stress: numbers([2, 6], 2) }, { deflate });
      for (let run = 0; run < 150; run++) {
        const bytes = Uint8Array.from(valid);
        for (let edit = 0; edit <= random.int(3); edit++) bytes[random.int(bytes.length)] = random.int(256);
        writeFileSync(file("broken.npz"), bytes);
        const whole = await openNpzFrames(bytes).then(
          (frames) => [...frames.frames()],
          () => undefined,
        );
        const found = await framesOf(file("broken.npz")).catch((error: unknown) => {
          expect(error).toBeInstanceOf(VoxtwirlError);
          expect((error as VoxtwirlError).code).toBe("bad-file");
          return undefined;
        });
        if (whole !== undefined && found !== undefined) expect(found).toEqual(whole);
      }
    }
  });
});
