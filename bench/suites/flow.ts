import { ParameterStore } from "../../src/graph/parameters.ts";
import { elementCount } from "../../src/gpu/tensor.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { flowNetParameters } from "../../src/models/flowNetLayout.ts";
import type { FlowConfig } from "../../src/tasks/flow/flowConfig.ts";
import { FlowPaths } from "../../src/tasks/flow/flowPaths.ts";
import { NetField } from "../../src/tasks/flow/netField.ts";
import { presets } from "../../src/tasks/flow/presets.ts";
import { samplingTimes } from "../../src/tasks/flow/samplingSchedule.ts";
import type { BenchCase, CaseData, OpenCase } from "../case.ts";
import { uniform, type Spread } from "../data.ts";

const config: FlowConfig = presets["flow-small"]!;
const CHAINS = 8;
const RESIDUES = 64;
const STEPS = 400;
/** Of a sampling that is under way. */
const FIRST = 200;
/** Multiply-adds of a chain, as its reference makes them. */
const CHAIN_WORK = 90e6;

const parameters = () => flowNetParameters(config);
const coordinates = [CHAINS, RESIDUES, 3];

/** A step of sampling, of chains together: without noise, which engines make each their own way. */
export function flowCases(): BenchCase[] {
  const specs = parameters().map(({ name, shape }) => ({ name, shape }));
  const paths = ["x", "previous"].map((name) => ({ name, shape: coordinates }));
  return [
    {
      name: "flow/sample",
      suite: "flow",
      shape: `a step of sampling, ${CHAINS} chains of ${RESIDUES} residues, preset flow-small`,
      flops: 2 * CHAINS * CHAIN_WORK,
      bytes: 4 * specs.reduce((sum, { shape }) => sum + elementCount(shape), 0),
      tolerance: 1e-4,
      peers: {
        operation: "flowSample",
        attributes: { heads: config.heads, steps: STEPS, first: FIRST },
        inputs: [...paths, ...specs],
        outputs: ["x1", "endpoints"].map((name) => ({ name, shape: coordinates })),
      },
      data: () =>
        new Map([
          ...paths.map(({ name, shape }) => [name, uniform(`flow/${name}`, elementCount(shape))] as const),
          ...specs.map(
            ({ name, shape }) => [name, uniform(`flow/${name}`, elementCount(shape), spreadOf(name, shape))] as const,
          ),
        ]),
      open: openSampling,
      expected: async () => (await import("../golden/flow.ts")).expectedSamplingStep(),
    },
  ];
}

/** Norms a little off one, biases off zero: so that all matter. */
function spreadOf(name: string, shape: readonly number[]): Spread {
  if (shape.length === 2) return { scale: Math.sqrt(6 / (shape[0]! + shape[1]!)) };
  return name.endsWith("bias") ? { scale: 0.1 } : { base: 1, scale: 0.1 };
}

async function openSampling(gpu: Gpu, data: CaseData): Promise<OpenCase> {
  const store = new ParameterStore(gpu, parameters(), ["weights"]);
  for (const { name } of parameters()) store.write(name, data.get(name) as Float32Array);
  await gpu.finish();
  const start = performance.now();
  const field = new NetField(gpu, {
    ...{ config, chains: CHAINS, places: RESIDUES },
    parameters: (graph) => store.bind(graph, { constants: "weights" }),
  });
  const { side } = field;
  const paths = await FlowPaths.create(gpu, { chains: CHAINS, side, field, precision: "f32", seed: 1, eta: 0 });
  const compileMs = performance.now() - start;
  const residues = field.place(new Array<number>(CHAINS).fill(RESIDUES));
  const rows = { side, registers: config.registers };
  const state = { x: withRegisters(data.get("x")!, rows), previous: withRegisters(data.get("previous")!, rows) };
  const begin = () => paths.resume([...Array(CHAINS).keys()], residues, state);
  begin();
  const times = samplingTimes(STEPS);
  let index = FIRST;
  return {
    compileMs,
    variant: "the sampler's step",
    sets: 1,
    // The host writes times before each.
    untimed: true,
    run() {
      if (index === STEPS) {
        index = FIRST;
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

interface Rows {
  readonly side: number;
  readonly registers: number;
}

function withRegisters(values: ArrayLike<number>, { side, registers }: Rows): Float32Array {
  const all = new Float32Array(3 * CHAINS * side);
  const row = 3 * RESIDUES;
  for (let b = 0; b < CHAINS; b++) {
    for (let i = 0; i < row; i++) all[3 * (b * side + registers) + i] = values[b * row + i]!;
  }
  return all;
}

function withoutRegisters(all: ArrayLike<number>, { side, registers }: Rows): Float32Array {
  const row = 3 * RESIDUES;
  return Float32Array.from({ length: CHAINS * row }, (_, at) => {
    return all[3 * (Math.floor(at / row) * side + registers) + (at % row)]!;
  });
}
