// A user's module that names what the package declares, and no type of WebGPU's own; it is compiled, not run.
import {
  builtinMolecules,
  decompose,
  elements5,
  elements8,
  Gpu,
  Graph,
  kernels,
  measureEquivariance,
  measurePredictions,
  octahedral,
  operations,
  ParameterStore,
  parseSdf,
  parseXyz,
  Plan,
  prepareDataset,
  train,
  Training,
  VoxelDenoiser,
  voxels,
  VoxtwirlError,
  type BufferView,
  type Evaluation,
  type KernelContext,
  type Molecule,
  type PackedMolecules,
  type Tensor,
  type TrainEvent,
  type VoxelConfig,
} from "voxtwirl";
import { openChemLibKey, openGpu, openModel, readMoleculeFile, RunFolder, type MoleculeFile } from "voxtwirl/node";

/** SiLU on the first adapter that there is. */
export async function activate(values: Float32Array): Promise<ArrayLike<number>> {
  const gpu: Gpu = await openGpu();
  const graph = new Graph(gpu.caps);
  const context: KernelContext = graph;
  const size = 4 * values.length;
  const view: BufferView = { buffer: gpu.createBuffer("y", size, 128 | 4), offset: 0, size };
  const x: Tensor = graph.external("x", [values.length], gpu.upload("x", values));
  const y: Tensor = graph.external("y", [values.length], view);
  kernels.silu(context, { label: "silu", x, y });
  const plan = await Plan.create(gpu, graph, { label: "silu" });
  plan.run();
  const [result] = await plan.read(y);
  const name: string = gpu.info.description || gpu.info.vendor;
  await gpu.device.lost.then(({ message }) => console.log(name, message));
  return result ?? [];
}

export async function prepare(path: string): Promise<PackedMolecules> {
  const file: MoleculeFile = await readMoleculeFile(path);
  const molecules: Molecule[] = [...file.molecules, ...parseXyz(""), ...parseSdf(""), ...builtinMolecules()];
  const config: VoxelConfig | undefined = voxels.presets.tiny;
  if (config === undefined) throw new VoxtwirlError("no-data", "no preset", "Give one.");
  const elements: readonly string[] = elements5.length > 5 ? elements8 : elements5;
  const { heldout } = prepareDataset(molecules, { ...config, elements }, await openChemLibKey());
  const gpu = await openGpu({ adapter: "software" });
  const store = new ParameterStore(gpu, voxels.parameters(config));
  store.destroy();
  const run: RunFolder = await RunFolder.create({ preset: "tiny" });
  await run.writeConfig({ evaluation: percent });
  return heldout;
}

export async function trainFor(gpu: Gpu, config: VoxelConfig, seconds: number): Promise<number[]> {
  const training = await Training.create(gpu, voxels, config, voxels.open(builtinMolecules(), config));
  const percents: number[] = [];
  for await (const event of train(training, { every: 100 })) {
    const told: TrainEvent = event;
    if (told.type === "eval") percents.push(told.row.percentEquiv);
    if (event.type === "checkpoint" && event.seconds > seconds) break;
  }
  training.destroy();
  return percents;
}

export async function denoise(gpu: Gpu, view: BufferView, bytes: Uint8Array): Promise<Float32Array> {
  const model: VoxelDenoiser = await VoxelDenoiser.load(gpu, bytes, { precision: "f32" });
  await model.run(view, view, [1, model.config.grid, 16, 16, 5]);
  const other = await openModel(gpu, "runs/tiny-1");
  const samples = [{ input: new Float32Array(8), target: new Float32Array(8) }];
  const input = { kind: "grid", size: 2, channels: 1 } as const;
  await measureEquivariance((grids) => model.predict(grids), samples, { group: octahedral(), input });
  return other.predict(new Float32Array(8));
}

export const percent = (evaluation: Evaluation): number => evaluation.percentEquiv;
export const functions = [operations.conv3d, decompose, measurePredictions] as const;

/** Mistakes that the compiler is to find: no type of the package is `any`. */
export async function mistakes(gpu: Gpu, view: BufferView, training: Training): Promise<void> {
  // @ts-expect-error a name is no device
  Gpu.fromDevice("llvmpipe");
  // @ts-expect-error nor is a number an adapter
  await Gpu.open(1);
  // @ts-expect-error a device is no number
  const device: number = gpu.device;
  // @ts-expect-error buffers have sizes, not lengths
  const length: number = view.buffer.length;
  // @ts-expect-error adapters have no such name
  const name: string = gpu.info.model;
  // @ts-expect-error events have no such type
  for await (const event of train(training)) if (event.type === "loss") break;
  // @ts-expect-error a signal is no flag
  await measureEquivariance((x) => x, [], { group: octahedral(), input: { kind: "vectors" }, signal: true });
  console.log(device, length, name);
}

// @ts-expect-error internals are not exported
export type { planMemory } from "voxtwirl";
// @ts-expect-error what needs Node is not in the module for browsers
export type { openAdapter } from "voxtwirl";
