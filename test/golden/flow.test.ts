import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { elementCount, type Tensor } from "../../src/gpu/tensor.ts";
import { Graph } from "../../src/graph/graph.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { Plan } from "../../src/graph/plan.ts";
import { StepUniform } from "../../src/graph/stepUniform.ts";
import { adamw } from "../../src/kernels/adamw.ts";
import { flowLoss } from "../../src/kernels/flow/flowLoss.ts";
import { gradNorm } from "../../src/kernels/gradNorm.ts";
import { sumOfSquares } from "../../src/kernels/squaredError.ts";
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
async function forward(golden: FlowGolden, coordinates: Coordinates, features: readonly string[] = []) {
  const store = new ParameterStore(gpu, flowNetParameters(golden.config), ["weights"]);
  golden.load(store);
  const graph = new Graph(gpu.caps);
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
  });
});
