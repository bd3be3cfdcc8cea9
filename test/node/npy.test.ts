import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { decodeNpy, readNpy } from "../../src/node/npy.ts";
import { boundedMemory, FUZZ_RUNS } from "../fuzzRuns.ts";
import { npyBytes, npyHeader } from "./npyBytes.ts";

const folder = mkdtempSync(join(tmpdir(), "voxtwirl-npy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const six = Float32Array.of(1, 2, 3, 4, 5, -6.5);
const literal = (text: string) => npyHeader(`${text}\n`, new Uint8Array(six.buffer));

describe("decodeNpy", () => {
  it("reads float32 and float64 of any shape", () => {
    expect(decodeNpy(npyBytes([2, 3], six))).toEqual({ shape: [2, 3], data: six });
    expect(decodeNpy(npyBytes([6], six))).toEqual({ shape: [6], data: six });
    expect(decodeNpy(npyBytes([], Float64Array.of(0.1)))).toEqual({ shape: [], data: Float64Array.of(0.1) });
    expect(decodeNpy(npyBytes([3, 0], new Float32Array(0)))).toEqual({ shape: [3, 0], data: new Float32Array(0) });
  });

  it("reads what NumPy itself wrote", () => {
    // numpy.save of numpy.arange(2, dtype='<f8').reshape(1, 2, 1), NumPy 2.4.
    const text =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDIsIDEpLCB9" +
      "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAAAAAAAPA/";
    const whole = Buffer.from(text, "base64");
    expect(decodeNpy(whole)).toEqual({ shape: [1, 2, 1], data: Float64Array.of(0, 1) });
  });

  it("reads at any place in memory, versions 2 and 3, and keys in any order", () => {
    const file = npyBytes([2, 3], six);
    for (const shift of [1, 2, 4]) {
      const moved = new Uint8Array(file.length + shift);
      moved.set(file, shift);
      expect(decodeNpy(moved.subarray(shift)).data).toEqual(six);
    }
    const keys = `{"shape": (6,), 'fortran_order': False, 'descr': '<f4'}`;
    for (const version of [1, 2, 3]) {
      expect(decodeNpy(npyHeader(keys, new Uint8Array(six.buffer), version)).data).toEqual(six);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /does not begin/],
    ["another file", new TextEncoder().encode("PK\x03\x04 a zip archive"), /does not begin/],
    ["a cut header", npyBytes([2, 3], six).subarray(0, 40), /header claims/],
    ["cut data", npyBytes([2, 3], six).subarray(0, -1), /takes 24 bytes, and it holds 23/],
    ["more data", npyBytes([2, 2], six), /takes 16 bytes, and it holds 24/],
    ["version 9", npyHeader("{}", new Uint8Array(0), 9), /version is 9/],
    ["big endian", literal("{'descr': '>f4', 'fortran_order': False, 'shape': (6,), }"), /'<f4'/],
    ["float16", literal("{'descr': '<f2', 'fortran_order': False, 'shape': (12,), }"), /'<f4'/],
    ["objects", literal("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"), /'<f4'/],
    ["a name of every object", literal("{'descr': 'constructor', 'fortran_order': False, 'shape': (6,), }"), /'<f4'/],
    ["fields", literal("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (6,), }"), /plain values/],
    ["Fortran order", literal("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"), /Fortran/],
    ["a huge shape", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"), /takes/],
    ["endless digits", literal(`{'descr': '<f4', 'fortran_order': False, 'shape': (${"9".repeat(400)},), }`), /beyond/],
    ["a negative size", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,), }"), /plain values/],
    ["no tuple", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (6), }"), /tuple/],
    ["a key twice", literal("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,), }"), /twice/],
    ["a key too many", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': '1', }"), /alone/],
    ["a key too few", literal("{'descr': '<f4', 'shape': (6,), }"), /alone/],
    ["a call", literal("{'descr': __import__('os'), 'fortran_order': False, 'shape': (6,), }"), /plain values/],
    ["33 axes", literal(`{'descr': '<f4', 'fortran_order': False, 'shape': (6, ${"1, ".repeat(31)}1), }`), /33 axes/],
  ])("refuses %s", (_, bytes, message) => {
    try {
      decodeNpy(bytes, "x.npy");
      throw new Error("it was read");
    } catch (error) {
      expect(error).toMatchObject({
        code: "bad-file",
        message: expect.stringMatching(message),
        fix: expect.stringMatching(/./),
      });
      expect((error as Error).message.length).toBeLessThan(250);
      expect((error as Error).message).not.toMatch(/\n/);
    }
  });

  it("says which file cannot be read", async () => {
    writeFileSync(join(folder, "a.npy"), npyBytes([6], six));
    expect((await readNpy(join(folder, "a.npy"))).data).toEqual(six);
    await expect(readNpy(join(folder, "b.npy"))).rejects.toThrow(/b\.npy/);
  });

  it("survives broken files", { timeout: 600_000 }, () => {
    const valid = [npyBytes([2, 3], six), npyBytes([1, 2], Float64Array.of(1, 2)), npyBytes([], Float32Array.of(1))];
    const edit = fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(4),
      fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc
          .constantFrom("(", ")", ",", "'", "9999999999", "0", " ", "\n", "True", "<f8", "}")
          .map((s) => new TextEncoder().encode(s)),
      ),
      fc.boolean(),
    );
    const mutated = fc.tuple(fc.constantFrom(...valid), fc.array(edit, { maxLength: 3 })).map(([file, edits]) =>
      edits.reduce((now, [where, drop, insert, header]) => {
        // Most of what can go wrong is in the first hundred bytes.
        const at = Math.floor(where * (header ? Math.min(80, now.length) : now.length));
        return Uint8Array.from([...now.subarray(0, at), ...insert, ...now.subarray(at + drop)]);
      }, file),
    );
    let read = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          const { shape, data } = boundedMemory(bytes.length, () => decodeNpy(bytes));
          expect(shape.reduce((product, size) => product * size, 1)).toBe(data.length);
          expect(data.byteLength).toBeLessThanOrEqual(bytes.length);
          read++;
        } catch (error) {
          if (!(error instanceof VoxtwirlError) || error.code !== "bad-file" || error.fix === "") throw error;
          refused++;
        }
      }),
      { numRuns: FUZZ_RUNS, seed: 11 },
    );
    expect(Math.min(read, refused)).toBeGreaterThan(50);
  });
});
