// The flow-matching net on several copies of each chain: the numbers of as many chains.
import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { Graph, type Precision } from "../../src/graph/graph.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { Plan } from "../../src/graph/plan.ts";
import { chainArrays, timeFeatures } from "../../src/models/flowInputs.ts";
import { flowNet, type FlowInputs } from "../../src/models/flowNet.ts";
import { flowNetParameters } from "../../src/models/flowNetLayout.ts";
import { FlowGolden } from "../golden/flowGolden.ts";
import { testGpu } from "../harness.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const golden = new FlowGolden("tiny");
const { config, lengths, side } = golden;
const places = side - config.registers;
/** As they lie, turned, and mirrored. */
const POSES = [[1, 0, 0, 0, 1, 0, 0, 0, 1], Array.from(golden.get("rot/R")), [1, 0, 0, 0, 1, 0, 0, 0, -1]];
const COPIES = POSES.length;
const PER_CHAIN = 3 * side;

/** Each chain's values `times` times. */
const repeated = (values: Float32Array, each: number, times: number) =>
  Float32Array.from({ length: values.length * times }, (_, at) => {
    return values[Math.floor(at / (each * times)) * each + (at % each)]!;
  });

/** Each chain in all poses. */
function posed(name: string): Float32Array<ArrayBuffer> {
  const chains = golden.withRegisters(golden.get(name), 3);
  return Float32Array.from({ length: chains.length * COPIES }, (_, at) => {
    const pose = POSES[Math.floor(at / PER_CHAIN) % COPIES]!;
    const point = Math.floor(at / (PER_CHAIN * COPIES)) * PER_CHAIN + 3 * Math.floor((at % PER_CHAIN) / 3);
    return [0, 1, 2].reduce((sum, a) => sum + pose[3 * (at % 3) + a]! * chains[point + a]!, 0);
  });
}

/** Copies as such, or each as a chain of its own with the pairs of the first. */
function inputsOf(graph: Graph, apart: boolean, conditioned: boolean): FlowInputs {
  const times = apart ? COPIES : 1;
  const chains = lengths.length * times;
  const t = repeated(golden.get("in/t"), 1, times);
  const arrays = chainArrays(config, { lengths: lengths.flatMap((n) => new Array<number>(times).fill(n)), places });
  const external = (name: string, shape: readonly number[], data: Float32Array | Uint32Array) =>
    graph.external(name, shape, gpu.upload(name, data), data instanceof Uint32Array ? "u32" : "f32");
  const places3 = (name: string, data: Float32Array) => external(name, [data.length / PER_CHAIN, side, 3], data);
  const pairs = (name: string) => repeated(golden.withRegisters(golden.get(name), 3), PER_CHAIN, times);
  return {
    x: places3("x", posed("in/xt")),
    pairX: places3("pairX", pairs("in/xt")),
    ...(conditioned && {
      previous: places3("previous", posed("in/xsc")),
      pairPrevious: places3("pairPrevious", pairs("in/xsc")),
    }),
    residues: external("residues", [chains, side], arrays.residues),
    times: external("times", [chains], t),
    tokens: external("tokens", [chains, side], arrays.tokens),
    chains: external("chains", [chains + 1], arrays.chains),
    registerRows: external("registerRows", [chains, side], arrays.registerRows),
    placeFeatures: external("placeFeatures", [chains, side, config.indexEmbedding + 1], arrays.placeFeatures),
    timeFeatures: external("time", [chains + 1, config.timeEmbedding], timeFeatures(config, t)),
  };
}

function append(graph: Graph, inputs: FlowInputs, train = false) {
  const parameters = flowNetParameters(config);
  const store = new ParameterStore(gpu, parameters, train ? undefined : ["weights"]);
  golden.load(store);
  const parameter = store.bind(graph, train ? { train } : { constants: "weights" });
  return { store, output: () => flowNet(graph, config, inputs, { parameter }) };
}

async function run(apart: boolean, conditioned: boolean, precision: Precision = "f32") {
  const graph = new Graph(gpu.caps, { precision });
  const { store, output } = append(graph, inputsOf(graph, apart, conditioned));
  const { velocities, endpoints } = output();
  for (const tensor of [velocities, endpoints]) graph.keep(tensor);
  const plan = await Plan.create(gpu, graph, { label: "flow" });
  plan.run();
  const [v, ends] = (await plan.read(velocities, endpoints)) as [Float32Array, Float32Array];
  const { flops } = plan;
  plan.destroy();
  store.destroy();
  return { velocities: v, endpoints: ends, flops };
}

/** The largest difference, over the largest number. */
function off(found: Float32Array, wanted: Float32Array): number {
  expect(found).toHaveLength(wanted.length);
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(found[i]! - value)), 0) / largest;
}

async function expectAsChains(conditioned: boolean, precision: Precision, most: number) {
  const copies = await run(false, conditioned, precision);
  const apart = await run(true, conditioned, precision);
  expect(off(copies.velocities, apart.velocities)).toBeLessThan(most);
  expect(off(copies.endpoints, apart.endpoints)).toBeLessThan(most);
  expect(copies.flops).toBeLessThan(apart.flops);
  // The poses differ: nothing but conditioning and pairs is the same.
  const chain = (copy: number) => copies.endpoints.subarray(copy * PER_CHAIN, (copy + 1) * PER_CHAIN);
  expect(off(chain(1), chain(0))).toBeGreaterThan(0.01);
}

describe("copies of chains", () => {
  it.each([
    ["with a self-condition", true],
    ["without", false],
  ])("%s have the velocities and endpoints that they have as chains", async (_, conditioned) => {
    await expectAsChains(conditioned, "f32", 2e-6);
  });

  it("stored in half precision have them too, but for its rounding", async ({ skip }) => {
    skip(!gpu.caps.f16, "this adapter has no shader-f16");
    await expectAsChains(true, "f16", 5e-3);
  });

  it("need the coordinates that their pairs are of", () => {
    const graph = new Graph(gpu.caps);
    const inputs = inputsOf(graph, false, true);
    const refused = (lacking: Partial<FlowInputs>) => {
      const { store, output } = append(graph, { ...inputs, ...lacking });
      expect(output).toThrow(expect.objectContaining({ code: "bad-shape" }));
      store.destroy();
    };
    refused({ pairX: undefined });
    refused({ pairPrevious: undefined });
  });

  it("have no gradients", () => {
    const graph = new Graph(gpu.caps);
    const { store, output } = append(graph, inputsOf(graph, false, true), true);
    expect(output).toThrow(expect.objectContaining({ code: "unsupported" }));
    store.destroy();
  });
});
