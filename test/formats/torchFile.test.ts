import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { sourceOf } from "../../src/formats/byteSource.ts";
import type { PickleValue } from "../../src/formats/pickle.ts";
import { PickleWriter } from "../../src/formats/pickleWriter.ts";
import type { SafeTensor } from "../../src/formats/safetensors.ts";
import { decodeTorch, openTorch, type TorchFile } from "../../src/formats/torchFile.ts";
import { TorchTensor } from "../../src/formats/torchObjects.ts";
import { torchStream } from "../../src/formats/torchWriter.ts";
import { unzip, zipEntries } from "../../src/formats/zip.ts";
import { inflate } from "../../src/node/moleculeBytes.ts";
import { boundedMemoryOf, FUZZ_RUNS } from "../fuzzRuns.ts";
import { hasTorch, python } from "../python.ts";
import { temporaryFolder } from "../temporary.ts";
import { zipBytes } from "./zipBytes.ts";

const golden = (name: string) => new Uint8Array(readFileSync(new URL(`../golden/checkpoint/${name}`, import.meta.url)));
const fail = (reason: string): never => {
  throw new Error(reason);
};

/** Part of what was saved. */
function at(value: PickleValue, key: string): PickleValue | undefined {
  return (value as Map<PickleValue, PickleValue>).get(key);
}

/** All tensors of a dictionary. */
async function tensorsOf(file: TorchFile, key: string): Promise<Map<string, SafeTensor>> {
  const all = new Map<string, SafeTensor>();
  for (const [name, tensor] of at(file.root, key) as Map<string, PickleValue>) {
    if (tensor instanceof TorchTensor) all.set(name, await file.read(tensor, name));
  }
  return all;
}

/** The files of an archive, to write it again with others. */
async function filesOf(bytes: Uint8Array): Promise<Record<string, Uint8Array>> {
  const source = sourceOf(bytes);
  const files: Record<string, Uint8Array> = {};
  for (const entry of await zipEntries(source, fail)) files[entry.name] = await unzip(source, entry, inflate, fail);
  return files;
}

/** A file with one tensor `w` of three numbers, whose pickle is `around` what makes it. */
function oneTensor(
  change: Partial<{
    storage: string;
    key: string;
    count: number;
    offset: number;
    size: number[];
    stride: number[];
  }> = {},
): Uint8Array {
  const { storage = "FloatStorage", key = "0", count = 3, offset = 0, size = [3], stride = [1] } = change;
  const pickle = new PickleWriter();
  const tuple = (values: number[]) => pickle.tuple(() => values.forEach((value) => pickle.value(value)));
  pickle.dictionary([
    [
      "w",
      () =>
        pickle.call("torch._utils", "_rebuild_tensor_v2", () => {
          pickle.persistent(() => {
            pickle.value("storage").global("torch", storage).value(key).value("cpu").value(count);
          });
          pickle.value(offset);
          tuple(size);
          tuple(stride);
          pickle.value(false).orderedDictionary([]);
        }),
    ],
  ]);
  return pickle.finish();
}

const numbers = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
const torchZip = (pickle: Uint8Array, others: Record<string, Uint8Array> = { "x/data/0": numbers }) =>
  zipBytes({ "x/data.pkl": pickle, ...others });

/** Reads `w`. */
async function read(bytes: Uint8Array): Promise<SafeTensor> {
  const file = await decodeTorch(bytes, "x.pt");
  return file.read(at(file.root, "w") as TorchTensor, "w");
}

async function written(...given: Parameters<typeof torchStream>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of torchStream(...given)) pieces.push(piece);
  return Uint8Array.from(Buffer.concat(pieces));
}

