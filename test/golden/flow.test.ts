import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { Graph, type Precision } from "../../src/graph/graph.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { Plan } from "../../src/graph/plan.ts";
import { StepUniform } from "../../src/graph/stepUniform.ts";
import { adamw } from "../../src/kernels/adamw.ts";
import { flowLoss } from "../../src/kernels/flow/flowLoss.ts";
import { chainArrays, timeFeatures } from "../../src/models/flowInputs.ts";
import { flowNet } from "../../src/models/flowNet.ts";
import { flowNetParameters } from "../../src/models/flowNetLayout.ts";
import { toTorch } from "../../src/models/layouts.ts";
import { testGpu } from "../harness.ts";
import { FlowGolden } from "./flowGolden.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

type Coordinates = Parameters<FlowGolden["inputs"]>[2];

/** One pass: velocities, endpoints, and what was asked for on the way. */
async function forward(
  golden: FlowGolden,
  coordinates: Coordinates,
  features: readonly string[] = [],
  precision: Precision = "f32",
) {
  const store = new ParameterStore(gpu, flowNetParameters(golden.config), ["weights"]);
  golden.load(store);
  const graph = new Graph(gpu.caps, { precision });
  const kept = new Map<string, Tensor>();
  const parameter = store.bind(graph, { constants: "weights" });
  const output = flowNet(graph, golden.config, golden.inputs(gpu, graph, coordinates), {
    parameter,
    feature: (name, tensor) => features.includes(name) && kept.set(name, graph.keep(tensor)),
  });
  const all = { ...Object.fromEntries(kept), ...output };
  for (const tensor of Object.values(output)) graph.keep(tensor as Tensor);
  const plan = await Plan.create(gpu, graph, { label: "flow" });
  plan.run();
  const values = await plan.read(...Object.values(all));
  plan.destroy();
  store.destroy();
  return new Map(Object.keys(all).map((name, i) => [name, values[i]!]));
}

/** A plan of one Adam step on the file's batch, as often as it is run. */
async function trainer(golden: FlowGolden, precision: Precision = "f32") {
  const store = new ParameterStore(gpu, flowNetParameters(golden.config));
  golden.load(store);
  const graph = new Graph(gpu.caps, { precision });
  const pieces = (array: "weights" | "grads" | "m" | "v" | "ema") =>
    store.pieces(array).map((view, i) => graph.external(`${array} ${i}`, [view.size / 4], view));
  const grads = pieces("grads");
  for (const piece of grads) graph.clear(piece);
  const inputs = golden.inputs(gpu, graph, { previous: golden.get("in/xsc") });
  const output = flowNet(graph, golden.config, inputs, { parameter: store.bind(graph, { train: true }) });
  const { endpoints, velocities } = output;
  const external = (name: string, shape: readonly number[], data: Float32Array | Uint32Array) =>
    graph.external(name, shape, gpu.upload(name, data), data instanceof Uint32Array ? "u32" : "f32");
  const [losses, gradX] = [graph.scratch("losses", [3]), graph.scratch("grad endpoints", endpoints.shape)];
  const loss = external("loss", [1], new Float32Array(1));
  graph.clear(loss);
  const targets = external("targets", endpoints.shape, golden.withRegisters(golden.get("in/x1"), 3));
  const { residues, times } = inputs;
  flowLoss(graph, { label: "loss", x: endpoints, targets, residues, times, gradX, losses, loss, scale: 1 / 3 });
  graph.backward(endpoints, gradX);
  const uniform = new StepUniform(gpu, "step");
  const step = graph.external("step", [8], uniform.view());
  const flags = external("flags", [4], new Uint32Array(4));
  const [weights, m, v, ema] = (["weights", "m", "v", "ema"] as const).map(pieces);
  grads.forEach((piece, i) => {
    const state = { weights: weights![i]!, grads: piece, m: m![i]!, v: v![i]!, ema: ema![i]! };
    adamw(graph, { label: `adam ${i}`, ...state, flags, step, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 });
  });
  for (const tensor of [losses, velocities]) graph.keep(tensor);
  const plan = await Plan.create(gpu, graph, { label: "flow step" });
  return {
    store,
    async run(t: number, lr: number) {
      const corrections = { correction1: 1 - 0.9 ** t, correction2: 1 - 0.999 ** t };
      uniform.set({ seed: 0, step: t - 1, sample: 0, lr, ...corrections, emaDecay: 0 });
      uniform.write();
      plan.run();
      const [total, each, now] = await plan.read(loss, losses, velocities);
      return { loss: total![0]!, losses: each!, velocities: now! };
    },
    destroy() {
      plan.destroy();
      uniform.destroy();
      store.destroy();
    },
  };
}

