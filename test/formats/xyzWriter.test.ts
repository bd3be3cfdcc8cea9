import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { parseXyzFrames } from "../../src/formats/xyzStream.ts";
import { encodeXyzFrame } from "../../src/formats/xyzWriter.ts";
import type { Frame, FrameColumn, InfoValue } from "../../src/molecules/frame.ts";
import { plain, water } from "./frames.ts";
import { thrown } from "./support.ts";

const column = (values: number[], width: number, kind: "R" | "I" = "R"): FrameColumn => ({
  kind,
  width,
  values: Float64Array.from(values),
});

describe("encodeXyzFrame", () => {
  it("writes a frame as people know them", () => {
    const frame = water({
      cell: Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9.5),
      pbc: [true, true, false],
      arrays: new Map([["forces", column([1, 2, 3, 4, 5, 6, 7, 8, -1e-20], 3)]]),
      info: new Map<string, InfoValue>([
        ["energy", -0.1],
        ["note", 'a "b"'],
        ["stress", [1, 2, 3, 4, 5, 6]],
      ]),
    });
    expect(encodeXyzFrame(frame)).toBe(
      `3
Lattice="9 0 0 0 9 0 0 0 9.5" Properties=species:S:1:pos:R:3:forces:R:3 pbc="T T F" energy=-0.1 note="a \\"b\\"" \
stress="1 6 5 6 2 4 5 4 3"
O 0 0 0.1 1 2 3
H 0.76 0 -0.48 4 5 6
H -0.76 0 -0.48 7 8 -1e-20
`,
    );
  });

  it("writes places to so many digits, without a minus before zero", () => {
    const frame = water({ positions: Float64Array.of(-1e-12, 1 / 3, -2 / 3, -0.05, 0, -0, 1e5, -12.3456789, -1) });
    expect(encodeXyzFrame(frame, { digits: 3 }).split("\n").slice(2, 5)).toEqual([
      "O 0.000 0.333 -0.667",
      "H -0.050 0.000 0.000",
      "H 100000.000 -12.346 -1.000",
    ]);
  });

  it("gives back what it was given, numbers to the last digit", () => {
    const number = fc.double({ noNaN: true });
    const place = fc.double({ min: -1e5, max: 1e5, noNaN: true });
    const text = fc.string({ minLength: 1, maxLength: 12, unit: "binary" }).filter((one) => !/[\r\0]/.test(one));
    const key = fc
      .stringMatching(/^[A-Za-z_][\w-]{0,9}$/)
      .filter((one) => !/^(properties|lattice|pbc|origin)$/i.test(one));
    const value: fc.Arbitrary<InfoValue> = fc.oneof(
      number,
      fc.boolean(),
      text,
      fc.array(number, { minLength: 1, maxLength: 4 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
      fc.array(fc.array(number, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      fc.dictionary(key, fc.oneof(number, text), { maxKeys: 3, noNullPrototype: true }),
    );
    const infos = fc.dictionary(
      key.filter((one) => !/^(stress|virial)$/.test(one)),
      value,
      { maxKeys: 4, noNullPrototype: true },
    );
    const frames = fc.record({
      elements: fc.uint8Array({ min: 0, max: 118, minLength: 2, maxLength: 2 }),
      positions: fc.array(place, { minLength: 6, maxLength: 6 }),
      cell: fc.option(fc.array(place, { minLength: 9, maxLength: 9 }), { nil: undefined }),
      forces: fc.array(number, { minLength: 6, maxLength: 6 }),
      info: infos,
    });
    fc.assert(
      fc.property(frames, ({ elements, positions, cell, forces, info }) => {
        const frame: Frame = {
          elements,
          positions: Float64Array.from(positions),
          ...(cell && { cell: Float64Array.from(cell) }),
          pbc: [true, false, true],
          arrays: new Map<string, FrameColumn>([
            ["forces", column(forces, 3)],
            ["tag", column([-1, 9], 1, "I")],
            ["moved", { kind: "L", width: 1, values: Uint8Array.of(1, 0) }],
            ["name", { kind: "S", width: 1, values: ["a:b", "\u00e9"] }],
          ]),
          info: new Map(Object.entries(info)),
        };
        const [read] = parseXyzFrames(encodeXyzFrame(frame));
        const { number: _, line, ...found } = plain(read!);
        expect([found, line]).toEqual([plain(frame), 1]);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it.each<[string, Partial<Frame>]>([
    ["2 coordinates are not those of 3 atoms", { positions: new Float64Array(2) }],
    ["0 coordinates are not those of 0 atoms", { elements: new Uint8Array(0), positions: new Float64Array(0) }],
    ["its positions has numbers that are not finite", { positions: new Float64Array(9).fill(NaN) }],
    ["its cell has 3 numbers", { cell: new Float64Array(3) }],
    ["its origin has 2 numbers", { origin: new Float64Array(2) }],
    ["it has the element 119", { elements: Uint8Array.of(1, 119, 8) }],
    ['a column is named "a b"', { arrays: new Map([["a b", column([1, 2, 3], 1)]]) }],
    ["its q has 2 entries, not 3 of 1", { arrays: new Map([["q", column([1, 2], 1)]]) }],
    ["its q has numbers that are not whole", { arrays: new Map([["q", column([1, 2, 0.5], 1, "I")]]) }],
    ['its s has the text "a b"', { arrays: new Map([["s", { kind: "S", width: 1, values: ["a", "a b", "c"] }]]) }],
    ['a value is named "Lattice"', { info: new Map([["Lattice", 1]]) }],
  ])("refuses a frame: %s", (message, parts) => {
    const error = thrown(() => encodeXyzFrame(water(parts))) as VoxtwirlError;
    expect([error.code, error.message]).toEqual(["bad-molecule", expect.stringContaining(message)]);
  });
});
