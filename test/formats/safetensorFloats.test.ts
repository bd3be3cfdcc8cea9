import { describe, expect, it } from "vitest";
import { encodeHalf } from "../../src/gpu/half.ts";
import { floats } from "../../src/formats/safetensorFloats.ts";
import { decodeSafetensors, type SafeDType, type SafeData } from "../../src/formats/safetensors.ts";

const VALUES = [0, -0, 1, -2.5, 2 ** -20, 65504, Infinity, -Infinity, NaN];
const of = (dtype: SafeDType, data: SafeData) => floats({ name: "a", dtype, shape: [data.length], data });

describe("floats", () => {
  it("gives the same numbers from F32, F16, BF16 and F64", () => {
    const expected = Float32Array.from(VALUES);
    expect(of("F32", expected)).toBe(expected);
    expect(of("F64", Float64Array.from(VALUES))).toEqual(expected);
    expect(of("F16", encodeHalf(VALUES).subarray(0, VALUES.length))).toEqual(expected);
    // 65504 takes more bits than BF16 has.
    const exact = expected.map((value) => (value === 65504 ? 65280 : value));
    const upper = Uint16Array.from(new Uint32Array(exact.buffer), (bits) => bits >>> 16);
    expect(of("BF16", upper)).toEqual(exact);
  });

  it("rounds F64 to the nearest, beyond the range to infinity", () => {
    expect(of("F64", Float64Array.of(0.1, 1e300, -1e39))).toEqual(
      Float32Array.of(Math.fround(0.1), Infinity, -Infinity),
    );
  });

  it("knows no others", () => {
    expect(of("I32", Int32Array.of(1))).toBeUndefined();
    expect(of("F8_E4M3", Uint8Array.of(1))).toBeUndefined();
  });

  it("reads F64 that lies at any offset of a file", () => {
    const values = Float64Array.of(0.5, -3);
    const offsets = JSON.stringify({ dtype: "F64", shape: [2], data_offsets: [1, 17] });
    const header = new TextEncoder().encode(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":${offsets}}`);
    const bytes = new Uint8Array(8 + header.length + 17);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    bytes.set(new Uint8Array(values.buffer), 8 + header.length + 1);
    expect(floats(decodeSafetensors(bytes).tensors.get("a")!)).toEqual(Float32Array.of(0.5, -3));
  });
});
