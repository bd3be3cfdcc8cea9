import type * as Api from "../../src/index.ts";
import type { Tensor } from "../../src/gpu/dispatch.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import type { Graph } from "../../src/graph/graph.ts";

/** The library, from its sources in Node and from the built package in a browser. */
export type Voxtwirl = typeof Api;
type Kernels = Voxtwirl["kernels"];
type Shape = readonly number[];
type Values = { readonly shape: Shape; readonly data: Float32Array | Uint32Array };

interface Row<Input extends string = string, Output extends string = string> {
  /** A shape stands for normal numbers. */
  readonly inputs: Readonly<Record<Input, Shape | Values>>;
  /** A shape stands for zeros. */
  readonly outputs: Readonly<Record<Output, Shape | Values>>;
  emit(kernels: Kernels, graph: Graph, t: Readonly<Record<Input | Output, Tensor>>): void;
}

/** Checks the names that `emit` takes. */
function row<Input extends string, Output extends string>(given: Row<Input, Output>): Row {
  return given;
}

const CHANNELS = 6;
const WIDER = 8;
const grid: Shape = [2, 5, 5, 5, CHANNELS];
const tokens: Shape = [2, 10, 3 * CHANNELS];
const whole = (...values: number[]): Values => ({ shape: [values.length], data: Uint32Array.from(values) });
const real = (...values: number[]): Values => ({ shape: [values.length], data: Float32Array.from(values) });
const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const quarterTurn = [0, -1, 0, 1, 0, 0, 0, 0, 1];
const oblique = [0.36, 0.48, -0.8, -0.8, 0.6, 0, 0.48, 0.64, 0.6];
const stride1 = { stride: 1, padding: 1 };
const stride2 = { stride: 2, padding: 1 };

/** The uniform `Step`: seed, step and sample as whole numbers, then learning rate, corrections and decay. */
function stepUniform(): Values {
  const data = new Uint32Array(8);
  data.set([7, 0, 3, 1]);
  new Float32Array(data.buffer).set([1e-2, 0.19, 0.002, 0.9], 4);
  return { shape: [8], data };
}
const step = stepUniform();

