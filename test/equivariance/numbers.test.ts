import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readNumbers } from "../../src/equivariance/numbers.ts";

const KINDS = ["Float32Array", "Float64Array", "Int8Array", "Uint8ClampedArray", "Uint32Array", "Array"] as const;
const foreign = Object.fromEntries(KINDS.map((kind) => [kind, runInNewContext(kind) as ArrayConstructor]));

describe("numbers that a caller gives", () => {
  it("are read from arrays of every kind, of this realm and of others, and nested in their order", () => {
    const small = fc.array(fc.integer({ min: 0, max: 127 }), { minLength: 1, maxLength: 8 });
    const kind = fc.constantFrom(...KINDS);
    fc.assert(
      fc.property(fc.array(fc.tuple(small, kind, fc.boolean()), { minLength: 1, maxLength: 4 }), (parts) => {
        const own = globalThis as unknown as Record<string, ArrayConstructor>;
        const arrays = parts.map(([values, kind, here]) => (here ? own[kind]! : foreign[kind]!).from(values));
        const expected = parts.flatMap(([values]) => values);
        expect([...readNumbers("x", arrays)]).toEqual(expected);
        expect([...readNumbers("x", [arrays, arrays])]).toEqual([...expected, ...expected]);
        expect([...readNumbers("x", arrays[0])]).toEqual(parts[0]![0]);
      }),
    );
  });

  it("keep their precision, and a Float32Array is not copied", () => {
    const single = Float32Array.of(0.1, 2);
    expect(readNumbers("x", single)).toBe(single);
    expect(readNumbers("x", foreign.Float32Array!.from(single))).toEqual(single);
    expect(readNumbers("x", [single, single])).toBeInstanceOf(Float32Array);
    for (const double of [[0.1], Float64Array.of(0.1), foreign.Float64Array!.of(0.1), [[0.1]], { length: 1, 0: 0.1 }]) {
      expect(readNumbers("x", double)).toEqual(Float64Array.of(0.1));
    }
    expect(readNumbers("x", Uint32Array.of(2 ** 32 - 1))[0]).toBe(2 ** 32 - 1);
  });

  it.each<[string, unknown, string, RegExp]>([
    ["nothing", undefined, "bad-shape", /^x is undefined, not an array of numbers$/],
    ["null", null, "bad-shape", /^x is null/],
    ["one number", 3, "bad-shape", /^x is a number/],
    ["a string", "123", "bad-shape", /^x is a string/],
    ["a promise", Promise.resolve([1]), "bad-shape", /^x is a Promise/],
    ["bytes", new ArrayBuffer(8), "bad-shape", /^x is an ArrayBuffer/],
    ["a DataView", new DataView(new ArrayBuffer(8)), "bad-shape", /^x is a DataView/],
    ["big integers", BigInt64Array.of(1n), "bad-shape", /^x is a BigInt64Array/],
    ["a set", new Set([1]), "bad-shape", /^x is a Set/],
    ["an object", {}, "bad-shape", /^x is an object without numbers/],
    ["strings", [1, "2"], "bad-shape", /^number 1 of x is a string$/],
    ["a hole", [1, , 2], "bad-shape", /^number 1 of x is missing$/],
    ["a promise within", [[1], Promise.resolve(2)], "bad-shape", /^x\[1\] is a Promise/],
    ["an array among numbers", [1, [2]], "bad-shape", /^number 1 of x is an Array$/],
    ["NaN", [1, 2, NaN], "not-finite", /^number 2 of x is NaN$/],
    ["an infinite one", Float32Array.of(-Infinity), "not-finite", /^number 0 of x is -Infinity$/],
  ])("%s: refused by name, with a cure", (_, value, code, message) => {
    const refusal = expect.objectContaining({
      code,
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/\w/),
    });
    expect(() => readNumbers("x", value)).toThrow(refusal);
  });
});
