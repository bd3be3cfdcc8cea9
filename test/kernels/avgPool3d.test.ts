// What everyKernel.test.ts does not know: the twin's own gradient, the adjoint, PyTorch's figures, the graph operation,
// the cost by hand, and what is refused.
import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { Graph } from "../../src/graph/graph.ts";
import * as operations from "../../src/graph/operations.ts";
import { Plan } from "../../src/graph/plan.ts";
import { avgPool3d, avgPool3dGrad, avgPool3dShape } from "../../src/kernels/avgPool3d.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import * as twin from "../../src/reference/avgPool3d.ts";
import { forEachTap } from "../../src/reference/conv3d.ts";
import { centralDifferences, innerProduct } from "./differences.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const OVERLAPPING: twin.Pooling = {
  ...{ whole: [2, 5, 4, 6, 3], pooled: [2, 3, 2, 3, 3], kernel: 3, stride: 2, padding: 1 },
};

describe("the twin", () => {
  it("has the gradient that central differences give", () => {
    const x = randomArray(2 * 5 * 4 * 6 * 3, 1);
    const gradY = randomArray(2 * 3 * 2 * 3 * 3, 2);
    const differences = centralDifferences((at) => innerProduct(gradY, twin.avgPool3d(at, OVERLAPPING)), x);
    expectClose(differences, twin.avgPool3dGrad(gradY, OVERLAPPING), 1e-8);
  });

  it("counts the padding as PyTorch does", () => {
    // torch.nn.AvgPool3d(2, 2, 1) of a 2^3 grid of 1 to 8: each window holds one voxel.
    const y = twin.avgPool3d([1, 2, 3, 4, 5, 6, 7, 8], {
      ...{ whole: [1, 2, 2, 2, 1], pooled: [1, 2, 2, 2, 1], kernel: 2, stride: 2, padding: 1 },
    });
    expect([...y]).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((value) => value / 8));
  });
});

it("is the transpose of its gradient", async () => {
  const { whole, pooled, ...windows } = OVERLAPPING;
  const [x, gradY] = [randomArray(2 * 5 * 4 * 6 * 3, 3), randomArray(2 * 3 * 2 * 3 * 3, 4)];
  const inputs = { x: { shape: whole, data: x }, gradY: { shape: pooled, data: gradY } };
  const { y, gradX } = await runKernels(gpu, inputs, { y: { shape: pooled }, gradX: { shape: whole } }, (ctx, t) => {
    avgPool3d(ctx, { label: "pool", x: t.x, y: t.y, ...windows });
    avgPool3dGrad(ctx, { label: "grad", gradY: t.gradY, gradX: t.gradX, ...windows });
  });
  expect(Math.abs(innerProduct(y, gradY) - innerProduct(x, gradX))).toBeLessThan(1e-5);
});

it("goes back through a graph", async () => {
  const graph = new Graph(gpu.caps);
  const shape = [1, 4, 4, 4, 2];
  const x = gpu.upload("x", randomArray(128, 5));
  const weight = gpu.upload("weight", randomArray(4, 6));
  const grad = gpu.upload("grad", new Float32Array(4));
  const one = gpu.upload("gradY", new Float32Array(16).fill(1));
  const w = graph.parameter("weight", [1, 1, 1, 2, 2], weight, grad);
  const input = graph.external("x", shape, x);
  const conv = operations.conv3d(graph, { label: "conv", x: input, weight: w, stride: 1, padding: 0 });
  const y = operations.avgPool3d(graph, { label: "pool", x: conv, kernel: 2, stride: 2, padding: 0 });
  expect(y.shape).toEqual([1, 2, 2, 2, 2]);
  graph.keep(y);
  graph.backward(y, graph.external("gradY", y.shape, one));
  const plan = await Plan.create(gpu, graph, { label: "pool" });
  plan.run();
  const [values] = await gpu.read(grad);
  // Every voxel has a share of 1/8 in the sum of the means.
  const data = randomArray(128, 5);
  const sums = [0, 1].map((ci) => data.reduce((sum, value, i) => sum + (i % 2 === ci ? value / 8 : 0), 0));
  expectClose(new Float32Array(values!), [sums[0]!, sums[0]!, sums[1]!, sums[1]!], 1e-5);
  plan.destroy();
  for (const { buffer } of [x, weight, grad, one]) gpu.destroyBuffer(buffer);
});

it("costs a sum for each voxel of each window, and a product for each mean", () => {
  const { whole, pooled, ...windows } = OVERLAPPING;
  let sums = 0;
  forEachTap(whole, pooled, windows.kernel, windows.stride, windows.padding, () => (sums += whole[4]!));
  const graph = new Graph(gpu.caps);
  avgPool3d(graph, { label: "pool", x: graph.scratch("x", whole), y: graph.scratch("y", pooled), ...windows });
  avgPool3dGrad(graph, {
    label: "grad",
    gradY: graph.scratch("g", pooled),
    gradX: graph.scratch("gx", whole),
    ...windows,
  });
  const flops = graph.commands.map((command) => (command.kind === "dispatch" ? command.dispatch.flops : NaN));
  expect(flops).toEqual([sums + 2 * 3 * 2 * 3 * 3, sums + 2 * 5 * 4 * 6 * 3]);
});

describe("refuses", () => {
  const shapeOf = (shape: readonly number[], kernel: number, stride: number, padding: number) => {
    const x = new Graph(gpu.caps).scratch("x", shape);
    return () => avgPool3dShape(x, { label: "unet/pool", kernel, stride, padding });
  };

  it.each([
    [0, 1, 0],
    [2, 0, 0],
    [2, 1.5, 0],
    [2, 2, 2],
    [2, 2, -1],
  ])("windows of %d every %d with a padding of %d", (kernel, stride, padding) => {
    expect(shapeOf([1, 4, 4, 4, 1], kernel, stride, padding)).toThrow(/unet\/pool: windows of/);
  });

  it("grids without a window, naming them", () => {
    expect(shapeOf([1, 4, 2, 4, 1], 3, 1, 0)).toThrow(/unet\/pool.*\[1, 4, 2, 4, 1\]/);
    expect(shapeOf([4, 4, 4], 2, 2, 0)).toThrow(/unet\/pool/);
  });
});