describe.each(["types2.pt", "types5.pt"])("%s, which PyTorch wrote", (name) => {
  it("has every type of number, and views in the order of their axes", async () => {
    const tensors = await tensorsOf(await decodeTorch(golden(name)), "tensors");
    const count = (from: number, to: number) => Float32Array.from({ length: to - from }, (_, i) => from + i);
    const shaped = (key: string) => ({ shape: tensors.get(key)!.shape, data: tensors.get(key)!.data });
    expect(shaped("whole")).toEqual({ shape: [2, 3, 4], data: count(0, 24) });
    expect(shaped("transposed")).toEqual({
      shape: [6, 4],
      data: count(0, 24).map((i) => 6 * (i % 4) + Math.floor(i / 4)),
    });
    expect(shaped("part")).toEqual({ shape: [4], data: count(5, 9) });
    expect(shaped("strided")).toEqual({ shape: [3, 3], data: Float32Array.of(6, 8, 10, 12, 14, 16, 18, 20, 22) });
    expect(shaped("parameter")).toEqual({ shape: [3], data: count(0, 3) });
    expect(shaped("scalar")).toEqual({ shape: [], data: Float32Array.of(3.5) });
    expect(shaped("empty")).toEqual({ shape: [0, 4], data: new Float32Array(0) });
    expect(shaped("channelsLast")).toEqual({ shape: [1, 2, 3, 4], data: count(0, 24) });
    const bits = {
      ...{ float64: Float64Array.of(0, 1, 1, 0, 1), int64: BigInt64Array.of(0n, 1n, 1n, 0n, 1n) },
      ...{ float16: Uint16Array.of(0, 0x3c00, 0x3c00, 0, 0x3c00) },
      ...{ bfloat16: Uint16Array.of(0, 0x3f80, 0x3f80, 0, 0x3f80), int32: Int32Array.of(0, 1, 1, 0, 1) },
      ...{ int16: Int16Array.of(0, 1, 1, 0, 1), int8: Int8Array.of(0, 1, 1, 0, 1) },
      ...{ uint8: Uint8Array.of(0, 1, 1, 0, 1), bool: Uint8Array.of(0, 1, 1, 0, 1) },
    };
    for (const [type, data] of Object.entries(bits)) expect(tensors.get(type)!.data, type).toEqual(data);
    expect(tensors.get("bfloat16")!.dtype).toBe("BF16");
    expect(tensors.get("bool")!.dtype).toBe("BOOL");
  });

  it("has plain data beside them", async () => {
    const { root } = await decodeTorch(golden(name));
    const others = new Map(at(root, "others") as Map<PickleValue, PickleValue>);
    expect([...others.keys()].slice(0, 9)).toEqual("int negative large huge float none yes text list".split(" "));
    expect([...others.values()].slice(0, 9)).toEqual([
      7,
      -8,
      2 ** 40,
      10n ** 30n,
      2.5,
      null,
      true,
      "\u00fcber",
      [1, [2]],
    ]);
    expect(others.get(5)).toBe("number");
    const later = new Map<string, unknown>([
      ["set", new Set([3])],
      ["bytes", Uint8Array.of(0, 1)],
    ]);
    expect(at(root, "later")).toEqual(name === "types5.pt" ? later : new Map());
  });
});

