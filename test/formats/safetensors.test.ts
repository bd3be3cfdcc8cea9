import fc from "fast-check";
import { boundedMemory, FUZZ_RUNS } from "../fuzzRuns.ts";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  indexSafetensors,
  safetensorsChunks,
  safetensorsHeaderBytes,
  safetensorsStream,
  type SafeTensor,
} from "../../src/formats/safetensors.ts";

const tensors: SafeTensor[] = [
  { name: "down.0.weight", dtype: "F32", shape: [2, 3], data: Float32Array.of(1, -2, 3.5, NaN, Infinity, -0) },
  { name: "flags", dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) },
  { name: "counter", dtype: "I64", shape: [], data: BigInt64Array.of(-5n) },
  { name: "empty", dtype: "F32", shape: [0, 7], data: new Float32Array(0) },
  { name: "seed", dtype: "U32", shape: [2], data: Uint32Array.of(1, 0xffffffff) },
  { name: "__proto__", dtype: "F16", shape: [1], data: Uint16Array.of(0x3c00) },
];
const metadata = { config: '{"grid":32}', ключ: '\u0000"\n' };

/** A file from a header written by hand. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}
const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype: unknown = "F32"): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
function reject(bytes: Uint8Array, reason: RegExp): void {
  expect(() => decodeSafetensors(bytes, "x.safetensors")).toThrow(
    expect.objectContaining({ name: "VoxtwirlError", code: "bad-file", message: expect.stringMatching(reason) }),
  );
}

describe("encodeSafetensors", () => {
  it("is laid out byte by byte as the format says", () => {
    const bytes = encodeSafetensors([{ name: "a", dtype: "U16", shape: [2], data: Uint16Array.of(0x0102, 3) }]);
    const json = '{"a":{"dtype":"U16","shape":[2],"data_offsets":[0,4]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8, " ");
    expect([...bytes]).toEqual([padded.length, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(padded), 2, 1, 3, 0]);
  });

  it("comes back the same, bit for bit, from any offset and from a Buffer", () => {
    const bytes = encodeSafetensors(tensors, metadata);
    for (const shift of [0, 1, 4, 8]) {
      const moved = Buffer.alloc(bytes.length + shift + 3, 0xaa).subarray(shift, shift + bytes.length);
      moved.set(bytes);
      const decoded = decodeSafetensors(moved);
      expect(decoded.metadata).toEqual(metadata);
      expect(decoded.tensors.size).toBe(tensors.length);
      for (const tensor of tensors) expect(decoded.tensors.get(tensor.name)).toEqual(tensor);
    }
  });

  it("aligns every tensor and shares memory with it", () => {
    const chunks = safetensorsChunks(tensors, metadata);
    expect(chunks[0]!.length % 8).toBe(0);
    expect(chunks.some((chunk) => chunk.buffer === tensors[0]!.data.buffer)).toBe(true);
    const { tensors: decoded } = decodeSafetensors(encodeSafetensors(tensors, metadata));
    const file = decoded.get("down.0.weight")!.data.buffer;
    for (const tensor of decoded.values()) expect(tensor.data.buffer).toBe(file);
  });

  async function streamed(specs: readonly SafeTensor[], given: readonly SafeTensor[]): Promise<Uint8Array> {
    const data = async function* () {
      for (const tensor of given) yield tensor.data;
    };
    const pieces: Uint8Array[] = [];
    for await (const piece of safetensorsStream({ specs, data }, metadata)) pieces.push(piece);
    return new Uint8Array(Buffer.concat(pieces));
  }

  it("gives the same bytes of tensors that come one after another", async () => {
    const ordered = [...decodeSafetensors(encodeSafetensors(tensors, metadata)).tensors.values()];
    expect(await streamed(ordered, ordered)).toEqual(encodeSafetensors(tensors, metadata));
    const bad = expect.objectContaining({ code: "bad-shape" });
    await expect(streamed(ordered, ordered.slice(1))).rejects.toThrow(bad);
    await expect(streamed(ordered, ordered.slice(0, -1))).rejects.toThrow(bad);
    await expect(streamed(ordered.slice(0, -1), ordered)).rejects.toThrow(bad);
    await expect(streamed([...ordered].reverse(), [...ordered].reverse())).rejects.toThrow(bad);
  });

  it("encodes no tensors at all", () => {
    expect(decodeSafetensors(encodeSafetensors([]))).toEqual({ tensors: new Map(), metadata: {} });
  });

  it("refuses what it could not read back", () => {
    const weight = tensors[0]!;
    const bad = expect.objectContaining({ code: "bad-shape" });
    expect(() => encodeSafetensors([weight, weight])).toThrow(bad);
    expect(() => encodeSafetensors([{ ...weight, name: "__metadata__" }])).toThrow(bad);
    expect(() => encodeSafetensors([{ ...weight, shape: [2, 2] }])).toThrow(bad);
    expect(() => encodeSafetensors([{ ...weight, dtype: "F64" }])).toThrow(bad);
  });
});

describe("decodeSafetensors refuses", () => {
  it("a wrong frame", () => {
    reject(new Uint8Array(0), /0 bytes/);
    reject(new Uint8Array(7), /7 bytes/);
    reject(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d), /claims 3 bytes, and 2 follow/);
    reject(new Uint8Array(16).fill(0xff), /more than the 100000000 allowed/);
    reject(file(""), /not JSON/);
    reject(file("{"), /not JSON/);
    reject(file("[]"), /not a JSON object/);
    reject(file(" {}"), /not a JSON object/);
    reject(file("\ufeff{}"), /not JSON/);
    reject(file("[".repeat(200_000)), /not JSON/);
    const invalid = file('{"a":1}');
    invalid[10] = 0xff;
    reject(invalid, /not JSON/);
  });

  it("wrong entries", () => {
    reject(file({ __metadata__: [] }), /__metadata__ is not an object/);
    reject(file({ __metadata__: { a: 1 } }), /"a" is not a string/);
    reject(file({ a: 3 }), /"a" is not described/);
    reject(file({ a: { ...entry(0, 4), extra: 1 } }, 4), /unknown field "extra"/);
    reject(file({ a: entry(0, 4, [1], "F31") }, 4), /unknown dtype/);
    reject(file({ a: entry(0, 4, [1], "toString") }, 4), /unknown dtype/);
    reject(file({ a: entry(0, 4, [-1]) }, 4), /not a list of sizes/);
    reject(file({ a: entry(0, 4, [1.5]) }, 4), /not a list of sizes/);
    reject(file({ a: entry(0, 4, "1") }, 4), /not a list of sizes/);
    reject(file({ a: { dtype: "F32", shape: [1], data_offsets: [0] } }, 4), /not two byte offsets/);
    reject(file({ a: { dtype: "F32", shape: [1], data_offsets: [4, 0] } }, 4), /data_offsets \[4, 0\]/);
    reject(file({ a: entry(0, 4, [2]) }, 4), /2 elements of 4 bytes/);
    reject(file({ a: entry(0, 0, [2 ** 52, 2 ** 52]) }), /data_offsets/);
  });

  it("a key that stands twice", () => {
    const one = JSON.stringify(entry(0, 4));
    const other = JSON.stringify(entry(0, 4)).replace("F32", "I32");
    reject(file(`{"a":${one},"a":${one}}`, 4), /"a" twice/);
    reject(file(`{"a":${one} , "\\u0061" : ${other}}`, 4), /"a" twice/);
    reject(file(`{"__proto__":${one},"__proto__":${one}}`, 4), /"__proto__" twice/);
    reject(file(`{"__metadata__":{"x":"1","y":"2","x":"3"},"a":${one}}`, 4), /"x" twice/);
    reject(file(`{"__metadata__":{},"__metadata__":{}}`), /"__metadata__" twice/);
    reject(file(`{"a":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}}`, 4), /"shape" twice/);
    const inner = '{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[4,8]}';
    reject(file(`{"\\"":${one},"b":${inner}}`, 8), /"dtype" twice/);
  });

  it("no key that only seems to stand twice", () => {
    const config = JSON.stringify('{"a":1,"a":2}');
    const [one, other] = [JSON.stringify(entry(0, 4)), JSON.stringify(entry(4, 8))];
    const text = `{"__metadata__":{"a":"a","b":"\\",\\"a\\":","config":${config}},"a":${one},"A":${other}}`;
    const bytes = file(text, 8);
    expect([...decodeSafetensors(bytes).tensors.keys()]).toEqual(["a", "A"]);
    expect(decodeSafetensors(bytes).metadata).toEqual({ a: "a", b: '","a":', config: '{"a":1,"a":2}' });
  });

  it("data with holes, overlaps or another length", () => {
    reject(file({ a: entry(0, 8), b: entry(4, 12) }, 12), /"b" overlaps/);
    reject(file({ a: entry(0, 4), b: entry(8, 12) }, 12), /bytes 4 to 8/);
    reject(file({ a: entry(4, 8) }, 8), /bytes 0 to 4/);
    reject(file({ a: entry(0, 4) }, 5), /take 4 bytes, and it holds 5/);
    reject(file({ a: entry(0, 8) }, 4), /take 8 bytes, and it holds 4/);
    reject(encodeSafetensors(tensors).subarray(0, -1), /and it holds/);
  });
});

describe("decodeSafetensors on hostile input", () => {
  const extreme = fc.constantFrom(2 ** 31, 2 ** 53, 2 ** 53 - 1, -0, 1e308);
  const number = fc.oneof(fc.nat(16), fc.integer(), fc.double(), extreme);
  const anyEntry = fc.record(
    {
      dtype: fc.oneof(fc.constantFrom("F32", "U8", "I64", "BOOL", "constructor"), fc.anything()),
      shape: fc.oneof(fc.array(number, { maxLength: 4 }), fc.anything()),
      data_offsets: fc.oneof(fc.tuple(number, number), fc.array(number, { maxLength: 3 }), fc.anything()),
    },
    { requiredKeys: [] },
  );
  const name = fc.oneof(fc.constantFrom("a", "b", "__metadata__", "__proto__", ""), fc.string());
  const header = fc.oneof(fc.dictionary(name, fc.oneof(anyEntry, fc.dictionary(fc.string(), fc.string()))), fc.json());
  const valid = encodeSafetensors(tensors, metadata);
  const damaged = fc
    .tuple(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(valid.length))
    .map(([edits, length]) => {
      const bytes = valid.slice();
      for (const [at, value] of edits) bytes[at] = value;
      return length % 3 === 0 ? bytes.subarray(0, length) : bytes;
    });
  const written = fc.tuple(header, fc.nat(32)).map(([value, size]) => {
    const json = typeof value === "string" ? value : (stringify(value) ?? "null");
    return file(json, size);
  });
  const input = fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged, written);

  /** Names of the tensors, without their data in memory. */
  function fromHeader(bytes: Uint8Array): string[] {
    const head = bytes.subarray(0, safetensorsHeaderBytes(bytes.subarray(0, 8), bytes.length));
    return indexSafetensors(head, bytes.length).entries.map(({ name }) => name);
  }

  it("gives a file or a VoxtwirlError", { timeout: 600_000 }, () => {
    let accepted = 0;
    fc.assert(
      fc.property(input, (bytes) => {
        try {
          const { tensors } = boundedMemory(bytes.length, () => decodeSafetensors(bytes));
          const total = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
          expect(total).toBeLessThanOrEqual(bytes.length);
          accepted++;
          expect(fromHeader(bytes)).toEqual([...tensors.keys()]);
        } catch (error) {
          if (!(error instanceof VoxtwirlError) || error.code !== "bad-file") throw error;
          expect(() => fromHeader(bytes)).toThrow(error.message);
        }
      }),
      { numRuns: FUZZ_RUNS, seed: 7 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

/** JSON.stringify for anything fast-check makes; BigInts, and objects without a prototype's toJSON, have no JSON. */
function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
