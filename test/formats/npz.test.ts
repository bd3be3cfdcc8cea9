import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { openNpzFrames, parseNpz, type NpzOptions } from "../../src/formats/npz.ts";
import type { NpzFrames } from "../../src/formats/npzFrames.ts";
import { readingLines, Unusable } from "../../src/formats/records.ts";
import type { Frame } from "../../src/molecules/frame.ts";
import { inflate } from "../../src/node/moleculeBytes.ts";
import { boundedMemoryOf, FUZZ_RUNS } from "../fuzzRuns.ts";
import { npyBytes, npyHeader } from "../node/npyBytes.ts";
import { checkFrame } from "./frames.ts";
import { check } from "./fuzz.ts";
import { npzBytes, rmd17, type TestArray } from "./npzBytes.ts";
import { zipBytes } from "./zipBytes.ts";

const kilocalorie = 0.0433641153087705;
const { nuclear_charges: z, coords: r, energies: e, forces: f } = rmd17;

const read = (arrays: Record<string, TestArray>, options: NpzOptions = {}) =>
  parseNpz(npzBytes(arrays), "water.npz", options);

/** A text as numpy.savez writes a string. */
function npyText(text: string): Uint8Array {
  const codes = Uint32Array.from(text, (letter) => letter.codePointAt(0)!);
  const header = `{'descr': '<U${codes.length}', 'fortran_order': False, 'shape': (), }`;
  return npyHeader(header, new Uint8Array(codes.buffer));
}

/** Frames of an archive that can be used. */
function framesOf(source: NpzFrames): Frame[] {
  return Array.from({ length: source.count }, (_, i) => {
    try {
      return [source.frame(i)];
    } catch (fault) {
      if (!(fault instanceof Unusable)) throw fault;
      return [];
    }
  }).flat();
}

