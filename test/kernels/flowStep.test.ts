import { beforeAll, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { Graph } from "../../src/graph/graph.ts";
import { flowStart, flowStep } from "../../src/kernels/flow/flowStep.ts";
import { randomArray, runKernels, testGpu } from "../harness.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const step = { shape: [8], data: Uint32Array.of(7, 0, 3, 0, 0, 0, 0, 0) };

/** Where chains of these numbers start, [numbers, side, 3]; the last `padding` tokens of each are none. */
async function starts(numbers: number[], side: number, padding = 0): Promise<Float32Array> {
  const residues = Float32Array.from({ length: numbers.length * side }, (_, at) =>
    at % side < side - padding ? 1 : 0,
  );
  const { y } = await runKernels(
    gpu,
    {
      step,
      residues: { shape: [numbers.length, side], data: residues },
      numbers: { shape: [numbers.length], data: Uint32Array.from(numbers) },
    },
    { y: { shape: [numbers.length, side, 3] } },
    (graph, t) => flowStart(graph, { label: "start", ...t, stream: 1 }),
  );
  return y as Float32Array;
}

it("noise is a chain's own, whatever batch and padding it has", async () => {
  const all = await starts([4, 9, 2], 12);
  expect(await starts([9], 12)).toEqual(all.subarray(36, 72));
  const padded = await starts([2, 4], 15, 3);
  expect(padded.subarray(0, 36)).toEqual(all.subarray(72));
  expect(padded.subarray(45, 81)).toEqual(all.subarray(0, 36));
  expect(padded.subarray(36, 45)).toEqual(new Float32Array(9));
});

it("noise has mean 0 in each chain and variance 1 in each direction of centred chains", async () => {
  const [chains, side] = [64, 40];
  const y = await starts([...Array(chains).keys()], side);
  for (let c = 0; c < chains; c++) {
    for (const a of [0, 1, 2]) {
      let sum = 0;
      for (let i = 0; i < side; i++) sum += y[3 * (c * side + i) + a]!;
      expect(Math.abs(sum / side)).toBeLessThan(1e-6);
    }
  }
  const directions = 3 * (side - 1) * chains;
  const squares = y.reduce((sum, value) => sum + value * value, 0);
  expect(Math.abs(squares / directions - 1)).toBeLessThan(4 * Math.sqrt(2 / directions));
});

it("a last step is the endpoint less its mean, whatever x is", async () => {
  const shape = [2, 5, 3];
  const endpoints = randomArray(30, 2);
  const { y } = await runKernels(
    gpu,
    {
      step,
      residues: { shape: [2, 5], data: new Float32Array(10).fill(1) },
      numbers: { shape: [2], data: Uint32Array.of(0, 1) },
      coefficients: { shape: [3], data: Float32Array.of(0, 1, 0) },
      x: { shape, data: randomArray(30, 1, 1e6) },
      endpoints: { shape, data: endpoints },
    },
    { y: { shape } },
    (graph, t) => flowStep(graph, { label: "step", ...t, stream: 1 }),
  );
  endpoints.forEach((value, at) => {
    const own = [0, 1, 2, 3, 4].map((i) => endpoints[15 * Math.floor(at / 15) + 3 * i + (at % 3)]!);
    const mean = own.reduce((sum, one) => sum + one, 0) / 5;
    expect(y[at]).toBeCloseTo(value - mean, 5);
  });
});

it("shapes that do not fit are refused, with the call's name", () => {
  const graph = new Graph(gpu.caps);
  const tensor = (shape: number[], dtype: "f32" | "u32" = "f32") => graph.scratch("t", shape, dtype);
  const start = {
    ...{ label: "my start", stream: 1, step: tensor([8]), residues: tensor([2, 5]), numbers: tensor([2], "u32") },
    y: tensor([2, 5, 3]),
  };
  expect(() => flowStart(graph, { ...start, y: tensor([2, 15]) })).toThrow(/my start.*\[b, S, 3\]/s);
  expect(() => flowStart(graph, { ...start, residues: tensor([2, 4]) })).toThrow(/my start.*residues/s);
  expect(() => flowStart(graph, { ...start, numbers: tensor([2]) })).toThrow(/my start.*numbers/s);
  const more = { x: tensor([2, 5, 3]), endpoints: tensor([2, 5, 3]), coefficients: tensor([3]) };
  expect(() => flowStep(graph, { ...start, ...more, endpoints: tensor([2, 4, 3]) })).toThrow(/my start/);
  expect(() => flowStep(graph, { ...start, ...more, coefficients: tensor([4]) })).toThrow(/coefficients/);
});
