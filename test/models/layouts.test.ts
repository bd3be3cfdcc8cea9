import { describe, expect, it } from "vitest";
import { fromTorch, toTorch, type WeightKind } from "../../src/models/layouts.ts";

const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i + 1);

describe("weight layouts", () => {
  it("moves a convolution's elements to PyTorch's place", () => {
    const [k0, k1, k2, ci, co] = [2, 3, 4, 5, 6];
    const data = ramp(k0 * k1 * k2 * ci * co);
    for (const kind of ["conv", "convTranspose"] as const) {
      const torch = toTorch(kind, [k0, k1, k2, ci, co], data);
      const [outer, inner] = kind === "conv" ? [co, ci] : [ci, co];
      expect(torch.shape).toEqual([outer, inner, k0, k1, k2]);
      for (let z = 0; z < k0; z++) {
        for (let y = 0; y < k1; y++) {
          for (let x = 0; x < k2; x++) {
            for (let i = 0; i < ci; i++) {
              for (let o = 0; o < co; o++) {
                const ours = (((z * k1 + y) * k2 + x) * ci + i) * co + o;
                const [p, q] = kind === "conv" ? [o, i] : [i, o];
                const theirs = (((p * inner + q) * k0 + z) * k1 + y) * k2 + x;
                if (torch.data[theirs] !== data[ours]) throw new Error(`${kind} at ${z},${y},${x},${i},${o}`);
              }
            }
          }
        }
      }
    }
  });

  it("transposes a linear layer and leaves a vector", () => {
    expect(toTorch("linear", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))).toEqual({
      shape: [3, 2],
      data: Float32Array.of(1, 4, 2, 5, 3, 6),
    });
    const bias = Float32Array.of(1, 2);
    const copy = toTorch("vector", [2], bias);
    expect(copy).toEqual({ shape: [2], data: bias });
    expect(copy.data).not.toBe(bias);
  });

  it.each<[WeightKind, number[]]>([
    ["conv", [3, 3, 3, 5, 7]],
    ["conv", [1, 1, 1, 1, 4]],
    ["convTranspose", [4, 4, 4, 3, 2]],
    ["linear", [5, 15]],
    ["vector", [9]],
  ])("%s of %j comes back unchanged", (kind, shape) => {
    const data = ramp(shape.reduce((a, b) => a * b, 1));
    const torch = toTorch(kind, shape, data);
    expect(fromTorch(kind, torch.shape, torch.data)).toEqual({ shape, data });
  });

  it("refuses another rank or length", () => {
    expect(() => toTorch("conv", [3, 3, 3, 4], ramp(108))).toThrow(/5 axes/);
    expect(() => fromTorch("linear", [3, 4], ramp(13))).toThrow(expect.objectContaining({ code: "bad-shape" }));
  });
});
