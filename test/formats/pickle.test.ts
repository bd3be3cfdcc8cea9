import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import type { Fail } from "../../src/formats/npyHeader.ts";
import { decodePickle, PickleTuple } from "../../src/formats/pickle.ts";
import { PickleWriter } from "../../src/formats/pickleWriter.ts";
import { TorchHost } from "../../src/formats/torchObjects.ts";
import { boundedMemory, FUZZ_RUNS } from "../fuzzRuns.ts";
import { processorTime } from "./support.ts";

const fail: Fail = (reason, fix = "fix") => {
  throw new VoxtwirlError("bad-file", reason, fix);
};
const decode = (bytes: Uint8Array) => decodePickle(bytes, new TorchHost(fail), fail);

/** A pickle of protocol 2 of what a text says, its characters being bytes. */
const pickle = (latin: string) => Uint8Array.from(Buffer.from(`\x80\x02${latin}.`, "latin1"));

describe("decodePickle", () => {
  it.each<[string, string, unknown]>([
    [
      "a dictionary",
      "}q\0(X\x01\0\0\0aK\x01X\x01\0\0\0bNu",
      new Map<string, unknown>([
        ["a", 1],
        ["b", null],
      ]),
    ],
    ["lists by append and appends", "](K\x01K\x02e]a", [1, 2, []]],
    ["tuples", "(K\x01K\x02K\x03K\x04t", new PickleTuple([1, 2, 3, 4])],
    ["short tuples", "K\x01\x85K\x02\x86", new PickleTuple([new PickleTuple([1]), 2])],
    ["a set", "\x8f(K\x01K\x02\x90", new Set([1, 2])],
    ["a frozen set", "(K\x01\x91", new Set([1])],
    ["whole numbers", "(J\xff\xff\xff\xffM\x01\x02\x8a\x02\xff\x00\x8a\x01\xff\x8a\0l", [-1, 513, 255, -1, 0]],
    ["2^64", "\x8a\x09\0\0\0\0\0\0\0\0\x01", 2n ** 64n],
    ["a number with a point", "G\x40\x04\0\0\0\0\0\0", 2.5],
    ["booleans", "\x88\x89\x86", new PickleTuple([true, false])],
    ["bytes", "C\x02\0\xff", new Uint8Array([0, 255])],
    ["text in UTF-8", "\x8c\x02\xc3\xbc", "\u00fc"],
    ["what was remembered", "]q\x05K\x01r\0\x01\0\0j\0\x01\0\0\x87", new PickleTuple([[], 1, 1])],
    ["an ordered dictionary", "ccollections\nOrderedDict\n)R(K\x01K\x02u}K\0K\0sb", new Map([[1, 2]])],
    ["one made of pairs", "ccollections\nOrderedDict\n]K\x01K\x02\x86a\x85R", new Map([[1, 2]])],
  ])("reads %s", (_, text, value) => expect(decode(pickle(text))).toEqual(value));

  it("reads an object that holds itself", () => {
    const list = decode(pickle("]q\0h\0a")) as unknown[];
    expect(list[0]).toBe(list);
  });

  it.each<[string, string, RegExp]>([
    ["a function", "cos\nsystem\nX\x02\0\0\0ls\x85R", /names os\.system, which is no tensor/],
    ["a function by its stack", "\x8c\x08builtins\x8c\x04eval\x93", /names builtins\.eval/],
    ["an object", "ccollections\nOrderedDict\n)\x81", /makes an object of a class/],
    ["an extension", "\x82\x01", /registered extension/],
    ["data outside", "\x97", /outside its pickle/],
    ["a call of a class that is no function", "ctorch\nFloatStorage\n)R", /calls torch\.FloatStorage/],
    ["a call of data", "K\x01)R", /call of nothing/],
    ["attributes of a list", "]}b", /attributes/],
    ["a name that is a list", "]]\x93", /no text/],
    ["a strange name", "ca b\n\x1b[31m\n", /names "a b\.\\u001b\[31m"/],
    ["a long name", `c${"m".repeat(500)}\nx\n`, /names m{80}\.\.\./],
    ["an endless name", `c${"m".repeat(5000)}\n`, /name without an end/],
    ["a storage that is none", "K\x01Q", /a storage in it is not as PyTorch/],
    ["no value", "", /value is missing/],
    ["too many values", "K\x01K\x02", /1 values too many/],
    ["a mark in place of a value", "(", /value is missing/],
    ["a missing mark", "K\x01t", /mark is missing/],
    ["what was not remembered", "h\x07", /value 7 is not there/],
    ["an entry of a list", "]K\x01K\x02s", /entry of no dictionary/],
    ["an odd number of entries", "}(K\x01u", /entry of no dictionary/],
    ["an item of a dictionary", "}K\x01a", /what is no list/],
    ["an item of no set", "}(K\x01\x90", /what is no set/],
    ["a text that is too long", "X\xff\xff\xff\xffa", /4294967295 more are wanted/],
    ["a text of 2^63 bytes", "\x8d\0\0\0\0\0\0\0\x80", /ends at byte/],
    ["an integer that is too long", `\x8b\0\x01\0\0${"a".repeat(256)}`, /integer of 256 bytes/],
    ["a frame that is too long", "\x95\0\0\0\0\x01\0\0\0", /frame of 4294967296 bytes/],
    ["another opcode", "\xee", /opcode 0xee/],
    ["protocol 0", "\x80\0", /protocol 0/],
    ["protocol 9", "\x80\x09", /protocol 9/],
  ])("refuses %s", (_, text, message) => {
    const refusal = { code: "bad-file", message: expect.stringMatching(message), fix: expect.stringMatching(/./) };
    expect(() => decode(pickle(text))).toThrow(expect.objectContaining(refusal));
  });

  it("refuses a pickle without its end", () => {
    expect(() => decode(pickle("K\x01").subarray(0, -1))).toThrow(/pickle ends at byte 4/);
  });

  it("takes lists in lists to any depth, and doubled ones, without filling memory", () => {
    const depth = 200_000;
    const nested = pickle("]".repeat(depth) + "a".repeat(depth - 1));
    const doubled = pickle(`]q\0${"0](h\0h\0eq\0".repeat(2000)}`);
    for (const bytes of [nested, doubled]) boundedMemory(bytes.length, () => decode(bytes));
    expect(() => decode(pickle("}0".repeat(2_100_000)))).toThrow(/more than 2097152 values/);
  });

  it("survives broken pickles", { timeout: 600_000 }, () => {
    const inner = { a: [1, 2.5, null, true, "text", -7], b: { c: 2 ** 40 } };
    const valid = [
      new PickleWriter().value(inner).finish(),
      pickle("}q\0(X\x01\0\0\0a](K\x01e\x8f(K\x01\x90X\x01\0\0\0bccollections\nOrderedDict\n)Rq\x01u"),
    ];
    const codes = fc.constantFrom(..."()](}aeust.bRQqrhjXKMJGc012".split("").map((one) => one.charCodeAt(0)));
    const edit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), fc.array(codes, { maxLength: 4 }));
    const mutated = fc.tuple(fc.constantFrom(...valid), fc.array(edit, { maxLength: 3 })).map(([bytes, edits]) =>
      edits.reduce((now, [where, drop, insert]) => {
        const at = Math.floor(where * now.length);
        return Uint8Array.from([...now.subarray(0, at), ...insert, ...now.subarray(at + drop)]);
      }, bytes),
    );
    const arbitrary = fc.array(fc.oneof(codes, fc.nat(255)), { maxLength: 60 }).map((codes) => Uint8Array.from(codes));
    let [read, refused] = [0, 0];
    const start = processorTime();
    fc.assert(
      fc.property(fc.oneof(mutated, arbitrary), (bytes) => {
        try {
          boundedMemory(bytes.length, () => decode(bytes));
          read++;
        } catch (error) {
          if (!(error instanceof VoxtwirlError) || error.code !== "bad-file" || error.fix === "") throw error;
          refused++;
        }
      }),
      { numRuns: FUZZ_RUNS, seed: 7 },
    );
    expect(Math.min(read, refused)).toBeGreaterThan(100);
    expect(processorTime() - start).toBeLessThan(100 * FUZZ_RUNS);
  });
});
