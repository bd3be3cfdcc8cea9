import { elementCount } from "../../src/gpu/tensor.ts";
import { flowNetParameters } from "../../src/models/flowNetLayout.ts";
import type { FlowConfig } from "../../src/tasks/flow/flowConfig.ts";
import { presets } from "../../src/tasks/flow/presets.ts";
import type { BenchCase } from "../case.ts";
import { uniform, type Spread } from "../data.ts";
import { firstBatch, openFlowSampling, openFlowStep, type SamplingShape } from "../flowPlans.ts";

const config: FlowConfig = presets["flow-small"]!;
/** Of a sampling that is under way. */
const SHAPE: SamplingShape = { chains: 8, residues: 64, steps: 400, first: 200 };
const { chains, residues, steps, first } = SHAPE;
/** Multiply-adds of a chain, as its reference makes them. */
const CHAIN_WORK = 90e6;
const FORWARD = 2 * chains * CHAIN_WORK;

const coordinates = [chains, residues, 3];
const specs = () => flowNetParameters(config).map(({ name, shape }) => ({ name, shape }));
const count = () => specs().reduce((sum, { shape }) => sum + elementCount(shape), 0);
const text = `${chains} chains of ${residues} residues, preset flow-small`;

/** A step of sampling, of chains together, without noise, which engines make each their own way; training steps. */
export function flowCases(): BenchCase[] {
  return [sampling(), trainingStep(false), trainingStep(true)];
}

function sampling(): BenchCase {
  const paths = ["x", "previous"].map((name) => ({ name, shape: coordinates }));
  return {
    name: "flow/sample",
    suite: "flow",
    shape: `a step of sampling, ${text}`,
    flops: FORWARD,
    bytes: 4 * count(),
    tolerance: 1e-4,
    peers: {
      operation: "flowSample",
      attributes: { heads: config.heads, steps, first },
      inputs: [...paths, ...specs()],
      outputs: ["x1", "endpoints"].map((name) => ({ name, shape: coordinates })),
    },
    data: () => {
      const of = paths.map(({ name }) => [name, uniform(`flow/${name}`, elementCount(coordinates))] as const);
      return new Map([...of, ...weights()]);
    },
    open: (gpu, data) => openFlowSampling(gpu, config, SHAPE, data),
    expected: async () => (await import("../golden/flow.ts")).expectedSamplingStep(),
  };
}

/** Half of training's steps have a self-condition, which takes a pass before. */
function trainingStep(conditioned: boolean): BenchCase {
  const { heads, lr, beta1, beta2, eps } = config;
  const task: FlowConfig = { ...config, augment: "none", selfCondition: conditioned ? 1 : 0 };
  return {
    name: conditioned ? "flow/train/conditioned" : "flow/train",
    suite: "flow",
    shape: `a training step with${conditioned ? "" : "out"} a self-condition, ${text}`,
    flops: (conditioned ? 4 : 3) * FORWARD,
    bytes: 36 * count(),
    tolerance: 1e-3,
    peers: {
      operation: "flowTrain",
      attributes: { heads, conditioned: conditioned ? 1 : 0, lr, beta1, beta2, eps },
      inputs: [
        { name: "x", shape: coordinates },
        { name: "times", shape: [chains] },
        { name: "targets", shape: coordinates },
        ...specs(),
      ],
      outputs: [{ name: "loss", shape: [1] }, ...specs().map(({ name, shape }) => ({ name: `grad/${name}`, shape }))],
    },
    data: () => {
      const targets = uniform("flow/targets", elementCount(coordinates), { scale: 1.5 });
      return new Map([...firstBatch(task, SHAPE, targets), ...weights()]);
    },
    open: (gpu, data) => openFlowStep(gpu, task, SHAPE, data),
    expected: async () => (await import("../golden/flow.ts")).expectedTrainingStep(conditioned),
  };
}

function weights() {
  return specs().map(
    ({ name, shape }) => [name, uniform(`flow/${name}`, elementCount(shape), spreadOf(name, shape))] as const,
  );
}

/** Norms a little off one, biases off zero: so that all matter. */
function spreadOf(name: string, shape: readonly number[]): Spread {
  if (shape.length === 2) return { scale: Math.sqrt(6 / (shape[0]! + shape[1]!)) };
  return name.endsWith("bias") ? { scale: 0.1 } : { base: 1, scale: 0.1 };
}
