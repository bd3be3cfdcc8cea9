import { expect } from "vitest";
import type { BufferView } from "../../src/gpu/gpu.ts";
import { elementCount, type Tensor } from "../../src/gpu/tensor.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Plan } from "../../src/graph/plan.ts";
import { squaredError } from "../../src/kernels/squaredError.ts";
import { randomArray, testGpu } from "../harness.ts";

/** A net of some parameters and one input, whose squared error is the loss. */
export interface Net {
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  /** Known to `parameter` too, without gradients. */
  readonly constants?: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: Float32Array }>>;
  readonly input: readonly number[];
  readonly output: readonly number[];
  build(this: void, graph: Graph, x: Tensor, parameter: (name: string) => Tensor): Tensor;
}

export type Weights = Readonly<Record<string, Float32Array>>;

/** Fixed weights, input and target. */
export function netData({ parameters, input, output }: Net): [weights: Weights, x: Float32Array, target: Float32Array] {
  const weights = Object.entries(parameters).map(([name, shape], i) => {
    return [name, randomArray(elementCount(shape), 40 + i, 0.4)] as const;
  });
  return [Object.fromEntries(weights), randomArray(elementCount(input), 1), randomArray(elementCount(output), 2)];
}

/** Loss, gradients of the parameters and of x. */
export async function runNet(net: Net, weights: Weights, x: Float32Array, target: Float32Array) {
  const gpu = await testGpu();
  const graph = new Graph(gpu.caps);
  const views: BufferView[] = [];
  const upload = (label: string, data: Float32Array) => {
    const view = gpu.upload(label, data);
    views.push(view);
    return view;
  };
  const grads: Record<string, Tensor> = {};
  const bound: Record<string, Tensor> = Object.fromEntries(
    Object.entries(net.parameters).map(([name, shape]) => {
      const gradient = upload(`${name} grad`, new Float32Array(elementCount(shape)));
      const parameter = graph.parameter(name, [...shape], upload(name, weights[name]!), gradient);
      grads[name] = graph.parameterGrad(parameter)!;
      return [name, parameter];
    }),
  );
  for (const [name, { shape, values }] of Object.entries(net.constants ?? {})) {
    bound[name] = graph.external(name, [...shape], upload(name, values));
  }
  const input = graph.track(graph.external("x", [...net.input], upload("x", x)));
  const truth = graph.external("target", [...net.output], upload("target", target));
  const loss = graph.external("loss", [1], upload("loss", new Float32Array(1)));
  const y = net.build(graph, input, (name) => bound[name]!);
  const gradPrediction = graph.scratch("gradPrediction", y.shape);
  squaredError(graph, { label: "loss", prediction: y, target: truth, gradPrediction, loss, scale: 1, lossScale: 1 });
  graph.backward(y, gradPrediction);
  const gradX = graph.keep(graph.gradOf(input)!);
  const plan = await Plan.create(gpu, graph, { label: "net" });
  plan.run();
  const names = Object.keys(net.parameters);
  const read = await plan.read(loss, gradX, ...names.map((name) => grads[name]!));
  plan.destroy();
  for (const { buffer } of views) gpu.destroyBuffer(buffer);
  const [lossValue, gx, ...rest] = read as Float32Array[];
  return {
    loss: lossValue![0]!,
    gradX: gx!,
    grads: Object.fromEntries(names.map((name, i) => [name, rest[i]!])),
    memory: plan.memory,
  };
}

/** Compares all gradients with central differences of the whole net along them, f32 in and out. */
export async function expectGradients(net: Net, step = 2e-2): Promise<void> {
  const [weights, x, target] = netData(net);
  const base = await runNet(net, weights, x, target);
  for (const name of [...Object.keys(net.parameters), "x"]) {
    const at = name === "x" ? x : weights[name]!;
    const gradient = name === "x" ? base.gradX : base.grads[name]!;
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    const lossAt = async (sign: number) => {
      const moved = at.map((value, i) => value + (sign * step * gradient[i]!) / norm);
      const args = name === "x" ? ([weights, moved] as const) : ([{ ...weights, [name]: moved }, x] as const);
      return (await runNet(net, ...args, target)).loss;
    };
    const numeric = ((await lossAt(1)) - (await lossAt(-1))) / (2 * step);
    expect(Math.abs(numeric / norm - 1), name).toBeLessThan(0.01);
  }
}