const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));

describe.each(["tiny", "small"])("the flow-matching net against an independent module's numbers: %s", (name) => {
  const golden = new FlowGolden(name);
  const previous = golden.get("in/xsc");

  it("gives what flows through it, velocities and endpoints", async () => {
    const names: Record<string, string> = {
      pairInput: "mid/pairInput",
      pair: "mid/pair",
      embedding: "mid/embedding",
      "layer0.attention": "mid/layer0_afterAttn",
      layer0: "mid/layer0",
      layer1: "mid/layer1",
      velocities: "out/v",
      endpoints: "out/x1hat",
    };
    const known = Object.entries(names).filter(([, there]) => golden.has(there));
    const found = await forward(golden, { previous }, Object.keys(names));
    for (const [ours, theirs] of known) {
      expect(golden.error(theirs, found.get(ours)!), ours).toBeLessThan(ours === "velocities" ? 5e-6 : 1.5e-5);
    }
  });

  it("gives other velocities without a self-condition", async () => {
    const found = await forward(golden, {});
    expect(golden.error("out/vNoSelfCondition", found.get("velocities")!)).toBeLessThan(5e-6);
    expect(golden.error("out/v", found.get("velocities")!)).toBeGreaterThan(1e-3);
    const zeros = new Float32Array(previous.length);
    const told = await forward(golden, { previous: zeros, present: 0 });
    expect(golden.error("out/vNoSelfCondition", told.get("velocities")!)).toBeLessThan(5e-6);
    const atOnePlace = await forward(golden, { previous: zeros, present: 1 });
    expect(golden.error("out/vNoSelfCondition", atOnePlace.get("velocities")!)).toBeGreaterThan(1e-3);
  });

  it("has its parameters", () => {
    const names = flowNetParameters(golden.config).map(({ name }) => name);
    expect(names.filter((one) => !golden.has(`grad/${one}`))).toEqual([]);
    expect(names).toHaveLength(golden.count("grad/"));
  });

  it("gives its gradients, and its losses and weights after three steps", async () => {
    const parameters = flowNetParameters(golden.config);
    const training = await trainer(golden);
    const wanted = golden.get("adam/losses");
    const first = await training.run(1, 1e-3);
    first.losses.forEach((loss, b) => expect(loss / golden.get("out/lossPerChain")[b]! - 1).toBeCloseTo(0, 6));
    const grads = await training.store.readAll("grads");
    const wrong: string[] = [];
    for (const { name, kind, shape, trained } of parameters) {
      expect(trained, name).toBe(!name.endsWith("pairNorm.bias"));
      if (!trained) continue;
      const whole = toTorch(kind, shape, grads.get(name)!);
      const got = golden.sampled(`grad/${name}`, whole.shape, whole.data);
      if (golden.zeroGradients.includes(name)) {
        if (!(largest(got) < 1e-7)) wrong.push(`${name} is not 0 but ${largest(got)}`);
        continue;
      }
      const want = golden.get(`grad/${name}`);
      const off = largest(got.map((g, i) => g - want[i]!)) / largest(want);
      if (!(off < 3e-5)) wrong.push(`${name} ${off}`);
      if (!golden.has(`gradNorm/${name}`)) continue;
      const length = norm(whole.data) / golden.get(`gradNorm/${name}`)[0]! - 1;
      if (!(Math.abs(length) < 3e-5)) wrong.push(`${name} length ${length}`);
    }
    expect(wrong).toEqual([]);
    const steps = [first, await training.run(2, 1e-3), await training.run(3, 1e-3)];
    // A step of no length: what the weights give after the third.
    const weights = await training.store.readAll();
    const last = await training.run(4, 0);
    [...steps, last].forEach(({ loss }, t) => {
      expect(Math.abs(loss / wanted[t]! - 1), `loss ${t}`).toBeLessThan(3e-6);
    });
    expect(golden.error("adam/v", last.velocities)).toBeLessThan(5e-5);
    const [clear, tiny]: [number[], number[]] = [[], []];
    for (const { name, kind, shape } of parameters) {
      if (golden.zeroGradients.includes(name)) continue;
      const whole = toTorch(kind, shape, weights.get(name)!);
      const got = golden.sampled(`adam/${name}`, whole.shape, whole.data);
      const gradient = golden.get(`grad/${name}`);
      golden.get(`adam/${name}`).forEach((want, i) => {
        const of = Math.abs(gradient[i]!) > 1e-3 * largest(gradient) ? clear : tiny;
        of.push(Math.abs(got[i]! - want));
      });
    }
    expect(largest(clear)).toBeLessThan(1.3e-5);
    expect(largest(tiny)).toBeLessThan(7e-4);
    training.destroy();
  });
});

