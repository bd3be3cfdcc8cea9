import { elementCount } from "../../src/gpu/tensor.ts";
import { addNoise, fillNormal, fillUniform } from "../../src/kernels/noise.ts";
import { philox4x32, uniformFromBits } from "../../src/kernels/philox.ts";
import { normalsFromBits } from "../../src/reference/random.ts";
import type { BenchCase, Expected } from "../case.ts";
import { graphCase, type InputSpec } from "../graphCase.ts";
import { sampleIndices } from "../sampledConv.ts";
import { stepWords } from "../stepValues.ts";

const SHAPE = [8, 32, 32, 32, 5];
const SIGMA = 0.9;
const STREAM = 7;
const RANDOM = { seed: 12_345, step: 3, sample: 2 };
const step: InputSpec<"step"> = {
  name: "step",
  shape: [8],
  only: "ours",
  make: () => stepWords({ ...RANDOM, lr: 0, correction1: 1, correction2: 1, emaDecay: 0 }),
};
const SAMPLES = 400;

/** Philox numbers on a batch of grids, and noise added to one; peers make numbers of their own generators. */
export function noiseCases(): BenchCase[] {
  const common = {
    suite: "noise",
    outputs: [{ name: "y", shape: SHAPE }] as const,
    // As the kernel counts them: about forty for a pair of normal numbers.
    flops: 20 * elementCount(SHAPE),
    tolerance: 1e-5,
  };
  const shape = "8 x 5 at 32^3";
  const peers = (attributes: Record<string, number>) => ({ operation: "noise" as const, attributes, outputs: [] });
  const count = elementCount(SHAPE);
  const filled = { stream: STREAM };
  return [
    graphCase({
      ...common,
      name: "noise/add",
      shape: `${shape}, normal, added`,
      inputs: [{ name: "x", shape: SHAPE }, step],
      peers: peers({ sigma: SIGMA }),
      emit: (graph, t) => addNoise(graph, { label: "noise", x: t.x, y: t.y, sigma: SIGMA, step: t.step, ...filled }),
      expected: (data) => {
        const [{ indices, values }] = numbers("normal") as [Expected];
        const x = data.get("x")!;
        return [{ output: "y", indices: indices!, values: Array.from(values, (n, i) => x[indices![i]!]! + SIGMA * n) }];
      },
    }),
    graphCase({
      ...common,
      name: "noise/normal",
      shape: `${shape}, normal`,
      inputs: [step],
      peers: peers({ count }),
      emit: (graph, t) =>
        fillNormal(graph, { label: "normal", y: t.y, mean: 0, deviation: 1, step: t.step, ...filled }),
      expected: () => numbers("normal"),
    }),
    graphCase({
      ...common,
      name: "noise/uniform",
      shape: `${shape}, uniform`,
      inputs: [step],
      peers: peers({ count, uniform: 1 }),
      emit: (graph, t) => fillUniform(graph, { label: "uniform", y: t.y, low: 0, high: 1, step: t.step, ...filled }),
      expected: () => numbers("uniform"),
    }),
  ];
}

/** Some of the numbers from the twins of Philox and of the transformations. */
function numbers(kind: "normal" | "uniform"): Expected[] {
  const perSample = elementCount(SHAPE.slice(1));
  const indices = sampleIndices(elementCount(SHAPE), SAMPLES);
  const values = indices.map((index) => {
    const element = index % perSample;
    const counter = [Math.floor(element / 4), STREAM, RANDOM.step, RANDOM.sample + Math.floor(index / perSample)];
    const bits = philox4x32(counter, [RANDOM.seed, 0]);
    return (kind === "normal" ? normalsFromBits(bits) : bits.map(uniformFromBits))[element % 4]!;
  });
  return [{ output: "y", indices, values }];
}
