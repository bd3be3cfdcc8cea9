// Networks on the GPU, for the cases that time them.
import { elementCount } from "../src/gpu/tensor.ts";
import type { BufferView, Gpu } from "../src/gpu/gpu.ts";
import { Graph } from "../src/graph/graph.ts";
import { ParameterStore } from "../src/graph/parameters.ts";
import { Plan } from "../src/graph/plan.ts";
import { StepUniform } from "../src/graph/stepUniform.ts";
import { adamw } from "../src/kernels/adamw.ts";
import { gradNorm } from "../src/kernels/gradNorm.ts";
import { squaredError } from "../src/kernels/squaredError.ts";
import { LossScaling, SCALING_FIELDS } from "../src/training/lossScaling.ts";
import { plannedMemory, type CaseData, type OpenCase } from "./case.ts";
import { variantOf } from "./graphCase.ts";
import type { Network, NetworkPlanSpec, Training } from "./network.ts";

/** What a case holds on the GPU, freed together. */
class Holding {
  readonly #gpu: Gpu;
  readonly #freed: (() => void)[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  upload(label: string, values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): BufferView {
    const view = this.#gpu.upload(label, values);
    this.#freed.push(() => this.#gpu.destroyBuffer(view.buffer));
    return view;
  }

  keep<T extends { destroy(): void }>(thing: T): T {
    this.#freed.push(() => thing.destroy());
    return thing;
  }

  free(): void {
    for (const free of this.#freed.reverse()) free();
  }
}

function storeOf(
  gpu: Gpu,
  holding: Holding,
  { parameters }: Network,
  data: CaseData,
  training: boolean,
): ParameterStore {
  const store = holding.keep(
    training ? new ParameterStore(gpu, parameters) : new ParameterStore(gpu, parameters, ["weights"]),
  );
  for (const { name } of parameters) {
    const values = data.get(name) as Float32Array;
    store.write(name, values);
    if (training) store.write(name, values, "ema");
  }
  return store;
}

/** Opens one forward pass, whose output is y. */
export async function openForward(gpu: Gpu, spec: NetworkPlanSpec, data: CaseData): Promise<OpenCase> {
  const { name: label, network, precision } = spec;
  const holding = new Holding(gpu);
  try {
    const store = storeOf(gpu, holding, network, data, false);
    const graph = new Graph(gpu.caps, { precision });
    const x = graph.external("x", network.shape, holding.upload("x", data.get("x")!));
    const y = graph.keep(network.build(graph, x, store.bind(graph, { constants: "weights" })));
    const { plan, compileMs } = await makePlan(gpu, holding, graph, label);
    return {
      compileMs,
      variant: variantOf(graph),
      sets: 1,
      run: (timer) => (timer ? plan.runTimed(timer) : plan.run()),
      outputs: async () => new Map([["y", (await plan.read(y))[0]!]]),
      destroy: () => holding.free(),
    };
  } catch (error) {
    holding.free();
    throw error;
  }
}

/** Opens a training step, whose outputs are the loss and the gradients of the first one. */
export async function openTraining(
  gpu: Gpu,
  spec: NetworkPlanSpec,
  training: Training,
  data: CaseData,
): Promise<OpenCase> {
  const { name: label, network, precision } = spec;
  const holding = new Holding(gpu);
  try {
    const store = storeOf(gpu, holding, network, data, true);
    const uniforms = holding.keep(new StepUniform(gpu, `${label} step`));
    const graph = new Graph(gpu.caps, { precision });
    const grid = (name: string) => graph.external(name, network.shape, holding.upload(name, data.get(name)!));
    const [x, target] = [grid("x"), grid("target")];
    const step = graph.external("step", [8], uniforms.view());
    const scalar = (name: string) => graph.external(name, [1], holding.upload(name, new Float32Array(1)));
    const [loss, norm] = [scalar("loss"), scalar("norm")];
    const flags = graph.external("flags", [4], holding.upload("flags", new Uint32Array(4)), "u32");
    const scaling = precision === "f16" ? holding.keep(new LossScaling(gpu)) : undefined;
    const scale = scaling && graph.external("scaling", [SCALING_FIELDS.length], scaling.view);
    const pieces = (array: Parameters<ParameterStore["pieces"]>[0]) =>
      store.pieces(array).map((view, i) => graph.external(`${array} ${i}`, [view.size / 4], view));
    const grads = pieces("grads");
    graph.clear(loss);
    for (const piece of grads) graph.clear(piece);
    const prediction = network.build(graph, x, store.bind(graph, { train: true }));
    const gradPrediction = graph.scratch("prediction grad", network.shape);
    const mean = 1 / elementCount(network.shape);
    const error = { label: "loss", prediction, target, gradPrediction, loss, scale: mean, lossScale: mean };
    squaredError(graph, { ...error, scaling: scale });
    graph.backward(prediction, gradPrediction);
    const { beta1, beta2, eps, weightDecay, lr } = training;
    const gradScaling = scale && { state: scale, beta1, beta2 };
    gradNorm(graph, { label: "gradNorm", grads, loss, norm, flags, step, scaling: gradScaling });
    const [m, v, ema] = [pieces("m"), pieces("v"), pieces("ema")];
    pieces("weights").forEach((weights, i) => {
      adamw(graph, {
        label: `adamw ${i}`,
        weights,
        grads: grads[i]!,
        m: m[i]!,
        v: v[i]!,
        ema: ema[i]!,
        flags,
        step,
        beta1,
        beta2,
        eps,
        weightDecay,
        scaling: scale,
      });
    });
    const { plan, compileMs } = await makePlan(gpu, holding, graph, label);
    let steps = 0;
    return {
      compileMs,
      memory: plannedMemory(plan),
      variant: variantOf(graph),
      sets: 1,
      run: (timer) => {
        const t = steps + 1;
        const [correction1, correction2] = [1 - beta1 ** t, 1 - beta2 ** t];
        uniforms.set({ seed: 1, step: steps, sample: 0, lr, correction1, correction2, emaDecay: 0.99 });
        uniforms.write();
        steps = t;
        if (timer) plan.runTimed(timer);
        else plan.run();
      },
      outputs: async () => {
        const unscale = scaling ? (await scaling.read())[SCALING_FIELDS.indexOf("unscale")]! : 1;
        const gradients = [...(await store.readAll("grads"))].map(([name, values]) => {
          return [`grad/${name}`, values.map((g) => g * unscale)] as const;
        });
        return new Map<string, ArrayLike<number>>([["loss", (await plan.read(loss))[0]!], ...gradients]);
      },
      destroy: () => holding.free(),
    };
  } catch (error) {
    holding.free();
    throw error;
  }
}

async function makePlan(
  gpu: Gpu,
  holding: Holding,
  graph: Graph,
  label: string,
): Promise<{ plan: Plan; compileMs: number }> {
  await gpu.finish();
  const start = performance.now();
  const plan = holding.keep(await Plan.create(gpu, graph, { label }));
  return { plan, compileMs: performance.now() - start };
}
