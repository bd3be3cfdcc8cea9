/** Checkpoints of VoxMol's own code (arXiv 2306.07473) as models, and models as such checkpoints. */
import { requireMethod, requireObject } from "../../check.ts";
import type { PickleValue } from "../../formats/pickle.ts";
import type { SafeData, SafeFile, SafeSpec, SafeStream, SafeTensor } from "../../formats/safetensors.ts";
import type { TorchFile } from "../../formats/torchFile.ts";
import type { TorchContents } from "../../formats/torchWriter.ts";
import { unetParameters } from "../../models/unetLayout.ts";
import { modelOf, type ModelFile } from "../../training/modelFile.ts";
import { RUN_CONFIG_FORMAT, runMetadata, type ConfigChecker, type RunConfig } from "../../training/runConfig.ts";
import { presets } from "./presets.ts";
import { checkVoxelConfig, unetConfig, VOXELS, type VoxelConfig } from "./voxelConfig.ts";
import { voxelModelFile } from "./voxelModelFile.ts";
import { foreignToVoxmol, voxmolConfig, voxmolOptions } from "./voxmolConfig.ts";
import { requireWeights, stateDict, STEM, withPlainNames, type NamedTensors } from "./voxmolNames.ts";

/** Under which name a file of ours keeps what a model file says of its run. */
const OURS = "voxtwirl";
const AVERAGED = "state_dict_ema";
const VOXEL_TASK: ConfigChecker = {
  name: VOXELS,
  presets,
  check: (config) => checkVoxelConfig(config as VoxelConfig),
};

/** Whether a safetensors file without a configuration may be VoxMol's weights. */
export function hasStem({ tensors }: SafeFile): boolean {
  return [...tensors.keys()].some((name) => name.endsWith(STEM));
}

/**
 * A model from a checkpoint of VoxMol's code: what `torch.save` wrote, or its weights in a safetensors file. Averaged
 * weights (`state_dict_ema`) are taken before others. Its network is told by the weights' shapes, and what these do not
 * tell by the options that were saved, else by the presets `qm9` and `drugs`.
 *
 * VoxMol's grids have the axes (x, y, z) in storage, ours (z, y, x), so the spatial axes of every kernel are reversed.
 *
 * @param fileName what messages call the file
 * @throws VoxtwirlError "bad-file" where there are no weights, or they are not those of the network: with the first
 *   names that are missing or unexpected, and how many; "bad-config" for options that cannot work
 */
export async function fromVoxmol(
  file: TorchFile | SafeFile,
  fileName = "the checkpoint",
): Promise<ModelFile<VoxelConfig>> {
  requireObject("file", file, "Give what decodeTorch or decodeSafetensors returns.");
  const root: ReadonlyMap<PickleValue, PickleValue> =
    "root" in file && file.root instanceof Map ? file.root : new Map();
  if (!("root" in file)) {
    requireMethod("the file's tensors", file.tensors, "get", "Give what decodeSafetensors returns.");
  }
  const found = "root" in file ? stateDict(file, fileName) : inMemory(file);
  const { specs, read } = withPlainNames(found, fileName);
  const ours = root.get(OURS);
  if (typeof ours === "string") {
    const model = modelOf(
      { tensors: new Map(), metadata: textsOf(ours) },
      () => VOXEL_TASK,
      fileName,
    ) as ModelFile<VoxelConfig>;
    const parameters = unetParameters(unetConfig(model.config.training));
    requireWeights(specs, parameters, fileName);
    return { ...model, file: { ...model.file, tensors: await readAll(parameters, read) } };
  }
  const training = voxmolConfig(specs, root.get("config"), fileName);
  const config = configOf(training);
  const epoch = root.get("epoch");
  const metadata = { ...runMetadata(config), ...(typeof epoch === "number" ? { epoch: String(epoch) } : {}) };
  const tensors = await readAll(unetParameters(unetConfig(training)), read);
  return { path: fileName, file: { tensors, metadata }, config, step: NaN };
}

function inMemory({ tensors }: SafeFile): NamedTensors {
  return { specs: tensors, read: (name) => Promise.resolve(tensors.get(name)!) };
}

async function readAll(
  parameters: readonly { readonly name: string }[],
  read: NamedTensors["read"],
): Promise<Map<string, SafeTensor>> {
  const tensors = new Map<string, SafeTensor>();
  for (const { name } of parameters) tensors.set(name, axesReversed(await read(name)));
  return tensors;
}

/** What was trained on which data is not known. */
function configOf(training: VoxelConfig): RunConfig<VoxelConfig> {
  const data = { source: "", sha256: "", splitSeed: 0, training: 0, heldout: 0, skipped: 0 };
  return { format: RUN_CONFIG_FORMAT, version: "", task: VOXELS, training, data, adapter: "" };
}

function textsOf(json: string): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return {};
  }
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** What a checkpoint of VoxMol's holds. */
export interface VoxmolContents {
  /** The weights, under the names and with the axes of VoxMol's. */
  readonly stream: SafeStream;
  readonly contents: TorchContents;
  /** Why VoxMol's own code cannot build the network; empty where it can. */
  readonly foreign: readonly string[];
}

/**
 * A model as a checkpoint that VoxMol's loader takes: give both to `torchStream`. It has `state_dict_ema`, `epoch` and
 * `config`, and what `fromVoxmol` needs to give the same model again.
 *
 * @param model the bytes of a model.safetensors, or what `readModelFile` made of them
 * @throws VoxtwirlError "bad-file" and "bad-config" as `VoxelDenoiser.load`; for missing weights as `fromVoxmol`
 */
export function toVoxmol(model: Uint8Array | ModelFile): VoxmolContents {
  const { path, file, config } = voxelModelFile(model);
  requireMethod("the model's tensors", file.tensors, "get", "Give what readModelFile returns.");
  const parameters = unetParameters(unetConfig(config.training));
  requireWeights(file.tensors, parameters, path);
  const tensors = parameters.map(({ name }) => file.tensors.get(name)!);
  const specs: SafeSpec[] = tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape: reversed(shape) }));
  const epoch = Number(file.metadata.epoch ?? 0);
  return {
    foreign: foreignToVoxmol(config.training),
    stream: {
      specs,
      // eslint-disable-next-line @typescript-eslint/require-await -- a stream's data may have to be waited for
      async *data(): AsyncGenerator<SafeData> {
        for (const tensor of tensors) yield axesReversed(tensor).data;
      },
    },
    contents: {
      key: AVERAGED,
      others: {
        epoch: Number.isSafeInteger(epoch) ? epoch : 0,
        config: voxmolOptions(config.training),
        [OURS]: JSON.stringify(file.metadata),
      },
    },
  };
}

/** A kernel with its three last axes in the opposite order; anything else as it is. */
function axesReversed(tensor: SafeTensor): SafeTensor {
  const { shape, data } = tensor;
  if (shape.length !== 5) return tensor;
  const [, , a, b, c] = shape as [number, number, number, number, number];
  const size = a * b * c;
  const turned = data.slice();
  for (let start = 0; start < data.length; start += size) {
    for (let i = 0; i < a; i++) {
      for (let j = 0; j < b; j++) {
        for (let k = 0; k < c; k++) turned[start + (k * b + j) * a + i] = data[start + (i * b + j) * c + k]!;
      }
    }
  }
  return { ...tensor, shape: reversed(shape), data: turned };
}

function reversed(shape: readonly number[]): readonly number[] {
  return shape.length === 5 ? [...shape.slice(0, 2), ...shape.slice(2).reverse()] : shape;
}
