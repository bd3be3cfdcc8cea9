import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Dispatch } from "../../src/gpu/dispatch.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { Graph } from "../../src/graph/graph.ts";
import { conv3d } from "../../src/graph/operations.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { Plan } from "../../src/graph/plan.ts";
import { add } from "../../src/kernels/add.ts";
import { randomArray, testGpu } from "../harness.ts";

let gpu: Gpu;
let store: ParameterStore;
const SHAPES: Record<string, number[]> = { a: [3, 3, 3, 4, 8], bias: [8], b: [3, 3, 3, 8, 8], c: [3, 3, 3, 8, 4] };
const X = [2, 4, 4, 4, 4];

beforeAll(async () => {
  gpu = await testGpu();
  store = new ParameterStore(
    gpu,
    Object.entries(SHAPES).map(([name, shape]) => ({ name, shape, trained: true })),
  );
});

afterAll(() => store.destroy());

/** An adapter whose convolutions transform their weights. */
const SOFTWARE: GpuCaps = {
  ...{
    adapterClass: "software",
    subgroups: true,
    subgroupMinSize: 8,
    subgroupMaxSize: 8,
    f16: false,
    subgroupMatrices: [],
  },
  ...{ maxWorkgroupInvocations: 256, maxBindingBytes: 2 ** 27 },
};

function dispatches(graph: Graph): Dispatch[] {
  return graph.commands.flatMap((command) => (command.kind === "dispatch" ? [command.dispatch] : []));
}