describe("openTorch", () => {
  it("reads a file in parts, and never as a whole", async () => {
    const bytes = golden("voxmol.pth.tar");
    let taken = 0;
    const source = {
      size: bytes.length,
      read: (start: number, length: number) => {
        taken += length;
        return sourceOf(bytes).read(start, length);
      },
    };
    const file = await openTorch(source);
    const state = at(file.root, "state_dict_ema") as Map<string, TorchTensor>;
    const directory = taken;
    await file.read(state.get("module._orig_mod.final.bias")!, "final.bias");
    expect(taken - directory).toBeLessThan(100);
  });

  it("reads an archive that was packed again", async () => {
    const files = await filesOf(golden("types2.pt"));
    const packed = await decodeTorch(zipBytes(files, { deflate: true, zip64: true }));
    expect(await tensorsOf(packed, "tensors")).toEqual(
      await tensorsOf(await decodeTorch(golden("types2.pt")), "tensors"),
    );
  });

  it("reads numbers of types that have no storage of their own", async () => {
    const pickle = Buffer.from(
      "\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v3\n((X\x07\0\0\0storagectorch.storage\nUntypedStorage\n" +
        "X\x01\0\0\x000X\x03\0\0\0cpuK\x04tQK\0K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)Rctorch\nuint16\ntRs.",
      "latin1",
    );
    const { dtype, data } = await read(torchZip(pickle, { "x/data/0": Uint8Array.of(1, 0, 0, 1) }));
    expect({ dtype, data }).toEqual({ dtype: "U16", data: Uint16Array.of(1, 256) });
  });

  it.each<[string, Uint8Array, RegExp, RegExp?]>([
    ["a module", golden("module.pt"), /names torch\.nn\.modules\.linear\.Linear/, /save_file/],
    ["the old format", golden("legacy.pt"), /old format/, /torch\.save\(torch\.load/],
    ["another archive", zipBytes({ "a.npy": numbers }), /no data\.pkl/],
    ["no archive", new Uint8Array(100), /no directory/],
    ["big-endian numbers", torchZip(oneTensor(), { "x/byteorder": Buffer.from("big") }), /"big"-endian/, /safetensors/],
    ["a storage that is not there", torchZip(oneTensor({ key: "7" })), /no storage "7"/],
    ["a storage of another size", torchZip(oneTensor({ count: 4, size: [4] })), /has 12 bytes, not 16/],
    ["a view beyond its storage", torchZip(oneTensor({ offset: 1 })), /goes beyond its storage of 3/],
    ["strides beyond it", torchZip(oneTensor({ size: [2], stride: [2 ** 40] })), /goes beyond/],
    ["repeated numbers", torchZip(oneTensor({ size: [2 ** 30], stride: [0] })), /repeats the 3 numbers/, /clone/],
    [
      "a shape of too many axes",
      torchZip(oneTensor({ size: Array(65).fill(1), stride: Array(65).fill(1) })),
      /a tensor/,
    ],
    ["other strides than axes", torchZip(oneTensor({ stride: [1, 1] })), /a tensor in it/],
    ["a negative size", torchZip(oneTensor({ size: [-1] })), /a tensor in it/],
    ["complex numbers", torchZip(oneTensor({ storage: "ComplexFloatStorage" })), /names torch\.ComplexFloatStorage/],
  ])("refuses %s", async (_, bytes, message, fix = /./) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: "bad-file",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(fix),
    });
  });

  it("refuses other bytes than were packed, and no bytes at all", async () => {
    const bytes = golden("types2.pt");
    const place = Buffer.from(bytes).indexOf(Buffer.from(Float32Array.of(0, 1, 2, 3).buffer));
    bytes[place] = 9;
    const file = await decodeTorch(bytes);
    const whole = (at(file.root, "tensors") as Map<string, TorchTensor>).get("whole")!;
    await expect(file.read(whole, "whole")).rejects.toThrow(/"whole": its bytes are not those that were packed/);
    await expect(decodeTorch(undefined as unknown as Uint8Array)).rejects.toMatchObject({ code: "bad-option" });
  });

  it("survives broken files", { timeout: 600_000 }, async () => {
    const files = await filesOf(golden("types5.pt"));
    const name = Object.keys(files).find((one) => one.endsWith("data.pkl"))!;
    const edits = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), fc.uint8Array({ maxLength: 4 })),
      { maxLength: 3 },
    );
    const edited = (bytes: Uint8Array, changes: [number, number, Uint8Array][]) =>
      changes.reduce((now, [where, drop, insert]) => {
        const place = Math.floor(where * now.length);
        return Uint8Array.from([
          ...now.subarray(0, place),
          ...insert,
          ...now.subarray(place + (drop || insert.length)),
        ]);
      }, bytes);
    // The archive's own bytes, or its pickle's with a checksum that is right again.
    const whole = edits.map((changes) => edited(golden("types5.pt"), changes));
    const inner = edits.map((changes) => zipBytes({ ...files, [name]: edited(files[name]!, changes) }));
    let [fine, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.oneof(whole, inner, inner, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
        try {
          await boundedMemoryOf(bytes.length, async () => {
            const file = await decodeTorch(bytes);
            if (!(file.root instanceof Map) || !(file.root.get("tensors") instanceof Map)) return;
            for (const { shape, data } of (await tensorsOf(file, "tensors")).values()) {
              expect(data.length).toBe(shape.reduce((product, n) => product * n, 1));
            }
          });
          fine++;
        } catch (error) {
          if (!(error instanceof VoxtwirlError) || error.code !== "bad-file" || error.fix === "") throw error;
          refused++;
        }
      }),
      { numRuns: FUZZ_RUNS, seed: 7 },
    );
    expect(Math.min(fine, refused)).toBeGreaterThan(100);
  });
});

