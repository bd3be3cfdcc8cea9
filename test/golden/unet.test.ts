import { describe, expect, it } from "vitest";
import { elementCount, type Tensor } from "../../src/gpu/tensor.ts";
import type { BufferView, Gpu } from "../../src/gpu/gpu.ts";
import { Graph } from "../../src/graph/graph.ts";
import { PARAMETER_ARRAYS, ParameterStore, type ParameterArray } from "../../src/graph/parameters.ts";
import { Plan } from "../../src/graph/plan.ts";
import { adamw } from "../../src/kernels/adamw.ts";
import { gradNorm } from "../../src/kernels/gradNorm.ts";
import { squaredError } from "../../src/kernels/squaredError.ts";
import { fromTorch } from "../../src/models/layouts.ts";
import { unet3d } from "../../src/models/unet3d.ts";
import { unetParameters, type UNet3dConfig, type UNetParameter } from "../../src/models/unetLayout.ts";
import { StepUniform } from "../../src/graph/stepUniform.ts";
import { relativeError, testGpu } from "../harness.ts";
import { channelsLast, loadGolden, type Golden } from "./golden.ts";

/** Of a tensor's norm; PyTorch's own float32 is within 1e-5 of its float64. */
const TOLERANCE = 1e-4;

/** As `optimiserValues` in the files' metadata. */
interface OptimiserValues {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly steps: number;
  readonly emaDecay: number;
}

/** [name, from, to): entries of a vector whose gradient is zero by symmetry. */
type ZeroGradient = readonly [string, number, number];

/** What one run of our own gives, in our layouts. */
interface Run {
  readonly output: Float32Array;
  readonly losses: readonly number[];
  readonly grad: Map<string, Float32Array>;
  readonly final: Map<string, Float32Array>;
  readonly ema: Map<string, Float32Array>;
}

describe.each(["unet-k3s2", "unet-k4s2"])("%s against PyTorch", (name) => {
  const golden = loadGolden(name);
  const config = JSON.parse(golden.metadata.config!) as UNet3dConfig;
  const parameters = unetParameters(config);
  const zeroGradients = JSON.parse(golden.metadata.zeroGradients!) as ZeroGradient[];
  const run = once(async () => train(await testGpu(), golden, config, parameters));

  it("has the same parameters, those without a gradient among them", () => {
    const names = golden.names.filter((key) => key.startsWith("weight.")).map((key) => key.slice("weight.".length));
    expect(parameters.map((p) => p.name)).toEqual(names);
    expect(parameters.reduce((sum, p) => sum + elementCount(p.shape), 0)).toBe(Number(golden.metadata.parameters));
    expect(parameters.filter((p) => !p.trained).map((p) => p.name)).toEqual(JSON.parse(golden.metadata.unused!));
  });

  it("gives the same output", async () => {
    expect(relativeError((await run()).output, channelsLast(golden.get("output")).data)).toBeLessThan(TOLERANCE);
  });

  it("gives the same gradients", async () => {
    const { grad } = await run();
    expectParameters(
      golden,
      parameters.filter((p) => p.trained),
      zeroGradients,
      "grad",
      grad,
    );
  });

  it("gives gradients near zero where symmetry makes them zero", async () => {
    const { grad } = await run();
    const scale = Math.max(...parameters.filter((p) => p.trained).map((p) => rms(grad.get(p.name)!)));
    for (const [parameter, from, to] of zeroGradients) {
      expect(rms(grad.get(parameter)!.subarray(from, to)), parameter).toBeLessThan(1e-6 * scale);
    }
  });

  it("has the same losses over five steps of AdamW", async () => {
    const { losses } = await run();
    const expected = golden.get("losses").data;
    expect(losses.length).toBe(expected.length);
    losses.forEach((loss, k) => expect(Math.abs(loss / expected[k]! - 1), `after ${k} steps`).toBeLessThan(1e-5));
  });

  it("ends at the same weights and the same average of them", async () => {
    const { final, ema } = await run();
    expectParameters(golden, parameters, zeroGradients, "final", final);
    expectParameters(golden, parameters, zeroGradients, "ema", ema);
  });

  it("has moved its weights by far more than the tolerance", () => {
    // Otherwise the comparison above would pass without an optimiser, or without its weight decay.
    for (const kind of ["final", "ema"]) {
      const moved = parameters.filter((p) => p.trained).map((p) => change(golden, kind, p.name));
      expect(Math.min(...moved), kind).toBeGreaterThan(4 * TOLERANCE);
    }
  });
});

function change(golden: Golden, kind: string, name: string): number {
  return relativeError(golden.get(`${kind}.${name}`).data, golden.get(`weight.${name}`).data);
}

