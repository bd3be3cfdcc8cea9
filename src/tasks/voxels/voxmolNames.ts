/** The weights of a VoxMol checkpoint under plain names. */
import { VoxtwirlError } from "../../errors.ts";
import type { PickleValue } from "../../formats/pickle.ts";
import { elementCount, elementSize, type SafeSpec, type SafeTensor } from "../../formats/safetensors.ts";
import type { TorchFile } from "../../formats/torchFile.ts";
import { TorchTensor } from "../../formats/torchObjects.ts";
import { formatShape } from "../../gpu/tensor.ts";
import type { ModelParameter } from "../../models/parameter.ts";
import { toTorchShape } from "../../training/checkpoint.ts";

/** Tensors by names, read when they are asked for. */
export interface NamedTensors {
  readonly specs: ReadonlyMap<string, Omit<SafeSpec, "name">>;
  readonly read: (name: string) => Promise<SafeTensor>;
}

/** The parameter that every checkpoint of the network has. */
export const STEM = "grid_projection.weight";

/** Where a file may keep its weights, the averaged ones first: these are what VoxMol samples with. */
const KEYS = [
  "state_dict_ema",
  "ema_state_dict",
  "model_ema",
  "ema",
  "state_dict",
  "model_state_dict",
  "model",
  "module",
  "net",
];

const SHOWN = 5;
const MOST_SHARED = 4;
const GIVE =
  "Give a checkpoint of VoxMol's 3D U-Net: a dictionary with state_dict_ema or state_dict, as it saves them.";

/**
 * The state dict of a PyTorch file: under one of the usual names, or the file as a whole.
 *
 * @throws VoxtwirlError "bad-file" where there is none
 */
export function stateDict(file: TorchFile, fileName: string): NamedTensors {
  const root = file.root instanceof Map ? file.root : new Map<PickleValue, PickleValue>();
  const found = [...KEYS.map((key) => root.get(key)), root].map(tensorsOf).find((tensors) => tensors.size > 0);
  if (found === undefined) {
    const names = [...root.keys()].filter((key) => typeof key === "string");
    const held = names.length === 0 ? "" : `: it holds ${listed(names)}`;
    throw new VoxtwirlError("bad-file", `${fileName} has no dictionary of weights${held}`, GIVE);
  }
  requireOwnNumbers(found, fileName);
  return { specs: found, read: (name) => file.read(found.get(name)!, name) };
}

function tensorsOf(value: PickleValue | undefined): Map<string, TorchTensor> {
  const all = value instanceof Map ? [...value] : [];
  return new Map(
    all.filter((entry): entry is [string, TorchTensor] => {
      return typeof entry[0] === "string" && entry[1] instanceof TorchTensor;
    }),
  );
}

/** Weights may share memory, but a file in which they all do would take far more memory than it has bytes. */
function requireOwnNumbers(tensors: ReadonlyMap<string, TorchTensor>, fileName: string): void {
  const all = [...tensors.values()];
  const storages = new Map(all.map(({ storage }) => [storage.key, storage.bytes]));
  const held = [...storages.values()].reduce((sum, bytes) => sum + bytes, 0);
  const taken = all.reduce((sum, { dtype, shape }) => sum + elementSize(dtype) * elementCount(shape), 0);
  if (taken <= MOST_SHARED * held) return;
  const message = `${fileName}: its weights take ${taken} bytes of only ${held}, as they share their numbers`;
  throw new VoxtwirlError("bad-file", message, "Save them as {name: tensor.clone()}.");
}

/**
 * The same tensors without what torch.compile (`_orig_mod.`), parallel training (`module.`) and wrappers put into or
 * before their names.
 *
 * @throws VoxtwirlError "bad-file" where they are of another network, or two have one name
 */
export function withPlainNames({ specs, read }: NamedTensors, fileName: string): NamedTensors {
  const shortened = [...specs.keys()].map((name) => [name.replace(/(^|\.)(?:(?:_orig_mod|module)\.)+/g, "$1"), name]);
  const stem = shortened.find(([name]) => name!.endsWith(STEM))?.[0];
  if (stem === undefined) {
    const message = `${fileName} has no ${STEM}: its ${specs.size} tensors are ${listed([...specs.keys()])}`;
    throw new VoxtwirlError("bad-file", message, GIVE);
  }
  const prefix = stem.slice(0, -STEM.length);
  const from = new Map<string, string>();
  for (const [name, original] of shortened as [string, string][]) {
    const plain = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const twin = from.get(plain);
    if (twin !== undefined) {
      throw new VoxtwirlError("bad-file", `${fileName}: ${listed([twin, original])} are the same weight`, GIVE);
    }
    from.set(plain, original);
  }
  return {
    specs: new Map([...from].map(([plain, original]) => [plain, specs.get(original)!])),
    read: async (name) => ({ ...(await read(from.get(name)!)), name }),
  };
}

/**
 * Holds what is there against the parameters of a network.
 *
 * @throws VoxtwirlError "bad-file" with what is missing, too much or of another shape: the first few and how many
 */
export function requireWeights(
  specs: NamedTensors["specs"],
  parameters: readonly ModelParameter[],
  fileName: string,
): void {
  const wanted = new Map(parameters.map(({ name, kind, shape }) => [name, toTorchShape(kind, shape)]));
  const missing = [...wanted.keys()].filter((name) => !specs.has(name));
  const unexpected = [...specs.keys()].filter((name) => !wanted.has(name));
  const others = [...wanted].flatMap(([name, shape]) => {
    const found = specs.get(name)?.shape;
    if (found === undefined || (found.length === shape.length && found.every((n, i) => n === shape[i]))) return [];
    return [`${name} ${formatShape(found)} instead of ${formatShape(shape)}`];
  });
  const faults = [
    ...(missing.length > 0 ? [`${missing.length} missing (${listed(missing)})`] : []),
    ...(unexpected.length > 0 ? [`${unexpected.length} unexpected (${listed(unexpected)})`] : []),
    ...(others.length > 0 ? [`${others.length} of another shape (${listed(others)})`] : []),
  ];
  if (faults.length === 0) return;
  const message = `${fileName} has not the weights of the network that its shapes tell: ${faults.join("; ")}`;
  throw new VoxtwirlError("bad-file", message, GIVE);
}

/** The first of some names. They come from a file: escaped where they are no plain words, and cut. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => {
    const short = name.length > 80 ? `${name.slice(0, 80)}...` : name;
    return /^[\x21-\x7e][\x20-\x7e]*$/.test(short) ? short : JSON.stringify(short);
  });
  return [...shown, ...(names.length > SHOWN ? ["..."] : [])].join(", ");
}