/** Every kernel once, on one odd shape; kernels that need each other's results share a row. */
const table: Record<string, Row> = {
  elementwise: row({
    inputs: { a: grid, b: grid },
    outputs: { sum: grid, silu: grid, gradX: grid },
    emit(kernels, graph, { a, b, sum, silu, gradX }) {
      kernels.add(graph, { label: "add", a, b, y: sum });
      kernels.silu(graph, { label: "silu", x: a, y: silu });
      kernels.siluGrad(graph, { label: "siluGrad", x: a, gradY: b, gradX });
    },
  }),
  roofline: row({
    inputs: { factors: real(0.75, 3), x: [5, 8] },
    outputs: { sums: [128], y: [5, 8] },
    emit(kernels, graph, { factors, sums, x, y }) {
      kernels.rooflineFma(graph, { label: "fma", factors, sums, rounds: 2 });
      kernels.rooflineCopy(graph, { label: "copy", x, y });
    },
  }),
  concatChannels: row({
    inputs: { a: grid, b: [2, 5, 5, 5, 3] },
    outputs: { y: [2, 5, 5, 5, CHANNELS + 3], a2: grid, b2: [2, 5, 5, 5, 3] },
    emit(kernels, graph, { a, b, y, a2, b2 }) {
      kernels.concatChannels(graph, { label: "concat", a, b, y });
      kernels.splitChannels(graph, { label: "split", a: a2, b: b2, y });
    },
  }),
  conv3d: row({
    inputs: { x: grid, weight: [3, 3, 3, CHANNELS, WIDER], bias: [WIDER], gradY: [2, 5, 5, 5, WIDER] },
    outputs: { y: [2, 5, 5, 5, WIDER], gradX: grid, gradWeight: [3, 3, 3, CHANNELS, WIDER], gradBias: [WIDER] },
    emit(kernels, graph, { x, weight, bias, gradY, y, gradX, gradWeight, gradBias }) {
      kernels.conv3d(graph, { label: "conv", x, weight, bias, y, ...stride1 });
      kernels.conv3dGradInput(graph, { label: "gradInput", gradY, weight, gradX, ...stride1 });
      const gradient = { label: "gradWeight", x, gradY, gradWeight, ...stride1 };
      kernels.conv3dGradWeight(graph, gradient);
      kernels.conv3dGradBias(graph, { label: "gradBias", gradY, gradBias });
    },
  }),
  convTranspose3d: row({
    inputs: { x: grid, weight: [4, 4, 4, CHANNELS, WIDER], bias: [WIDER], gradY: [2, 10, 10, 10, WIDER] },
    outputs: { y: [2, 10, 10, 10, WIDER], gradX: grid, gradWeight: [4, 4, 4, CHANNELS, WIDER] },
    emit(kernels, graph, { x, weight, bias, gradY, y, gradX, gradWeight }) {
      kernels.convTranspose3d(graph, { label: "up", x, weight, bias, y, ...stride2 });
      const transposed = { label: "gradInput", gradY, weight, gradX, ...stride2 };
      kernels.convTranspose3dGradInput(graph, transposed);
      const gradient = { label: "gradWeight", x, gradY, gradWeight, ...stride2 };
      kernels.convTranspose3dGradWeight(graph, gradient);
    },
  }),
  linear: row({
    inputs: { x: [11, CHANNELS], weight: [CHANNELS, WIDER], bias: [WIDER], gradY: [11, WIDER] },
    outputs: { y: [11, WIDER], gradX: [11, CHANNELS], gradWeight: [CHANNELS, WIDER] },
    emit(kernels, graph, { x, weight, bias, gradY, y, gradX, gradWeight }) {
      kernels.linear(graph, { label: "linear", x, weight, bias, y });
      kernels.linearGradInput(graph, { label: "gradInput", gradY, weight, gradX });
      kernels.linearGradWeight(graph, { label: "gradWeight", x, gradY, gradWeight });
    },
  }),
  groupNorm: row({
    inputs: { x: grid, gamma: [CHANNELS], beta: [CHANNELS], gradY: grid },
    outputs: { y: grid, stats: [2, 2, 2], gradX: grid, gradGamma: [CHANNELS], gradBeta: [CHANNELS] },
    emit(kernels, graph, { x, gamma, beta, gradY, y, stats, gradX, gradGamma, gradBeta }) {
      const shared = { x, gamma, beta, stats, groups: 2, silu: true };
      kernels.groupNorm(graph, { label: "norm", ...shared, y });
      const gradients = { gradX, gradGamma, gradBeta };
      kernels.groupNormGrad(graph, { label: "normGrad", ...shared, gradY, ...gradients });
    },
  }),
  attention: row({
    inputs: { qkv: tokens, gradY: [2, 10, CHANNELS] },
    outputs: { y: [2, 10, CHANNELS], logSumExp: [2, 10], gradQkv: tokens },
    emit(kernels, graph, { qkv, gradY, y, logSumExp, gradQkv }) {
      const shared = { qkv, y, logSumExp, scale: 0.4 };
      kernels.attention(graph, { label: "attention", ...shared });
      kernels.attentionGrad(graph, { label: "attentionGrad", ...shared, gradY, gradQkv });
    },
  }),
  optimiser: row({
    inputs: { prediction: grid, target: grid, step },
    outputs: {
      ...{ grads: grid, loss: [1], squares: [1], columns: [CHANNELS], norm: [1], flags: whole(0, 0, 0, 0) },
      ...{ weights: [1500], m: [1500], v: [1500], ema: [1500] },
    },
    emit(kernels, graph, { prediction, target, step, grads, loss, squares, columns, norm, flags, weights, m, v, ema }) {
      const errors = { prediction, target, gradPrediction: grads, loss };
      kernels.squaredError(graph, { label: "loss", ...errors, scale: 1, lossScale: 1e-3 });
      kernels.sumOfSquares(graph, { label: "squares", x: grads, out: squares, scale: 1e-3 });
      kernels.sumRows(graph, { label: "columns", x: grads, y: columns });
      const flat = graph.alias(grads, [1500]);
      const shared = { flags, step };
      kernels.gradNorm(graph, { label: "gradNorm", grads: [flat], loss, norm, ...shared });
      const state = { weights, grads: flat, m, v, ema, ...shared };
      kernels.adamw(graph, { label: "adamw", ...state, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 1e-2 });
    },
  }),
  random: row({
    inputs: { x: grid, step },
    outputs: { noisy: grid, normal: grid, uniform: grid, dropped: grid, poses: [2, 12] },
    emit(kernels, graph, { x, step, noisy, normal, uniform, dropped, poses }) {
      kernels.addNoise(graph, { label: "noise", x, y: noisy, sigma: 0.5, stream: 1, step });
      kernels.fillNormal(graph, { label: "normal", y: normal, mean: 1, deviation: 2, stream: 2, step });
      kernels.fillUniform(graph, { label: "uniform", y: uniform, low: -1, high: 3, stream: 3, step });
      kernels.dropout(graph, { label: "dropout", x, y: dropped, rate: 0.3, stream: 4, step });
      kernels.samplePose(graph, { label: "poses", poses, shift: 0.5, rotate: "so3", stream: 5, step });
    },
  }),
  voxelize: row({
    inputs: {
      atoms: { shape: [3, 4], data: Float32Array.of(0, 0.3, -1, 0, 1, -0.5, 0.2, 4, -0.7, 0.1, 0.9, 1) },
      offsets: whole(0, 2, 3),
      molecules: whole(1, 0),
      poses: { shape: [2, 12], data: Float32Array.of(...quarterTurn, 0.1, 0.2, 0.3, ...identity, 0, 0, 0) },
    },
    outputs: { y: [2, 5, 5, 5, 5] },
    emit(kernels, graph, { atoms, offsets, molecules, poses, y }) {
      const tensors = { atoms, offsets, molecules, poses, y };
      kernels.voxelize(graph, { label: "voxelize", ...tensors, resolution: 0.5 });
    },
  }),
  rotation: row({
    inputs: {
      x: grid,
      elements: whole(3, 17, 8),
      rotations: { shape: [2, 9], data: Float32Array.of(...oblique, ...quarterTurn) },
    },
    outputs: { rotated: [6, 5, 5, 5, CHANNELS], cubic: grid, adjoint: grid },
    emit(kernels, graph, { x, elements, rotations, rotated, cubic, adjoint }) {
      kernels.rotateOctahedral(graph, { label: "rotate", x, rotations: elements, y: rotated });
      kernels.resample(graph, { label: "resample", x, rotations, y: cubic, method: "catmullRom" });
      const transposed = { rotations, gradY: x, gradX: adjoint, method: "trilinear" } as const;
      kernels.resampleAdjoint(graph, { label: "adjoint", ...transposed });
    },
  }),
  twirl: row({
    inputs: { predictions: [6, 5, 5, 5, CHANNELS], rotations: whole(3, 17, 8), target: grid },
    outputs: { mean: grid, m2: grid, lastMean: grid, sums: [2, 4], error: real(0, 0) },
    emit(kernels, graph, { predictions, rotations, target, mean, m2, lastMean, sums, error }) {
      const twisted = { predictions, rotations };
      kernels.twirlMerge(graph, { label: "merge", ...twisted, mean, m2, count: 0 });
      const reduce = { target, sums };
      kernels.twirlMerge(graph, { label: "reduce", ...twisted, mean: lastMean, m2, count: 0, reduce });
      kernels.twirlError(graph, { label: "error", ...twisted, target, out: error });
    },
  }),
};

