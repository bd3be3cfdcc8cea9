import { describe, expect, it } from "vitest";
import { elementCount } from "../../../src/gpu/tensor.ts";
import * as kernels from "../../../src/kernels/index.ts";
import { cost, costs, f32 } from "./costs.ts";

describe("rotations and twirl", () => {
  const grid = [2, 5, 5, 5, 3];
  const elements = elementCount(grid);

  it.each([
    ["trilinear", 8],
    ["catmullRom", 64],
  ] as const)("resample, %s: a multiply-add for each of %d neighbours", (method, taps) => {
    const wanted = { flops: 2 * taps * elements, bytes: f32(grid, grid) };
    const [there] = costs((ctx, t) =>
      kernels.resample(ctx, { label: "r", x: t(grid), rotations: t([2, 9]), y: t(grid), method }),
    );
    expect(cost(there)).toEqual(wanted);
    const [back] = costs((ctx, t) =>
      kernels.resampleGrad(ctx, { label: "r", gradY: t(grid), rotations: t([2, 9]), gradX: t(grid), method }),
    );
    expect(cost(back)).toEqual(wanted);
  });

  it("twirlMerge: Welford's update, 6 operations for each prediction", () => {
    for (const count of [0, 4]) {
      const [merge] = costs((ctx, t) => {
        kernels.twirlMerge(ctx, {
          label: "m",
          predictions: t([8, 5, 5, 5, 3]),
          rotations: t([4], "u32"),
          mean: t(grid),
          m2: t(grid),
          count,
        });
      });
      const traffic = count === 0 ? [grid, grid] : [grid, grid, grid, grid];
      expect(cost(merge)).toEqual({ flops: 6 * 4 * elements, bytes: f32([8, 5, 5, 5, 3], ...traffic) });
    }
  });

  it("twirlMerge of the last chunk: the sums too, and M2 not written", () => {
    const terms = { predictions: [8, 5, 5, 5, 3], rotations: [4], sums: [2, 4] };
    for (const withTarget of [false, true]) {
      const [merge, ...sums] = costs((ctx, t) => {
        kernels.twirlMerge(ctx, {
          label: "m",
          predictions: t(terms.predictions),
          rotations: t(terms.rotations, "u32"),
          mean: t(grid),
          m2: t(grid),
          count: 4,
          reduce: { sums: t(terms.sums), ...(withTarget && { target: t(grid) }) },
        });
      });
      const partial = [...merge!.bindings.partial!.shape];
      // Of the sums M2's alone, or a difference, two squares and three sums.
      const each = 6 * 4 + (withTarget ? 6 : 1);
      const traffic = [grid, grid, grid, ...(withTarget ? [grid] : []), partial];
      expect(cost(merge)).toEqual({ flops: each * elements, bytes: f32(terms.predictions, ...traffic) });
      expect(sums[0]!.flops).toBe(elementCount(partial));
      expect(sums.at(-1)!.bindings.out!.shape).toEqual(terms.sums);
    }
  });

  it("twirlError: a difference, its square and the sum, then the threads' sums", () => {
    const [error] = costs((ctx, t) => {
      kernels.twirlError(ctx, {
        label: "e",
        predictions: t([8, 5, 5, 5, 3]),
        rotations: t([4], "u32"),
        target: t(grid),
        out: t([2]),
      });
    });
    expect(cost(error)).toEqual({
      flops: 3 * 4 * elements,
      bytes: f32([8, 5, 5, 5, 3], grid, [...error!.bindings.partial!.shape]),
    });
  });

  it("twirlGrad: two differences, weighed and added; without a target one difference less", () => {
    const predictions = [8, 5, 5, 5, 3];
    for (const targeted of [true, false]) {
      const [grad] = costs((ctx, t) => {
        kernels.twirlGrad(ctx, {
          label: "g",
          ...{ predictions: t(predictions), rotations: t([4], "u32"), mean: t(grid), weights: t([2]) },
          ...(targeted && { target: t(grid) }),
          gradPredictions: t(predictions),
        });
      });
      expect(cost(grad)).toEqual({
        flops: (targeted ? 5 : 4) * elementCount(predictions),
        bytes: f32(predictions, predictions, grid, ...(targeted ? [grid] : [])),
      });
    }
  });

  it("twirlGrad of other losses: two errors, their slopes, a difference, weighed and added", () => {
    const predictions = [8, 5, 5, 5, 3];
    for (const loss of [{ kind: "absolute" }, { kind: "huber", delta: 0.5 }] as const) {
      const [grad] = costs((ctx, t) => {
        kernels.twirlGrad(ctx, {
          ...{ label: "g", loss, predictions: t(predictions), rotations: t([4], "u32"), mean: t(grid) },
          ...{ target: t(grid), weights: t([2]), gradPredictions: t(predictions) },
        });
      });
      expect(cost(grad)).toEqual({
        flops: 8 * elementCount(predictions),
        bytes: f32(predictions, predictions, grid, grid),
      });
    }
  });
});
