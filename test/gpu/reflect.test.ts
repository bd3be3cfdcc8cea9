import { describe, expect, it } from "vitest";
import { packStruct, reflect } from "../../src/gpu/reflect.ts";
import { testGpu, runKernels } from "../harness.ts";

const code = `
struct Params { a: u32, b: vec3<f32>, c: f32, d: vec2<u32>, e: i32, f: vec4f }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>; // not @group(1) @binding(9) var<storage> z: u32;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
`;

describe("WGSL reflection", () => {
  it("finds bindings by name with access and type", () => {
    expect(reflect("file", code).bindings).toEqual([
      { binding: 0, name: "params", space: "uniform", access: "read", type: "Params", half: false },
      { binding: 2, name: "x", space: "storage", access: "read", type: "array<vec4<f32>>", half: false },
      { binding: 1, name: "y", space: "storage", access: "read_write", type: "array<f32>", half: false },
    ]);
  });

  it("knows half precision, by aliases too", () => {
    const declare = (type: string) =>
      `alias Inner = vec4<f16>; alias Outer = Inner; @group(0) @binding(0) var<storage> x: ${type};`;
    const half = (type: string) => reflect("file", declare(type)).bindings[0]!.half;
    const halves = ["f16", "array<f16>", "array<vec4<f16>>", "array<vec2h>", "array<Inner>", "array<Outer, 4>"];
    for (const type of halves) expect(half(type), type).toBe(true);
    for (const type of ["f32", "array<vec4f>", "array<Other>", "array<u32>"]) expect(half(type), type).toBe(false);
  });

  it("lays structs out as the specification says", () => {
    const layout = reflect("file", code).structs.get("Params")!;
    const offsets = Object.fromEntries([...layout.fields].map(([name, field]) => [name, field.offset]));
    expect(offsets).toEqual({ a: 0, b: 16, c: 28, d: 32, e: 40, f: 48 });
    expect(layout.size).toBe(64);
  });

  it("agrees with the GPU about every field", async () => {
    const gpu = await testGpu();
    const shader = {
      name: "probe",
      code: `struct Params { a: u32, b: vec3<f32>, c: f32, d: vec2<u32>, e: i32, f: vec4f }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() {
  y[0] = f32(params.a); y[1] = params.b.x; y[2] = params.b.z; y[3] = params.c;
  y[4] = f32(params.d.y); y[5] = f32(params.e); y[6] = params.f.w;
}`,
    };
    const params = { a: 7, b: [1, 2, 3], c: 4.5, d: [8, 9], e: -6, f: [10, 11, 12, 13] };
    const { y } = await runKernels(gpu, {}, { y: { shape: [7] } }, (ctx, t) => {
      ctx.dispatch({
        label: "probe",
        shader,
        params,
        bindings: { y: t.y },
        workgroups: [1, 1, 1],
        flops: 0,
        bytes: 0,
      });
    });
    expect([...y]).toEqual([7, 1, 3, 4.5, 9, -6, 13]);
  });

  it("refuses values that do not fit the struct", () => {
    const layout = reflect(
      "file",
      "struct Params { a: u32, b: i32, v: vec2f }\n@group(0) @binding(0) var<uniform> params: Params;",
    ).structs.get("Params")!;
    const target = new DataView(new ArrayBuffer(16));
    const good = { a: 1, b: -1, v: [1, 2] };
    expect(() => packStruct(layout, good, target, 0, "test")).not.toThrow();
    for (const bad of [
      { ...good, c: 1 },
      { a: 1, b: 1 },
      { ...good, a: -1 },
      { ...good, a: 0.5 },
      { ...good, v: [1] },
      { ...good, a: 2 ** 32 },
    ]) {
      expect(() => packStruct(layout, bad as never, target, 0, "test")).toThrow(/^test: /);
    }
  });

  it("refuses what it cannot lay out", () => {
    expect(() => reflect("file", "@group(1) @binding(0) var<storage, read> x: array<f32>;")).toThrow(/group 1/);
    expect(() => reflect("file", "struct P { m: mat3x3<f32> }\n@group(0) @binding(0) var<uniform> p: P;")).toThrow(
      /unsupported/,
    );
    expect(() => reflect("file", "@group(0) @binding(0) var<uniform> p: Nothing;")).toThrow(/Nothing/);
  });
});
