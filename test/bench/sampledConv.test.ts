import { describe, expect, it } from "vitest";
import type { Expected } from "../../bench/case.ts";
import { uniform } from "../../bench/data.ts";
import {
  sampledConv,
  sampledConvTranspose,
  sampledGradInput,
  sampledGradWeight,
  sampleIndices,
} from "../../bench/sampledConv.ts";
import { elementCount } from "../../src/gpu/tensor.ts";
import { conv3dShape } from "../../src/kernels/conv3d/conv3d.ts";
import { convTranspose3dShape } from "../../src/kernels/conv3d/convTranspose3d.ts";
import * as conv from "../../src/reference/conv3d.ts";
import { convTranspose3d } from "../../src/reference/convTranspose3d.ts";

/** Every sample is what the whole twin has there. */
function expectSamplesOf(samples: readonly Expected[], whole: Float64Array): void {
  const [{ indices, values }] = samples as [Expected];
  expect(values.length).toBeGreaterThan(20);
  for (let i = 0; i < values.length; i++) expect(Math.abs(values[i]! - whole[indices![i]!]!)).toBeLessThan(1e-12);
}

describe("convolutions at samples", () => {
  it.each([
    [3, 1, 1],
    [3, 2, 1],
    [4, 2, 1],
    [1, 1, 0],
  ])("are the twins' (kernel %i, stride %i, padding %i)", (kernel, stride, padding) => {
    const x = [2, 6, 6, 6, 3];
    const weight = [kernel, kernel, kernel, 3, 5];
    const y = conv3dShape(x, weight, stride, padding);
    const tensor = (name: string, shape: number[]) => ({ shape, data: uniform(name, elementCount(shape)) });
    const [xs, ws, gs] = [tensor("x", x), tensor("weight", weight), tensor("gradY", y)];
    const data = new Map([
      ["x", xs.data],
      ["weight", ws.data],
      ["gradY", gs.data],
    ]);
    const geometry = { x, y, kernel, stride, padding };
    expectSamplesOf(sampledConv(geometry, data), conv.conv3d(xs, ws, y, stride, padding));
    expectSamplesOf(sampledGradInput(geometry, data), conv.conv3dGradInput(gs, ws, x, stride, padding));
    if (kernel > 1) {
      expectSamplesOf(sampledGradWeight(geometry, data), conv.conv3dGradWeight(xs, gs, weight, stride, padding));
    }
    if (stride !== 2) return;
    const up = convTranspose3dShape(x, weight, 2, padding);
    expectSamplesOf(sampledConvTranspose({ ...geometry, y: up }, data), convTranspose3d(xs, ws, up, 2, padding));
  });

  it("are taken from all over, both ends among them", () => {
    const indices = sampleIndices(10_000_000, 384);
    expect(indices[0]).toBe(0);
    expect(indices.at(-1)).toBe(9_999_999);
    expect(new Set(indices).size).toBe(384);
    // All of 32 channels, though the step is even.
    expect(new Set(sampleIndices(32 * 2 ** 15, 384).map((index) => index % 32)).size).toBe(32);
    expect(sampleIndices(5, 384)).toEqual([0, 1, 2, 3, 4]);
  });
});