/** Every parameter within the tolerance of its norm, entries without a gradient left out. */
function expectParameters(
  golden: Golden,
  parameters: readonly UNetParameter[],
  zeroGradients: readonly ZeroGradient[],
  kind: "grad" | "final" | "ema",
  actual: Map<string, Float32Array>,
): void {
  for (const { name, kind: layout } of parameters) {
    const { shape, data } = golden.get(`${kind}.${name}`);
    const kept = (_: number, i: number) =>
      !zeroGradients.some(([other, from, to]) => other === name && i >= from && i < to);
    const expected = fromTorch(layout, shape, data).data.filter(kept);
    expect(relativeError(actual.get(name)!.filter(kept), expected), `${kind} of ${name}`).toBeLessThan(TOLERANCE);
  }
}

/** The golden run anew: one plan, a step a replay, and one replay more for the loss after the last step. */
async function train(
  gpu: Gpu,
  golden: Golden,
  config: UNet3dConfig,
  parameters: readonly UNetParameter[],
): Promise<Run> {
  const { lr, betas, eps, weightDecay, steps, emaDecay } = JSON.parse(
    golden.metadata.optimiserValues!,
  ) as OptimiserValues;
  const store = new ParameterStore(gpu, parameters);
  const uniform = new StepUniform(gpu, "step");
  const owned: BufferView[] = [];
  for (const { name, kind } of parameters) {
    const { shape, data } = golden.get(`weight.${name}`);
    const values = fromTorch(kind, shape, data).data;
    store.write(name, values);
    store.write(name, values, "ema");
  }

  const graph = new Graph(gpu.caps);
  const external = (label: string, shape: readonly number[], data: Float32Array | Uint32Array): Tensor => {
    const view = gpu.upload(label, data);
    owned.push(view);
    return graph.external(label, shape, view, data instanceof Uint32Array ? "u32" : "f32");
  };
  const input = channelsLast(golden.get("input"));
  const truth = channelsLast(golden.get("target"));
  const x = external("input", input.shape, input.data);
  const target = external("target", truth.shape, truth.data);
  const loss = external("loss", [1], new Float32Array(1));
  const norm = external("norm", [1], new Float32Array(1));
  const flags = external("flags", [4], new Uint32Array(4));
  const step = graph.external("step", [8], uniform.view());
  const pieces = (array: ParameterArray): Tensor[] =>
    store.pieces(array).map((view, i) => graph.external(`${array} ${i}`, [view.size / 4], view));
  const [weights, grads, m, v, ema] = PARAMETER_ARRAYS.map(pieces) as [
    Tensor[],
    Tensor[],
    Tensor[],
    Tensor[],
    Tensor[],
  ];

  graph.clear(loss);
  for (const piece of grads) graph.clear(piece);
  const output = graph.keep(unet3d(graph, config, x, { parameter: store.bind(graph, { train: true }) }));
  const scale = 1 / truth.data.length;
  const gradPrediction = graph.scratch("output grad", output.shape);
  squaredError(graph, { label: "loss", prediction: output, target, gradPrediction, loss, scale, lossScale: scale });
  graph.backward(output, gradPrediction);
  gradNorm(graph, { label: "norm", grads, loss, norm, flags, step });
  weights.forEach((piece, i) => {
    const arrays = { weights: piece, grads: grads[i]!, m: m[i]!, v: v[i]!, ema: ema[i]! };
    adamw(graph, { label: `adamw ${i}`, ...arrays, flags, step, beta1: betas[0], beta2: betas[1], eps, weightDecay });
  });

  const plan = await Plan.create(gpu, graph, { label: golden.metadata.config! });
  const losses: number[] = [];
  const result: Partial<{ -readonly [K in keyof Run]: Run[K] }> = { losses };
  for (let t = 1; t <= steps + 1; t++) {
    const corrections = { correction1: 1 - betas[0] ** t, correction2: 1 - betas[1] ** t };
    uniform.set({
      seed: 0,
      step: t - 1,
      sample: 0,
      lr,
      ...corrections,
      emaDecay: Math.min(emaDecay, (1 + t) / (10 + t)),
    });
    uniform.write();
    plan.run();
    const [lossNow, outputNow] = await plan.read(loss, output);
    losses.push(lossNow![0]!);
    if (t === 1) {
      result.output = outputNow as Float32Array;
      result.grad = await readTrained(store, gpu, parameters, "grads");
    }
    if (t === steps) {
      result.final = await store.readAll("weights");
      result.ema = await store.readAll("ema");
    }
  }
  plan.destroy();
  uniform.destroy();
  store.destroy();
  for (const { buffer } of owned) gpu.destroyBuffer(buffer);
  return result as Run;
}

/** Gradients by name; untrained parameters have none. */
async function readTrained(
  store: ParameterStore,
  gpu: Gpu,
  parameters: readonly UNetParameter[],
  array: ParameterArray,
): Promise<Map<string, Float32Array>> {
  const names = parameters.filter((p) => p.trained).map((p) => p.name);
  const bytes = await gpu.read(...names.map((name) => store.view(name, array)));
  return new Map(names.map((name, i) => [name, new Float32Array(bytes[i]!)]));
}

function rms(values: Float32Array): number {
  return Math.hypot(...values) / Math.sqrt(values.length);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
