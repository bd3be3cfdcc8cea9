import type { Gpu } from "../../src/gpu/gpu.ts";
import { runTable, type TableResults, type Voxtwirl } from "./kernelTable.ts";

export interface TrainResults {
  readonly losses: number[];
  readonly gradNorms: number[];
  readonly evaluation: Record<string, number>;
}

const STEPS = 20;
const FORCE_STEPS = 3;

/** Trains a small network with attention for some steps on built-in molecules, then measures its moving average. */
export async function trainAndMeasure(voxtwirl: Voxtwirl, gpu: Gpu): Promise<TrainResults> {
  const config = voxtwirl.voxels.check({
    ...voxtwirl.voxels.presets.tiny!,
    ...{ grid: 8, resolution: 1, channels: [4, 8], attention: [false, true], middleAttention: true, groups: 2 },
    ...{ batch: 4, microBatch: 4, heldout: 3 },
  });
  const { grid, resolution, sigma, shift, seed, elements } = config;
  const { train, heldout } = voxtwirl.voxels.open(voxtwirl.builtinMolecules().slice(0, 24), config);
  const parameters = voxtwirl.voxels.parameters(config);
  const store = new voxtwirl.ParameterStore(gpu, parameters);
  voxtwirl.initialise(store, parameters, seed);
  const trainer = await voxtwirl.Trainer.create(gpu, voxtwirl.voxels, config, store, train);
  const rows: { loss: number; gradNorm: number }[] = [];
  for await (const event of voxtwirl.train({ trainer }, { steps: STEPS, every: STEPS })) {
    if (event.type === "train") rows.push(...event.rows);
  }
  const task = { molecules: heldout, grid, channels: elements.length, resolution, sigma, shift, seed };
  const options = { ...task, twirl: 24, streams: { pose: 2, noise: 3 }, checkTotal: true };
  const evaluator = await voxtwirl.VoxelEvaluator.create(gpu, options, (graph, noisy) => {
    const parameter = store.bind(graph, { constants: "ema" });
    return voxtwirl.unet3d(graph, voxtwirl.unetConfig(config), noisy, { parameter });
  });
  const { sums: _sums, sampling: _sampling, ...losses } = await evaluator.evaluate();
  const evaluation = { ...losses } as Record<string, number>;
  for (const item of [evaluator, trainer, store]) item.destroy();
  return { losses: rows.map((row) => row.loss), gradNorms: rows.map((row) => row.gradNorm), evaluation };
}

/** The same of a force field: a few steps on built-in frames, then an evaluation. */
export async function trainForces(voxtwirl: Voxtwirl, gpu: Gpu): Promise<TrainResults> {
  const { forces } = voxtwirl;
  const config = forces.check({
    ...forces.presets["forces-tiny"]!,
    ...{ hidden: 16, atomEmbedding: 8, gaussians: 16, distanceEmbedding: 16, directionEmbedding: 8 },
    ...{ batch: 2, microBatch: 2, heldout: 2, warmup: 0 },
  });
  const frames = voxtwirl.builtinForceFrames().filter((_, i) => i % 80 === 0);
  const { train, heldout } = forces.open(frames, config);
  const parameters = forces.parameters(config);
  const store = new voxtwirl.ParameterStore(gpu, parameters);
  voxtwirl.initialise(store, parameters, config.seed);
  const trainer = await voxtwirl.Trainer.create(gpu, forces, config, store, train);
  const rows: { loss: number; gradNorm: number }[] = [];
  for await (const event of voxtwirl.train({ trainer }, { steps: FORCE_STEPS, every: FORCE_STEPS })) {
    if (event.type === "train") rows.push(...event.rows);
  }
  const evaluator = await forces.evaluator(gpu, { config, store, heldout });
  const evaluation = { ...(await evaluator.evaluate()) } as Record<string, number>;
  for (const item of [evaluator, trainer, store]) item.destroy();
  return { losses: rows.map((row) => row.loss), gradNorms: rows.map((row) => row.gradNorm), evaluation };
}

export interface CallersResults {
  /** What the caller gave, and what it found in its buffer afterwards, read by its own commands. */
  readonly x: number[];
  readonly y: number[];
  /** Largest buffer made, and copies and writes submitted, by the engine. */
  readonly largestBuffer: number;
  readonly copies: number;
  readonly bytes: number;
  /** The device still works, and the caller's buffers still hold their values, once the engine is destroyed. */
  readonly afterDestroy: number[];
}

const COUNT = 4096;
const OFFSET = 256;

