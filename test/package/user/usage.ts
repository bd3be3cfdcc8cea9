// A user's module that names what the package declares; it is compiled, not run.
import {
  builtinMolecules,
  decompose,
  elements5,
  elements8,
  Gpu,
  Graph,
  kernels,
  modelConfig,
  operations,
  ParameterStore,
  parseSdf,
  parseXyz,
  Plan,
  prepareDataset,
  presets,
  unetParameters,
  VoxtwirlError,
  type BufferView,
  type Evaluation,
  type KernelContext,
  type Molecule,
  type PackedMolecules,
  type Tensor,
  type TrainConfig,
} from "voxtwirl";
import { openChemLibKey, openGpu, readMoleculeFile, RunFolder, type MoleculeFile } from "voxtwirl/node";

/** SiLU on a caller's buffers. */
export async function activate(device: GPUDevice, from: GPUBuffer, to: GPUBuffer): Promise<ArrayLike<number>> {
  const gpu: Gpu = Gpu.fromDevice(device);
  const graph = new Graph(gpu.caps);
  const context: KernelContext = graph;
  const view = (buffer: GPUBuffer): BufferView => ({ buffer, offset: 0, size: buffer.size });
  const x: Tensor = graph.external("x", [from.size / 4], view(from));
  const y: Tensor = graph.external("y", [to.size / 4], view(to));
  kernels.silu(context, { label: "silu", x, y });
  const plan = await Plan.create(gpu, graph, { label: "silu" });
  plan.run();
  const [values] = await plan.read(y);
  return values ?? [];
}

export async function prepare(path: string): Promise<PackedMolecules> {
  const file: MoleculeFile = await readMoleculeFile(path);
  const molecules: Molecule[] = [...file.molecules, ...parseXyz(""), ...parseSdf(""), ...builtinMolecules()];
  const config: TrainConfig | undefined = presets.tiny;
  if (config === undefined) throw new VoxtwirlError("no-data", "no preset", "Give one.");
  const elements: readonly string[] = elements5.length > 5 ? elements8 : elements5;
  const { heldout } = prepareDataset(molecules, { ...config, elements }, await openChemLibKey());
  const gpu = await openGpu({ adapter: "software" });
  const store = new ParameterStore(gpu, unetParameters(modelConfig(config)));
  store.destroy();
  const run: RunFolder = await RunFolder.create({ preset: "tiny" });
  await run.writeConfig({ evaluation: percent });
  return heldout;
}

export const percent = (evaluation: Evaluation): number => evaluation.percentEquiv;
export const functions = [operations.conv3d, decompose] as const;

// @ts-expect-error internals are not exported
export type { planMemory } from "voxtwirl";
// @ts-expect-error what needs Node is not in the module for browsers
export type { openAdapter } from "voxtwirl";
