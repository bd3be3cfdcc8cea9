import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { encodeHalf } from "../../src/gpu/half.ts";
import { decodeNpy, readNpy, withNpy } from "../../src/node/npy.ts";
import { boundedMemory, FUZZ_RUNS } from "../fuzzRuns.ts";
import { temporaryFolder } from "../temporary.ts";
import { npyBytes, npyHeader } from "./npyBytes.ts";

const folder = temporaryFolder("npy");

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

  it.each([
    "{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2, 3 ) , }",
    "\n{\t'descr':'<f4',\r\n 'fortran_order':False,'shape':(2,3)}  \n\n",
    "{u'descr': u'<f4', u'fortran_order': False, u'shape': (2L, 3L), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,\n 3,\n), } # written by hand",
    `({"shape": ((2), 3), "descr": ('<' "f4"), "fortran_order": False})`,
    "{'descr': 'float32', 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '=f4', 'fortran_order': False, 'shape': (2, 3)}",
    `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }${" ".repeat(9000)}`,
  ])("reads the header %j as Python does", (text) => {
    expect(decodeNpy(npyHeader(text, new Uint8Array(six.buffer)))).toEqual({ shape: [2, 3], data: six });
  });

  /** The bytes of numbers in a type, little endian or not. */
  function typed(descr: string, array: ArrayBufferView, shape = "(4,)"): Uint8Array {
    const bytes = new Uint8Array(array.buffer.slice(0));
    const size = Number(descr.at(-1));
    if (descr.startsWith(">")) {
      for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
    }
    return npyHeader(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`, bytes);
  }

  it.each<[string, ArrayBufferView]>([
    ["<f2", encodeHalf([0, 1, 2, -100])],
    [">f2", encodeHalf([0, 1, 2, -100])],
    [">f4", Float32Array.of(0, 1, 2, -100)],
    [">f8", Float64Array.of(0, 1, 2, -100)],
    ["|i1", Int8Array.of(0, 1, 2, -100)],
    ["<i2", Int16Array.of(0, 1, 2, -100)],
    [">i4", Int32Array.of(0, 1, 2, -100)],
    ["<i8", BigInt64Array.of(0n, 1n, 2n, -100n)],
    [">i8", BigInt64Array.of(0n, 1n, 2n, -100n)],
  ])("reads numbers of type %s", (descr, array) => {
    expect([...decodeNpy(typed(descr, array)).data]).toEqual([0, 1, 2, -100]);
  });

  it.each<[string, ArrayBufferView]>([
    ["|b1", Uint8Array.of(0, 1, 1, 0)],
    ["|u1", Uint8Array.of(0, 1, 1, 0)],
    ["<u2", Uint16Array.of(0, 1, 1, 0)],
    [">u4", Uint32Array.of(0, 1, 1, 0)],
    ["<u8", BigUint64Array.of(0n, 1n, 1n, 0n)],
  ])("reads numbers of type %s", (descr, array) => {
    expect([...decodeNpy(typed(descr, array)).data]).toEqual([0, 1, 1, 0]);
  });

  it("leaves the bytes it was given as they were", () => {
    const bytes = typed(">f4", Float32Array.of(0, 1, 2, -100));
    const before = bytes.slice();
    decodeNpy(bytes);
    expect(bytes).toEqual(before);
  });

  it("brings Fortran order into C order", () => {
    const [data, shape] = [Float32Array.from({ length: 24 }, (_, i) => i), [2, 3, 4]];
    const fortran = new Float32Array(24);
    for (let i = 0; i < 24; i++) {
      const [a, b, c] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4];
      fortran[a + 2 * b + 6 * c] = data[i]!;
    }
    const header = (sizes: string) => `{'descr': '<f4', 'fortran_order': True, 'shape': ${sizes}, }`;
    expect(decodeNpy(npyHeader(header("(2, 3, 4)"), new Uint8Array(fortran.buffer)))).toEqual({ shape, data });
    // One axis of more than one number lies the same in both.
    expect(decodeNpy(npyHeader(header("(1, 24, 1)"), new Uint8Array(data.buffer))).data).toEqual(data);
    const none = new Uint8Array(0);
    expect(decodeNpy(npyHeader(header("(2, 0, 3)"), none))).toEqual({ shape: [2, 0, 3], data: new Float32Array(0) });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /it is empty/],
    ["bytes", Uint8Array.of(1, 2, 3, 200, 201), /does not begin/],
    ["a pickle", Uint8Array.of(0x80, 4, 0x95, 1, 0), /it is a Python pickle/],
    ["a table of text", new TextEncoder().encode("1.0 2.0\n3.0 4.0\n"), /it is text/],
    ["a cut beginning", npyBytes([2, 3], six).subarray(0, 8), /ends before its header/],
    ["a cut header", npyBytes([2, 3], six).subarray(0, 40), /header claims/],
    ["cut data", npyBytes([2, 3], six).subarray(0, -1), /takes 24 bytes, and it holds 23/],
    ["more data", npyBytes([2, 2], six), /takes 16 bytes, and it holds 24/],
    ["version 9", npyHeader("{}", new Uint8Array(0), 9), /version is 9/],
    ["objects", literal("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"), /"\|O", Python objects/],
    ["complex numbers", literal("{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }"), /"<c8", complex/],
    ["bfloat16", literal("{'descr': '<V2', 'fortran_order': False, 'shape': (12,), }"), /bfloat16/],
    ["long doubles", literal("{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }"), /long doubles/],
    ["texts", literal("{'descr': '<U6', 'fortran_order': False, 'shape': (1,), }"), /texts/],
    ["unknown types", literal("{'descr': 'zz', 'fortran_order': False, 'shape': (6,), }"), /not known/],
    [
      "a name of every object",
      literal("{'descr': 'constructor', 'fortran_order': False, 'shape': (6,), }"),
      /not known/,
    ],
    ["fields", literal("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (6,), }"), /several fields/],
    ["a deep header", literal("(".repeat(60_000)), /plain values/],
    ["a list as shape", literal("{'descr': '<f4', 'fortran_order': False, 'shape': [6], }"), /tuple/],
    ["two commas", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (6,),, }"), /plain values/],
    ["a huge shape", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"), /takes/],
    ["endless digits", literal(`{'descr': '<f4', 'fortran_order': False, 'shape': (${"9".repeat(400)},), }`), /beyond/],
    ["a negative size", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,), }"), /plain values/],
    ["no tuple", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (6), }"), /tuple/],
    ["a key twice", literal("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,), }"), /twice/],
    ["a key too many", literal("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': '1', }"), /alone/],
    ["a key too few", literal("{'descr': '<f4', 'shape': (6,), }"), /alone/],
    ["a call", literal("{'descr': __import__('os'), 'fortran_order': False, 'shape': (6,), }"), /plain values/],
    ["65 axes", literal(`{'descr': '<f4', 'fortran_order': False, 'shape': (6, ${"1, ".repeat(63)}1), }`), /65 axes/],
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

  const [LARGE, ROWS] = [3 * 2 ** 28, 2];

  it("reads a part of a file beyond 4 GiB, and refuses one of another length", async () => {
    const path = join(folder, "large.npy");
    const head = npyHeader(
      `{'descr': '<f4', 'fortran_order': False, 'shape': (${ROWS}, ${LARGE}), }`,
      new Uint8Array(0),
    );
    writeFileSync(path, head);
    // A hole: it takes no room on the disk.
    truncateSync(path, head.length + 4 * ROWS * LARGE);
    const file = openSync(path, "r+");
    writeSync(file, new Uint8Array(six.buffer), 0, 24, head.length + 4 * (ROWS * LARGE - 6));
    closeSync(file);
    const before = process.memoryUsage().arrayBuffers;
    await withNpy(path, async ({ shape, read }) => {
      expect(shape).toEqual([ROWS, LARGE]);
      expect(await read(ROWS * LARGE - 7, 7)).toEqual(Float32Array.of(0, ...six));
      expect(await read(2 ** 30 + 5, 2)).toEqual(Float32Array.of(0, 0));
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 22);
    let opened = false;
    for (const length of [-1, 1]) {
      truncateSync(path, head.length + 4 * ROWS * LARGE + length);
      await expect(withNpy(path, async () => void (opened = true))).rejects.toThrow(/takes \d+ bytes, and it holds/);
    }
    expect(opened).toBe(false);
    rmSync(path);
  });

  it("reads parts as the whole, also in Fortran order", async () => {
    for (const [name, bytes] of [
      ["c", npyBytes([2, 3], six)],
      ["f", literal("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }")],
      [
        "half",
        npyHeader("{'descr': '<f2', 'fortran_order': False, 'shape': (6,), }", new Uint8Array(encodeHalf(six).buffer)),
      ],
    ] as const) {
      const path = join(folder, `${name}.npy`);
      writeFileSync(path, bytes);
      const { data } = await readNpy(path);
      const parts = await withNpy(path, async ({ read }) => [...(await read(0, 2)), ...(await read(2, 4))]);
      expect(parts, name).toEqual([...data]);
    }
  });

  it.skipIf(process.platform === "win32")(
    "reads a pipe on and on, and says where it ends too early or too late",
    async () => {
      const whole = npyBytes([2, 3], six);
      const pipe = join(folder, "pipe");
      execFileSync("mkfifo", [pipe]);
      const piped = async <T>(bytes: Uint8Array, use: () => Promise<T>) => {
        const [result] = await Promise.all([use(), writeFile(pipe, bytes)]);
        return result;
      };
      const parts = () => withNpy(pipe, async ({ read }) => [...(await read(0, 4)), ...(await read(4, 2))]);
      expect(await piped(whole, parts)).toEqual([...six]);
      expect(await piped(whole, () => readNpy(pipe))).toEqual({ shape: [2, 3], data: six });
      await expect(piped(whole.subarray(0, -1), parts)).rejects.toThrow(/takes 24 bytes, and it holds fewer/);
      await expect(piped(Uint8Array.from([...whole, 0]), parts)).rejects.toThrow(/takes 24 bytes, and it holds more/);
    },
  );

  it("survives broken files", { timeout: 600_000 }, () => {
    const valid = [
      npyBytes([2, 3], six),
      npyBytes([1, 2], Float64Array.of(1, 2)),
      npyBytes([], Float32Array.of(1)),
      literal("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"),
      literal("{'descr': '>f2', 'fortran_order': False, 'shape': (2, 6), }"),
    ];
    const edit = fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(4),
      fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc
          .constantFrom(
            "(",
            ")",
            ",",
            "'",
            "9999999999",
            "0",
            " ",
            "\n",
            "True",
            "<f8",
            ">i8",
            "|u1",
            "}",
            "[",
            "{",
            ":",
            "#",
            "\\",
            "L",
          )
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
          // A byte becomes a float64 at most.
          expect(data.byteLength).toBeLessThanOrEqual(8 * bytes.length);
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