describe("parseNpz", () => {
  it("reads frames as rMD17 has them, packed or not, with labels in eV", async () => {
    for (const options of [{}, { deflate: true }, { zip64: true }]) {
      const molecules = await parseNpz(npzBytes({ ...rmd17, old_energies: [[2], [1, 1]] }, options), "water.npz");
      expect(molecules.map(({ name }) => name)).toEqual(["water.npz frame 1", "water.npz frame 2"]);
      expect([...molecules[1]!.elements, ...molecules[1]!.positions]).toEqual([...z[1], ...r[1].slice(9)]);
      expect(molecules[1]!.energy).toBe(-20 * kilocalorie);
      expect([...molecules[1]!.forces!]).toEqual(f[1].slice(9).map((value) => value * kilocalorie));
      expect(molecules.labels).toEqual([{ units: "kcal/mol", source: "assumed", records: 2 }]);
      expect(molecules.remarks).toEqual([expect.stringMatching(/kcal\/mol\/Angstrom, as in MD17 and rMD17/)]);
      expect([molecules.records, molecules.leftOut]).toEqual([2, []]);
    }
  });

  it.each<[string, Record<string, TestArray>, number]>([
    ["MD17's names and column of energies", { z, R: r, E: [[2, 1], e[1]], F: f }, kilocalorie],
    ["usual names, in eV", { numbers: z, positions: r, energy: e, force: f }, 1],
    ["other usual names", { atomic_numbers: z, coordinates: r, energies: e, forces: f }, 1],
    [
      "atomic numbers of each frame",
      {
        species: [
          [2, 3],
          [...z[1], ...z[1]],
        ],
        pos: r,
        energy: e,
        forces: f,
      },
      1,
    ],
  ])("reads %s", async (_, arrays, factor) => {
    const molecules = await read(arrays);
    expect(molecules.map(({ energy }) => energy)).toEqual(e[1].map((value) => value * factor));
    expect([...molecules[0]!.forces!]).toEqual(f[1].slice(0, 9).map((value) => value * factor));
    expect([...molecules[0]!.elements, ...molecules[0]!.positions]).toEqual([...z[1], ...r[1].slice(0, 9)]);
  });

  it("reads a single molecule without an axis of frames, and one without labels", async () => {
    const [one] = await read({ numbers: z, positions: [[3, 3], r[1].slice(0, 9)], energy: [[], [-1]] });
    expect([one!.energy, one!.forces, one!.elements.length]).toEqual([-1, undefined, 3]);
    const plain = await read({ nuclear_charges: z, coords: r });
    expect([Object.keys(plain[0]!), plain.labels, plain.remarks]).toEqual([
      ["name", "elements", "positions"],
      undefined,
      [],
    ]);
  });

  it("passes over what fills up frames of fewer atoms", async () => {
    const positions: number[] = [...r[1]];
    positions.fill(NaN, 3, 6);
    const numbers = [8, 0, 1, 8, 1, 1];
    const molecules = await read({ numbers: [[2, 3], numbers], positions: [[2, 3, 3], positions], forces: f });
    expect([...molecules[0]!.elements]).toEqual([8, 1]);
    expect([...molecules[0]!.positions]).toEqual([...r[1].slice(0, 3), ...r[1].slice(6, 9)]);
    expect([...molecules[0]!.forces!]).toEqual([0, 1, 2, 6, 7, 8]);
    expect([...molecules[1]!.elements]).toEqual([8, 1, 1]);
  });

  it("reads integers, single precision, big-endian numbers and Fortran order", async () => {
    const swapped = new Uint8Array(Float64Array.from(r[1]).buffer);
    for (let at = 0; at < swapped.length; at += 8) swapped.subarray(at, at + 8).reverse();
    const fortran = Float32Array.from(
      f[1],
      (_, i) => f[1][(i % 2) * 9 + (Math.floor(i / 2) % 3) * 3 + Math.floor(i / 6)]!,
    );
    const header = (descr: string, order: string, shape: string) =>
      `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
    const files = {
      "numbers.npy": npyHeader(header("<i8", "False", "(3,)"), new Uint8Array(BigInt64Array.of(8n, 1n, 1n).buffer)),
      "positions.npy": npyHeader(header(">f8", "False", "(2, 3, 3)"), swapped),
      "energy.npy": npyBytes([2], Float32Array.of(-1.5, -2.5)),
      "forces.npy": npyHeader(header("<f4", "True", "(2, 3, 3)"), new Uint8Array(fortran.buffer)),
    };
    const molecules = await parseNpz(zipBytes(files));
    expect([...molecules[1]!.elements, ...molecules[1]!.positions]).toEqual([8, 1, 1, ...r[1].slice(9)]);
    expect([molecules[1]!.energy, ...molecules[1]!.forces!]).toEqual([-2.5, ...f[1].slice(9)]);
  });

  it("takes the unit that is asked for, else what the file says", async () => {
    const asked = await read(rmd17, { labelUnits: "Hartree" });
    expect([asked[0]!.energy, asked.remarks]).toEqual([-10 * 27.211386245988, []]);
    const files = (text: string) => ({
      "z.npy": npyBytes([3], Float64Array.from(z[1])),
      "R.npy": npyBytes([2, 3, 3], Float64Array.from(r[1])),
      "E.npy": npyBytes([2], Float64Array.from(e[1])),
      "e_unit.npy": npyText(text),
      "r_unit.npy": npyHeader("{'descr': '|S3', 'fortran_order': False, 'shape': (), }", Buffer.from("Ang")),
    });
    const told = await parseNpz(zipBytes(files("eV")));
    expect([told[0]!.energy, told.remarks]).toEqual([-10, []]);
    const unclear = await parseNpz(zipBytes(files("furlong")));
    expect(unclear.remarks).toEqual([expect.stringMatching(/kcal.*its units "furlong,Ang" are not understood/)]);
    await expect(read(rmd17, { labelUnits: "eH" as "eV" })).rejects.toMatchObject({ code: "bad-option" });
  });

  it("keeps labels that are not finite as NaN", async () => {
    const forces = [NaN, Infinity, ...f[1].slice(2)];
    const molecules = await read({ ...rmd17, energies: [[2], [-Infinity, -20]], forces: [[2, 3, 3], forces] });
    expect([molecules.length, molecules[0]!.energy, molecules[1]!.energy]).toEqual([2, NaN, -20 * kilocalorie]);
    expect([...molecules[0]!.forces!].map(Number.isNaN).slice(0, 3)).toEqual([true, true, false]);
  });

  it("leaves out frames that cannot be used, unless it is to be strict", async () => {
    const numbers = [...z[1], 8, 1, 6.5, 0, 0, 0, 8, 1, 1];
    const positions = [...r[1], ...r[1].slice(0, 17), Infinity];
    const arrays = { numbers: [[4, 3], numbers], positions: [[4, 3, 3], positions] } as const;
    const molecules = await read(arrays);
    expect(molecules.map(({ name }) => name)).toEqual(["water.npz frame 1"]);
    expect(readingLines(molecules)).toEqual([
      '1 of 4 records left out: record 2: atom 3 of 3: "6.5" is no element',
      "1 of 4 records left out: record 3: a frame of 0 atoms",
      "1 of 4 records left out: record 4: atom 3 of 3 has the coordinate Infinity",
    ]);
    await expect(read(arrays, { strict: true })).rejects.toThrow('water.npz, record 2: atom 3 of 3: "6.5" is no');
    const none = { ...rmd17, nuclear_charges: [[3], [8, 1, 0]] } as const;
    await expect(read(none)).rejects.toThrow(/^water\.npz, record 1: .*"0" is no element; none of the 2 records/);
  });

  const positions = npyBytes([2, 3, 3], Float64Array.from(r[1]));
  const charges = npyBytes([3], Float64Array.from(z[1]));
  it.each<[string, Uint8Array, RegExp]>([
    ["no archive", new Uint8Array(30), /no directory/],
    ["no arrays", zipBytes({}), /no array of atomic numbers; it has \[\]/],
    ["no positions", npzBytes({ z, x: r }), /no array of positions; it has \["z","x"\]/],
    ["no frames", npzBytes({ z, R: [[0, 3, 3], []] }), /holds no molecule/],
    ["no atoms", npzBytes({ z: [[0], []], R: [[1e9, 0, 3], []] }), /"R.npy" has no atoms/],
    ["positions of a line", npzBytes({ z, R: [[18], r[1]] }), /"R.npy" has the shape \(18\), not \(frames, n, 3\)/],
    ["other atoms", npzBytes({ z: [[2], [1, 1]], R: r }), /"z.npy" has the shape \(2\), not \(3\) or \(2, 3\)/],
    [
      "other frames",
      npzBytes({ ...rmd17, energies: [[3], [1, 2, 3]] }),
      /"energies.npy" has the shape \(3\), not \(2\)/,
    ],
    [
      "many states",
      npzBytes({
        ...rmd17,
        energies: [
          [2, 2],
          [1, 2, 3, 4],
        ],
      }),
      /not \(2\)/,
    ],
    ["other forces", npzBytes({ ...rmd17, forces: [[2, 9], f[1]] }), /"forces.npy" .* not \(2, 3, 3\)/],
    ["no .npy", zipBytes({ "z.npy": charges, "R.npy": Buffer.from("text") }), /"R.npy": it does not begin as one/],
    ["a cut array", zipBytes({ "z.npy": charges, "R.npy": positions.subarray(0, -1) }), /"R.npy": its shape/],
    ["symbols", zipBytes({ "z.npy": npyText("OHH"), "R.npy": positions }), /"z.npy": its numbers are "<U3", texts/],
    ["damaged bytes", npzBytes(rmd17).fill(7, 60, 70), /"nuclear_charges.npy": .*CRC-32/],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(parseNpz(bytes, "bad.npz")).rejects.toMatchObject({
      code: "bad-file",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/./),
    });
  });

  it("refuses arrays that are larger than they may be, before it unpacks them", async () => {
    const never = () => Promise.reject(new Error("unpacked"));
    const bytes = npzBytes(rmd17, { deflate: true });
    const refused = parseNpz(bytes, "large.npz", { limit: 500, inflate: never });
    await expect(refused).rejects.toThrow(/its arrays hold \d+ bytes, more than 500/);
    await expect(parseNpz(bytes, "large.npz", { inflate: never })).rejects.toThrow("damaged (unpacked)");
  });

  it("survives broken files", { timeout: 600_000 }, async () => {
    const valid: Record<string, Uint8Array>[] = [
      {
        "numbers.npy": npyBytes([2, 3], Float64Array.of(8, 1, 0, 8, 1, 1)),
        "positions.npy": positions,
        "energy.npy": npyBytes([2], Float64Array.from(e[1])),
        "forces.npy": npyBytes([2, 3, 3], Float64Array.from(f[1])),
      },
      { "z.npy": charges, "R.npy": positions, "e_unit.npy": npyText("eV") },
      { "z.npy": charges, "R.npy": positions, "cell.npy": npyBytes([3, 3], new Float64Array(9).fill(2)) },
    ];
    const edit = fc.tuple(
      fc.nat(3),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        fc.constantFrom("(", "9", "f4", ">i8", "True ", ", 0", "U3").map((text) => Uint8Array.from(Buffer.from(text))),
      ),
      fc.boolean(),
    );
    // Within an archive that is whole, so that most of what is wrong is in the arrays.
    const mutated = fc
      .tuple(fc.constantFrom(...valid), fc.array(edit, { maxLength: 3 }), fc.boolean())
      .map(([whole, edits, deflate]) => {
        const files = { ...whole };
        for (const [which, where, insert, header] of edits) {
          const name = Object.keys(files)[which % Object.keys(files).length]!;
          const bytes = files[name]!.slice();
          const at = Math.floor(where * (header ? Math.min(80, bytes.length) : bytes.length));
          bytes.set(insert.subarray(0, bytes.length - at), at);
          files[name] = bytes;
        }
        return zipBytes(files, { deflate });
      });
    let [accepted, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(mutated, async (bytes) => {
        try {
          (await boundedMemoryOf(bytes.length, () => parseNpz(bytes, "fuzz", { inflate }))).forEach(check);
          framesOf(await openNpzFrames(bytes, "fuzz", { inflate })).forEach(checkFrame);
          accepted++;
        } catch (error) {
          if (!(error instanceof VoxtwirlError) || error.code !== "bad-file" || error.fix === "") throw error;
          refused++;
        }
      }),
      { numRuns: FUZZ_RUNS, seed: 7 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(100);
  });
});
