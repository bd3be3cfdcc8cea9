import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { squaredError, sumOfSquares } from "../../src/kernels/squaredError.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { squaredError as twin } from "../../src/reference/squaredError.ts";
import { centralDifferences, EPS } from "./differences.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

async function run(prediction: Float32Array, target: Float32Array, shape: number[], scale?: number) {
  const scaling = scale === undefined ? undefined : { shape: [6], data: Float32Array.of(scale, 1, 2, 3, 4, 5) };
  return runKernels(
    gpu,
    { prediction: { shape, data: prediction }, target: { shape, data: target }, ...(scaling && { scaling }) },
    {
      gradPrediction: { shape },
      loss: { shape: [1], init: Float32Array.of(0.5) },
      squares: { shape: [1], init: Float32Array.of(2) },
    },
    (ctx, { prediction, target, gradPrediction, loss, squares, scaling }) => {
      squaredError(ctx, {
        label: "loss",
        prediction,
        target,
        gradPrediction,
        loss,
        scale: 0.25,
        lossScale: 0.125,
        scaling,
      });
      sumOfSquares(ctx, { label: "squares", x: prediction, out: squares, scale: 2 });
    },
  );
}

describe("squaredError", () => {
  it.each<[number[]]>([[[1]], [[3]], [[4]], [[3, 5, 5, 5, 5]], [[1, 16, 16, 16, 5]], [[33001]], [[2, 24, 24, 24, 3]]])(
    "and its gradient follow the twin for %j",
    async (shape) => {
      const n = shape.reduce((a, b) => a * b);
      const prediction = randomArray(n, 1);
      const target = randomArray(n, 2);
      const { sum, difference } = twin(prediction, target);
      const squares = twin(prediction, new Float32Array(n)).sum;
      const first = await run(prediction, target, shape);
      expectClose(
        first.gradPrediction,
        difference.map((d) => 0.5 * d),
        difference.map((d) => 3 * EPS * Math.abs(d)),
      );
      // All terms are positive. A term goes through at most 64 + 256 + 256 additions, whose roundings are random.
      const relative = EPS * (4 + Math.sqrt(64 + 256 + 256));
      expectClose(first.loss, [0.5 + 0.125 * sum], relative * (0.5 + 0.125 * sum));
      expectClose(first.squares, [2 + 2 * squares], relative * (2 + 2 * squares));
      expect(await run(prediction, target, shape)).toEqual(first);
    },
  );

  it.each([[[3, 5]], [[4, 8]]])("scales the gradient up and the loss not, for %j", async (shape) => {
    const n = shape.reduce((a, b) => a * b);
    const [prediction, target] = [randomArray(n, 1), randomArray(n, 2)];
    const [plain, scaled] = [await run(prediction, target, shape), await run(prediction, target, shape, 1024)];
    expect(scaled.gradPrediction).toEqual(plain.gradPrediction.map((g) => 1024 * g));
    expect(scaled.loss).toEqual(plain.loss);
  });

  it("has the gradient that central differences give", () => {
    const [prediction, target] = [randomArray(10, 3), randomArray(10, 4)];
    const differences = centralDifferences((p) => twin(p, target).sum, prediction);
    expectClose(
      differences,
      twin(prediction, target).difference.map((d) => 2 * d),
      1e-7,
    );
  });

  it("passes one NaN on to the loss", async () => {
    const prediction = randomArray(1000, 5);
    prediction[777] = NaN;
    const { loss, gradPrediction } = await run(prediction, randomArray(1000, 6), [1000]);
    expect(loss[0]).toBeNaN();
    expect(gradPrediction.filter((value) => Number.isNaN(value)).length).toBe(1);
  });
});
