// The terms of a whole U-Net against PyTorch's double backward: see test/golden/make_landscape.py.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { landscape } from "../../../src/analysis/landscape.ts";
import { hessian } from "../../../src/analysis/hessian.ts";
import { TERMS } from "../../../src/analysis/lossTerms.ts";
import { decomposeSums } from "../../../src/equivariance/estimators.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { fromTorch } from "../../../src/models/layouts.ts";
import { unet3d } from "../../../src/models/unet3d.ts";
import { unetParameters } from "../../../src/models/unetLayout.ts";
import { VoxelTerms } from "../../../src/tasks/voxels/voxelTerms.ts";
import { channelsLast } from "../../golden/golden.ts";
import { loadLandscape } from "../../golden/landscape.ts";
import { relativeError, testGpu } from "../../harness.ts";

const golden = loadLandscape();
const parameters = unetParameters(golden.config);

/** A vector of PyTorch's in our order. */
function ours(vector: Float32Array): Float64Array {
  const pieces = golden.pieces(vector);
  return Float64Array.from(
    parameters.flatMap(({ name, kind }) => {
      const { shape, data } = pieces.get(name)!;
      return [...fromTorch(kind, shape, data).data];
    }),
  );
}

describe("the terms of a trained U-Net are PyTorch's", () => {
  let gpu: Gpu;
  let terms: VoxelTerms;
  beforeAll(async () => {
    gpu = await testGpu();
    const [noisy, clean] = [golden.inputs, golden.targets].map((array) => channelsLast(array));
    const [, grid, , , channels] = noisy!.shape as [number, number, number, number, number];
    terms = await VoxelTerms.create(gpu, {
      ...{ noisy: noisy!.data, clean: clean!.data, grid, channels, twirl: 24, seed: 0, parameters },
      network: (graph, x, parameter) => unet3d(graph, golden.config, x, { parameter }),
      load: (store) => {
        for (const { name, kind } of parameters) {
          const { shape, data } = golden.weights.get(name)!;
          store.write(name, fromTorch(kind, shape, data).data);
        }
      },
    });
  });
  afterAll(() => terms.destroy());

  it("in value", async () => {
    const { lossTotal, lossMean, lossEquiv } = decomposeSums(await terms.sums(terms.weights), terms.sampling);
    expect(lossTotal / golden.losses.total).toBeCloseTo(1, 5);
    expect(lossMean / golden.losses.mean).toBeCloseTo(1, 5);
    expect(lossEquiv / golden.losses.equiv).toBeCloseTo(1, 5);
  });

  it.each(TERMS)("in the gradient of %s", async (term) => {
    const gradient = await terms.gradient(term, terms.weights);
    expect(relativeError(gradient, ours(golden.gradient(term)))).toBeLessThan(2e-5);
  });

  it.each(TERMS)("in the Gauss-Newton matrix of %s", async (term) => {
    for (const [i, direction] of golden.directions.entries()) {
      const product = await terms.gaussNewtonProduct(term, terms.weights, ours(direction));
      expect(relativeError(product, ours(golden.products("gaussNewton", term)[i]!))).toBeLessThan(2e-3);
    }
  });

  it.each(TERMS)("in the Hessian of %s", async (term) => {
    const operator = hessian(terms, term);
    for (const [i, direction] of golden.directions.entries()) {
      const product = await operator.multiply(ours(direction));
      expect(relativeError(product, ours(golden.products("hessian", term)[i]!))).toBeLessThan(2e-3);
    }
  });

  it.each([
    ["hessian", TERMS],
    // L_mean's is not far from the loss's, and L_equiv's the one that nothing else here is like.
    ["gaussNewton", ["equiv"]],
  ] as const)("in the largest eigenvalue and the trace of the %s matrix", async (matrix, names) => {
    const found = await landscape(terms, { matrix, terms: names, products: 14, probes: 4 });
    for (const term of names) {
      const expected = golden[matrix][term];
      const { lambdaMax, trace, traceStdErr, lambdaMaxResidual } = found[term]!;
      expect(Math.abs(lambdaMax / expected.lambdaMax - 1), term).toBeLessThan(0.01);
      expect(Math.abs(lambdaMax - expected.lambdaMax)).toBeLessThan(lambdaMaxResidual + 2e-3 * expected.lambdaMax);
      expect(Math.abs(trace - expected.trace)).toBeLessThan(4 * traceStdErr);
    }
  });
});