/** All outputs of the table, by "row/tensor", and the names of the kernels that ran. */
export interface TableResults {
  readonly values: Record<string, number[]>;
  readonly kernels: string[];
}

/** Runs the table as one plan. */
export async function runTable(voxtwirl: Voxtwirl, gpu: Gpu): Promise<TableResults> {
  const used = new Set<string>();
  const watched = new Proxy({} as Kernels, {
    get: (_, name) => {
      used.add(name as string);
      return voxtwirl.kernels[name as keyof Kernels];
    },
  });
  const graph = new voxtwirl.Graph(gpu.caps);
  const random = new voxtwirl.Random(1);
  const results: Record<string, Tensor> = {};
  const views: GPUBuffer[] = [];
  const external = (name: string, given: Shape | Values, number: () => number): Tensor => {
    const drawn = (shape: Shape) => Float32Array.from({ length: voxtwirl.elementCount(shape) }, number);
    const values = "shape" in given ? given : { shape: given, data: drawn(given) };
    const view = gpu.upload(name, values.data);
    views.push(view.buffer);
    return graph.external(name, values.shape, view, values.data instanceof Uint32Array ? "u32" : "f32");
  };
  for (const [name, row] of Object.entries(table)) {
    const tensors: Record<string, Tensor> = {};
    for (const [key, given] of Object.entries(row.inputs)) {
      tensors[key] = external(`${name}/${key}`, given, () => random.normal());
    }
    for (const [key, given] of Object.entries(row.outputs)) {
      results[`${name}/${key}`] = tensors[key] = external(`${name}/${key}`, given, () => 0);
    }
    row.emit(watched, graph, tensors);
  }
  const plan = await voxtwirl.Plan.create(gpu, graph, { label: "table" });
  try {
    plan.run();
    const read = await plan.read(...Object.values(results));
    const values = Object.fromEntries(Object.keys(results).map((name, i) => [name, [...read[i]!]]));
    return { values, kernels: [...used].sort() };
  } finally {
    plan.destroy();
    for (const buffer of views) gpu.destroyBuffer(buffer);
  }
}