/** Runs a kernel on a caller's device, with its default limits and features, between ranges of a caller's buffers. */
export async function onCallersDevice(voxtwirl: Voxtwirl, device: GPUDevice): Promise<CallersResults> {
  const bytes = COUNT * 4;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const x = device.createBuffer({ label: "caller's x", size: bytes, usage });
  const y = device.createBuffer({ label: "caller's y", size: OFFSET + bytes, usage });
  const values = Float32Array.from({ length: COUNT }, (_, i) => i / 500 - 4);
  device.queue.writeBuffer(x, 0, values);

  let largestBuffer = 0;
  let copies = 0;
  const createBuffer = device.createBuffer.bind(device);
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  const writeBuffer = device.queue.writeBuffer.bind(device.queue);
  device.createBuffer = (descriptor) => {
    largestBuffer = Math.max(largestBuffer, descriptor.size);
    return createBuffer(descriptor);
  };
  device.queue.writeBuffer = (...args: Parameters<GPUQueue["writeBuffer"]>) => {
    if (args[0] === x || args[0] === y) copies++;
    writeBuffer(...args);
  };
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor);
    encoder.copyBufferToBuffer = () => {
      copies++;
    };
    return encoder;
  };
  const gpu = voxtwirl.Gpu.fromDevice(device);
  const graph = new voxtwirl.Graph(gpu.caps);
  const from = graph.external("x", [COUNT], { buffer: x, offset: 0, size: bytes });
  const to = graph.external("y", [COUNT], { buffer: y, offset: OFFSET, size: bytes });
  voxtwirl.kernels.silu(graph, { label: "silu", x: from, y: to });
  const plan = await voxtwirl.Plan.create(gpu, graph, { label: "caller's" });
  plan.run();
  await gpu.finish();
  Object.assign(device, { createBuffer, createCommandEncoder });
  Object.assign(device.queue, { writeBuffer });

  const read = async () => {
    const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(y, OFFSET, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const result = [...new Float32Array(staging.getMappedRange())];
    staging.destroy();
    return result;
  };
  const result = await read();
  plan.destroy();
  gpu.destroy();
  return { x: [...values], y: result, largestBuffer, copies, bytes, afterDestroy: await read() };
}

/** A profile of two dispatches, the first of which does nearly all of the work. */
async function profileTwo(voxtwirl: Voxtwirl, gpu: Gpu): Promise<ProfileResults> {
  const { Graph, Plan, kernels } = voxtwirl;
  const graph = new Graph(gpu.caps);
  const factors = graph.external("factors", [2], gpu.upload("factors", Float32Array.of(1, 1)));
  const sums = graph.scratch("sums", [1 << 14]);
  kernels.rooflineFma(graph, { label: "heavy/fma one", factors, sums, rounds: 512 });
  kernels.silu(graph, { label: "light/silu", x: sums, y: graph.keep(graph.scratch("y", [1 << 14])) });
  const plan = await Plan.create(gpu, graph, { label: "two" });
  const profile = await plan.profile({ repeats: 3 });
  const { traceEvents } = voxtwirl.profileTrace(profile);
  return {
    timing: profile.timing,
    hasTimestamps: gpu.device.features.has("timestamp-query"),
    layers: profile.dispatches.map(({ layer }) => layer),
    durations: profile.dispatches.map(({ durationNs }) => durationNs),
    spans: traceEvents.filter(({ ph, args }) => ph === "X" && args !== undefined).length,
  };
}

export interface ProfileResults {
  readonly timing: string;
  readonly hasTimestamps: boolean;
  readonly layers: string[];
  readonly durations: number[];
  readonly spans: number;
}

/** What the page makes available to the test. */
export interface Page {
  table(): Promise<TableResults>;
  train(): Promise<TrainResults>;
  trainForces(): Promise<TrainResults>;
  callers(): Promise<CallersResults>;
  profile(): Promise<ProfileResults>;
  adapter(): Promise<string>;
}

/** Called by the page with the package it was bundled with. */
export function page(voxtwirl: Voxtwirl): Page {
  const adapter = async () => {
    const found = await navigator.gpu.requestAdapter();
    if (!found) throw new Error("this browser has WebGPU, but no adapter");
    return found;
  };
  const withGpu = async <T>(body: (voxtwirl: Voxtwirl, gpu: Gpu) => Promise<T>): Promise<T> => {
    const gpu = await voxtwirl.Gpu.open(await adapter());
    try {
      return await body(voxtwirl, gpu);
    } finally {
      gpu.destroy();
    }
  };
  return {
    table: () => withGpu(runTable),
    train: () => withGpu(trainAndMeasure),
    trainForces: () => withGpu(trainForces),
    callers: async () => onCallersDevice(voxtwirl, await (await adapter()).requestDevice()),
    profile: () => withGpu((library, gpu) => profileTwo(library, gpu)),
    adapter: async () => (await adapter()).info.architecture,
  };
}