it("turned chains give an independent module's velocities, from the same pairs", async () => {
  const golden = new FlowGolden("tiny");
  const turned = (name: string, rotation: ArrayLike<number>) => {
    const values = golden.get(name);
    return values.map((_, at) => {
      const [row, first] = [3 * (at % 3), at - (at % 3)];
      return [0, 1, 2].reduce((sum, a) => sum + rotation[row + a]! * values[first + a]!, 0);
    });
  };
  const run = async (rotation: ArrayLike<number>) =>
    forward(golden, { x: turned("in/xt", rotation), previous: turned("in/xsc", rotation) }, ["pair"]);
  const found = await run(golden.get("rot/R"));
  expect(golden.error("rot/v", found.get("velocities")!)).toBeLessThan(5e-6);
  expect(golden.error("mid/pair", found.get("pair")!)).toBeLessThan(1.5e-5);
});

it("places and times are embedded as an independent module does", () => {
  const golden = new FlowGolden("tiny");
  const { config, lengths, places } = golden;
  const { placeFeatures } = chainArrays(config, { lengths, places });
  const width = config.indexEmbedding + 1;
  golden.get("mid/indexEmbedding").forEach((want, at) => {
    const [i, k] = [Math.floor(at / config.indexEmbedding), at % config.indexEmbedding];
    expect(placeFeatures[(config.registers + i) * width + k]).toBeCloseTo(want, 7);
  });
  const times = timeFeatures(config, golden.get("in/t"));
  golden.get("mid/timeEmbedding").forEach((want, at) => expect(times[at]).toBeCloseTo(want, 7));
  expect(Array.from(times.subarray(-config.timeEmbedding)).every((x) => x === 0)).toBe(true);
});

it("stored in half precision, velocities and gradients are off by its rounding", async ({ skip }) => {
  skip(!gpu.caps.f16, "this adapter has no shader-f16");
  const golden = new FlowGolden("tiny");
  const found = await forward(golden, { previous: golden.get("in/xsc") }, [], "f16");
  expect(golden.error("out/v", found.get("velocities")!)).toBeLessThan(5e-3);
  const training = await trainer(golden, "f16");
  await training.run(1, 1e-3);
  const grads = await training.store.readAll("grads");
  const wrong: string[] = [];
  for (const { name, kind, shape } of flowNetParameters(golden.config)) {
    if (golden.zeroGradients.includes(name)) continue;
    const got = toTorch(kind, shape, grads.get(name)!).data;
    const want = golden.get(`grad/${name}`);
    const off = norm(got.map((g, i) => g - want[i]!)) / norm(want);
    if (!(off < 0.02)) wrong.push(`${name} ${off}`);
  }
  expect(wrong).toEqual([]);
  training.destroy();
});
