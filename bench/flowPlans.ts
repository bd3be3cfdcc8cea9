// Flow matching of backbones on the GPU, for the cases that time it: its own trainer and sampler.
import type { Gpu } from "../src/gpu/gpu.ts";
import { ParameterStore } from "../src/graph/parameters.ts";
import { flowNetParameters } from "../src/models/flowNetLayout.ts";
import { Random } from "../src/random.ts";
import { flowPath, flowTimes } from "../src/reference/flowData.ts";
import { centre } from "../src/reference/flow.ts";
import { seedWords } from "../src/kernels/philox.ts";
import { flow } from "../src/tasks/flow/flow.ts";
import type { FlowConfig } from "../src/tasks/flow/flowConfig.ts";
import { FlowPaths } from "../src/tasks/flow/flowPaths.ts";
import { NetField } from "../src/tasks/flow/netField.ts";
import type { PackedBackbones } from "../src/tasks/flow/packFlow.ts";
import { samplingTimes } from "../src/tasks/flow/samplingSchedule.ts";
import { streams } from "../src/tasks/flow/streams.ts";
import type { CaseData, OpenCase, Values } from "./case.ts";
import { openTrainingStep } from "./trainingStep.ts";

/** Chains of equal length, without breaks. */
export interface ChainShape {
  readonly chains: number;
  readonly residues: number;
}

/**
 * What the trainer's first step makes of the targets [chains, residues, 3], in float64: their times [chains], and where
 * on their ways from noise they are.
 */
export function firstBatch(
  config: FlowConfig,
  { chains, residues }: ChainShape,
  given: Values,
): Map<"x" | "times" | "targets", Float32Array<ArrayBuffer>> {
  const [seedLo, seedHi] = seedWords(config.seed);
  const step = { seedLo, seedHi, step: 0, sample: 0 };
  const shape = { chains, side: residues };
  const mask = new Array<number>(chains * residues).fill(1);
  const targets = centre(shape, given, mask);
  const { timeAlpha: alpha, uniformShare } = config;
  const times = flowTimes({ chains, uniformShare, alpha, stream: streams.time }, step);
  const of = { targets, residues: mask, times };
  const x = flowPath({ ...shape, registers: 0, stream: streams.noise }, of, step);
  return new Map([
    ["x", Float32Array.from(x)],
    ["times", Float32Array.from(times)],
    ["targets", Float32Array.from(targets)],
  ]);
}

/** Opens a training step, whose outputs are the loss and the gradients of the first one. */
export function openFlowStep(gpu: Gpu, config: FlowConfig, shape: ChainShape, data: CaseData): Promise<OpenCase> {
  return openTrainingStep(gpu, flow, config, packed(config, shape, data.get("targets")!), data);
}

/** The chains in such an order that the trainer's first step takes them in theirs. */
function packed({ seed }: FlowConfig, { chains, residues }: ChainShape, targets: Values): PackedBackbones {
  const order = new Random(seed + 2 ** 32).shuffle(Uint32Array.from({ length: chains }, (_, i) => i));
  const positions = new Float32Array(targets.length);
  order.forEach((chain, b) => {
    for (let i = 0; i < 3 * residues; i++) positions[3 * chain * residues + i] = targets[3 * b * residues + i]!;
  });
  return {
    ...{ count: chains, positions, breaks: new Float32Array(chains * residues) },
    offsets: Uint32Array.from({ length: chains + 1 }, (_, chain) => chain * residues),
    sourceIndex: Uint32Array.from({ length: chains }, (_, i) => i),
    // Of evaluations alone.
    moments: { separations: [] },
  };
}

/** Of a sampling that is under way: from `first` of so many steps on. */
export interface SamplingShape extends ChainShape {
  readonly steps: number;
  readonly first: number;
}

/** Opens a step of sampling without noise, whose outputs are the first one's. */
export async function openFlowSampling(
  gpu: Gpu,
  config: FlowConfig,
  { chains, residues, steps, first }: SamplingShape,
  data: CaseData,
): Promise<OpenCase> {
  const parameters = flowNetParameters(config);
  const store = new ParameterStore(gpu, parameters, ["weights"]);
  for (const { name } of parameters) store.write(name, data.get(name) as Float32Array);
  await gpu.finish();
  const start = performance.now();
  const field = new NetField(gpu, {
    ...{ config, chains, places: residues },
    parameters: (graph) => store.bind(graph, { constants: "weights" }),
  });
  const { side } = field;
  const paths = await FlowPaths.create(gpu, { chains, side, field, precision: "f32", seed: 1, eta: 0 });
  const compileMs = performance.now() - start;
  const placed = field.place(new Array<number>(chains).fill(residues));
  const rows = { side, chains, residues, registers: config.registers };
  const state = { x: withRegisters(data.get("x")!, rows), previous: withRegisters(data.get("previous")!, rows) };
  const begin = () => paths.resume([...Array(chains).keys()], placed, state);
  begin();
  const times = samplingTimes(steps);
  let index = first;
  return {
    compileMs,
    variant: "the sampler's step",
    sets: 1,
    // The host writes times before each.
    untimed: true,
    run() {
      if (index === steps) {
        index = first;
        begin();
      }
      paths.step({ index, t: times[index]!, next: times[index + 1]! });
      index++;
    },
    async outputs() {
      const { x, previous } = await paths.read();
      return new Map([
        ["x1", withoutRegisters(x, rows)],
        ["endpoints", withoutRegisters(previous, rows)],
      ]);
    },
    destroy() {
      paths.destroy();
      field.destroy();
      store.destroy();
    },
  };
}

/** Before a chain's residues come rows of registers, behind them padding. */
interface Rows extends ChainShape {
  readonly side: number;
  readonly registers: number;
}

function withRegisters(values: ArrayLike<number>, { chains, residues, side, registers }: Rows): Float32Array {
  const all = new Float32Array(3 * chains * side);
  const row = 3 * residues;
  for (let b = 0; b < chains; b++) {
    for (let i = 0; i < row; i++) all[3 * (b * side + registers) + i] = values[b * row + i]!;
  }
  return all;
}

function withoutRegisters(all: ArrayLike<number>, { chains, residues, side, registers }: Rows): Float32Array {
  const row = 3 * residues;
  return Float32Array.from({ length: chains * row }, (_, at) => {
    return all[3 * (Math.floor(at / row) * side + registers) + (at % row)]!;
  });
}