/** The table of a group's dispatch. */
function rowsOf(graph: Graph, { bindings, params }: Dispatch, width: number): number[][] {
  const numbers = graph.constantOf(bindings.table!)!;
  expect(numbers).toHaveLength((params!.calls as number) * width);
  return Array.from({ length: numbers.length / width }, (_, i) => numbers.slice(i * width, (i + 1) * width));
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Weights of `b` serve twice, so that two terms of their gradient meet. */
function net(graph: Graph, x: Tensor, p: (name: string) => Tensor): Tensor {
  const h = conv3d(graph, { label: "a", x, weight: p("a"), bias: p("bias"), stride: 1, padding: 1 });
  const once = conv3d(graph, { label: "b", x: h, weight: p("b"), stride: 1, padding: 1 });
  const twice = conv3d(graph, { label: "b again", x: once, weight: p("b"), bias: p("bias"), stride: 1, padding: 1 });
  return conv3d(graph, { label: "c", x: twice, weight: p("c"), stride: 1, padding: 1 });
}

function fill(seed: number): void {
  Object.entries(SHAPES).forEach(([name, shape], i) => {
    store.write(name, randomArray(sizeOf(shape), seed + i, 0.3));
    store.write(name, new Float32Array(sizeOf(shape)), "grads");
  });
}

/** Forward and backward with the parameters in the store's flat buffers, or in one buffer each. */
async function run(flat: boolean) {
  const graph = new Graph(gpu.caps);
  const made: GPUBuffer[] = [];
  const upload = (label: string, values: Float32Array) => {
    const view = gpu.upload(label, values);
    made.push(view.buffer);
    return view;
  };
  const weights = await store.readAll();
  const apart = new Map<string, Tensor>();
  const bound = flat
    ? store.bind(graph, { train: true })
    : (name: string) => {
        const size = sizeOf(SHAPES[name]!);
        if (!apart.has(name)) {
          const gradient = upload(`${name} grad`, new Float32Array(size));
          apart.set(name, graph.parameter(name, SHAPES[name]!, upload(name, weights.get(name)!), gradient));
        }
        return apart.get(name)!;
      };
  const x = graph.external("x", X, upload("x", randomArray(sizeOf(X), 1)));
  const y = graph.keep(net(graph, x, bound));
  graph.backward(y, graph.external("gradY", y.shape, upload("gradY", randomArray(sizeOf(y.shape), 2))));
  const plan = await Plan.create(gpu, graph, { label: "groups" });
  plan.run();
  const names = Object.keys(SHAPES);
  const [result, ...gradients] = await plan.read(y, ...names.map((name) => graph.parameterGrad(bound(name))!));
  const labels = graph.commands.map((command) => (command.kind === "dispatch" ? command.dispatch.label : ""));
  plan.destroy();
  for (const buffer of made) gpu.destroyBuffer(buffer);
  return { y: result!, gradients: Object.fromEntries(names.map((name, i) => [name, gradients[i]!])), labels };
}

describe("groups", () => {
  it("give what single dispatches give, in fewer", async () => {
    fill(10);
    const [together, apart] = [await run(true), await run(false)];
    expect(together.y).toEqual(apart.y);
    for (const name of ["a", "c"]) expect(together.gradients[name], name).toEqual(apart.gradients[name]);
    // Of two terms the one that may not wait comes first: the sum is the same but for rounding.
    for (const name of ["b", "bias"]) {
      const largest = Math.max(...Array.from(apart.gradients[name]!, Math.abs));
      together.gradients[name]!.forEach((value, i) =>
        expect(Math.abs(value - apart.gradients[name]![i]!)).toBeLessThan(1e-5 * largest),
      );
    }
    expect(together.labels.length).toBeLessThan(apart.labels.length);
    expect(together.labels.filter((label) => label === "gradientSums")).toHaveLength(1);
    expect(together.labels.at(-1)).toBe("gradientSums");
    // Single dispatches are left for what may not wait: the second terms, which come first, of two tensors.
    expect(together.labels.filter((label) => label.endsWith(" sum"))).toHaveLength(2);
    fill(10);
    expect(await run(true)).toEqual(together);
  });

  it("leave a tensor that another has part of, or the whole of under another name, to a dispatch of its own", () => {
    const graph = new Graph(SOFTWARE);
    const x = graph.scratch("x", X);
    // Each with tensors of its own for the same memory.
    const [one, other] = [store.bind(graph, { train: true }), store.bind(graph, { train: true })];
    const h = conv3d(graph, { label: "a", x, weight: one("a"), bias: one("bias"), stride: 1, padding: 1 });
    const y = conv3d(graph, { label: "again", x: h, weight: one("b"), bias: other("bias"), stride: 1, padding: 1 });
    graph.backward(y, graph.scratch("gradY", y.shape));
    const sums = dispatches(graph).filter(({ label }) => label === "gradientSums");
    expect(sums).toHaveLength(1);
    const rows = rowsOf(graph, sums[0]!, 6);
    const ranges = rows.map(([, first, , , count]) => [first!, first! + count!] as const).sort((a, b) => a[0] - b[0]);
    expect(ranges.length).toBeGreaterThan(1);
    ranges.slice(1).forEach(([first], i) => expect(first).toBeGreaterThanOrEqual(ranges[i]![1]));
    expect(dispatches(graph).filter(({ label }) => label === "a gradBias sum")).toHaveLength(1);
  });

  it("are begun anew where parameters may have changed", () => {
    const graph = new Graph(SOFTWARE);
    const parameter = store.bind(graph, { constants: "weights" });
    const x = graph.scratch("x", X);
    const conv = () => conv3d(graph, { label: "a", x, weight: parameter("a"), stride: 1, padding: 1 });
    const labels = () =>
      graph.commands.map((command) => (command.kind === "dispatch" ? command.dispatch.label : "clear"));
    conv();
    conv();
    expect(labels()).toEqual(["transformedWeights", "a", "a"]);
    graph.clear(parameter("a"));
    conv();
    expect(labels().slice(3)).toEqual(["clear", "transformedWeights", "a"]);
    const view = store.pieces("weights")[0]!;
    const weights = graph.external("weights", [view.size / 4], view);
    add(graph, {
      label: "write",
      a: graph.scratch("a", weights.shape),
      b: graph.scratch("b", weights.shape),
      y: weights,
    });
    conv();
    expect(labels().slice(6)).toEqual(["write", "transformedWeights", "a"]);
  });

  it("make of changed weights anew what they made before", async () => {
    fill(20);
    const graph = new Graph(gpu.caps);
    const parameter = store.bind(graph, { constants: "weights" });
    const xView = gpu.upload("x", randomArray(sizeOf(X), 1));
    const x = graph.external("x", X, xView);
    const conv = () => conv3d(graph, { label: "a", x, weight: parameter("a"), stride: 1, padding: 1 });
    const before = graph.keep(conv());
    const same = graph.keep(conv());
    const [weights, ema] = (["weights", "ema"] as const).map((array) => {
      const view = store.pieces(array)[0]!;
      return graph.external(array, [view.size / 4], view);
    });
    store.write("a", (await store.readAll()).get("a")!, "ema");
    // These weights become twice what they were.
    const doubled = graph.scratch("doubled", weights!.shape);
    const zero = graph.external("zero", weights!.shape, store.pieces("grads")[0]!);
    add(graph, { label: "double", a: weights!, b: ema!, y: doubled });
    add(graph, { label: "write", a: doubled, b: zero, y: weights! });
    const after = graph.keep(conv());
    const plan = await Plan.create(gpu, graph, { label: "changed" });
    plan.run();
    const [first, second, third] = await plan.read(before, same, after);
    expect(second).toEqual(first);
    expect(third).toEqual(first!.map((value) => 2 * value));
    plan.destroy();
    gpu.destroyBuffer(xView.buffer);
  });
});