describe("torchStream", () => {
  const tensors: SafeTensor[] = [
    { name: "a.weight", dtype: "F32", shape: [2, 3], data: Float32Array.of(1, -2, NaN, 4, 5, 1e-40) },
    { name: "half", dtype: "F16", shape: [1], data: Uint16Array.of(0x3c01) },
    { name: "brain", dtype: "BF16", shape: [2], data: Uint16Array.of(0x3f81, 0x8000) },
    { name: "whole", dtype: "I64", shape: [], data: BigInt64Array.of(-(2n ** 60n)) },
    { name: "flags", dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) },
    { name: "none", dtype: "F64", shape: [0, 2], data: new Float64Array(0) },
  ];
  const stream = {
    specs: tensors,
    async *data() {
      for (const { data } of tensors) yield data;
    },
  };
  const others = { epoch: 3, config: { list: [1, -2.5, "\u00fc", null, true], none: {} } };

  it("writes what the reader reads", async () => {
    const file = await decodeTorch(await written(stream, { key: "state_dict", others }));
    expect(at(file.root, "epoch")).toBe(3);
    expect(at(file.root, "config")).toEqual(
      new Map<string, unknown>([
        ["list", [1, -2.5, "\u00fc", null, true]],
        ["none", new Map()],
      ]),
    );
    expect([...(await tensorsOf(file, "state_dict")).values()]).toEqual(tensors);
  });

  it("places numbers where they can be mapped into memory", async () => {
    const bytes = Buffer.from(await written(stream, { key: "state_dict" }));
    expect(bytes.indexOf(Buffer.from(Float32Array.of(1, -2).buffer)) % 64).toBe(0);
  });

  it.skipIf(!hasTorch)("writes what PyTorch loads", async () => {
    const path = join(temporaryFolder("torch"), "out.pt");
    writeFileSync(path, await written(stream, { key: "state_dict", others }));
    const code = `
import json, sys, torch
saved = torch.load(sys.argv[1])
state = saved.pop("state_dict")
bits = lambda t: list(t.numpy().tobytes()) if t.dtype != torch.bfloat16 else list(t.view(torch.int16).numpy().tobytes())
rows = [[k, str(t.dtype), list(t.shape), bits(t)] for k, t in state.items()]
print(json.dumps([saved, rows, type(state).__name__]))`;
    const types = { F32: "float32", F16: "float16", BF16: "bfloat16", I64: "int64", BOOL: "bool", F64: "float64" };
    expect(JSON.parse(execFileSync(python, ["-c", code, path], { encoding: "utf8" }))).toEqual([
      others,
      tensors.map(({ name, dtype, shape, data }) => [
        name,
        `torch.${types[dtype as keyof typeof types]}`,
        shape,
        [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
      ]),
      "OrderedDict",
    ]);
  });

  it("refuses what PyTorch has no storage for, and data that do not belong to the tensors", async () => {
    const small = { name: "x", dtype: "F8_E5M2", shape: [1], data: Uint8Array.of(1) } as const;
    const one = (data: SafeTensor["data"][]) => ({
      specs: [{ name: "x", dtype: "F32", shape: [1] } as const],
      async *data() {
        yield* data;
      },
    });
    const refused = (given: Parameters<typeof torchStream>[0]) => expect(written(given, { key: "state_dict" })).rejects;
    await refused({ ...stream, specs: [small] }).toMatchObject({ code: "unsupported" });
    await refused(one([])).toThrow(/no data/);
    await refused(one([Float32Array.of(1), Float32Array.of(1)])).toThrow(/more data/);
    await refused(one([Float32Array.of(1, 2)])).toMatchObject({ code: "bad-shape" });
  });
});
