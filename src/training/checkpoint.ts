import { requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatShape } from "../gpu/tensor.ts";
import type { ParameterStore } from "../graph/parameters.ts";
import { fromTorch, toTorch } from "../models/layouts.ts";
import { requireParameters, type ModelParameter } from "../models/parameter.ts";
import { SCALING_FIELDS, type LossScaling } from "./lossScaling.ts";
import { floats } from "../formats/safetensorFloats.ts";
import type { SafeFile, SafeSpec, SafeStream, SafeTensor } from "../formats/safetensors.ts";

const STATE_ARRAYS = ["weights", "ema", "m", "v"] as const;

/** The averaged weights in PyTorch's layouts, under the reference's state-dict names; read when they are asked for. */
export function modelStream(store: ParameterStore, parameters: readonly ModelParameter[]): SafeStream {
  requireParameters(store, parameters);
  const specs = parameters.map(({ name, kind, shape }) => ({
    name,
    dtype: "F32" as const,
    shape: toTorchShape(kind, shape),
  }));
  return {
    specs,
    async *data() {
      const names = parameters.map(({ name }) => name);
      let i = 0;
      for await (const values of store.readEach(names, "ema")) {
        const { kind, shape } = parameters[i++]!;
        yield toTorch(kind, shape, values).data;
      }
    },
  };
}

/** `modelStream` all at once. */
export function modelTensors(store: ParameterStore, parameters: readonly ModelParameter[]): Promise<SafeTensor[]> {
  return collect(modelStream(store, parameters));
}

async function collect({ specs, data }: SafeStream): Promise<SafeTensor[]> {
  const tensors: SafeTensor[] = [];
  for await (const values of data()) tensors.push({ ...specs[tensors.length]!, data: values });
  return tensors;
}

/**
 * Writes a model file's weights into a store, as weights and as average. They may be F32, or F16, BF16 or F64, as other
 * tools convert them.
 *
 * @throws VoxtwirlError "bad-file" naming the tensor that is missing, has another shape or type, or is beyond float32
 */
export function loadModel(
  store: ParameterStore,
  parameters: readonly ModelParameter[],
  file: SafeFile,
  fileName: string,
): void {
  requireParameters(store, parameters);
  requireFile(file);
  for (const { name, kind, shape } of parameters) {
    const data = weights(file, name, toTorchShape(kind, shape), fileName);
    const { data: values } = fromTorch(kind, toTorchShape(kind, shape), data);
    store.write(name, values);
    if (store.arrays.includes("ema")) store.write(name, values, "ema");
  }
}

function requireFile(file: SafeFile): void {
  requireObject("file", file, "Give what decodeSafetensors returns.");
}

function weights(file: SafeFile, name: string, shape: readonly number[], fileName: string): Float32Array {
  const tensor = file.tensors.get(name);
  checkShape(tensor, name, shape, fileName, "F32, F16, BF16 or F64");
  const fail = (what: string, fix: string) => {
    throw new VoxtwirlError("bad-file", `${fileName}: '${name}' ${what}`, fix);
  };
  const values = floats(tensor);
  if (values === undefined) {
    return fail(`is ${tensor.dtype}, and weights are F32, F16, BF16 or F64`, "Convert them to one of these.");
  }
  if (tensor.dtype === "F64") {
    const beyond = values.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(tensor.data[i]));
    if (beyond >= 0) fail(`holds ${tensor.data[beyond]}, beyond float32`, "Use an earlier checkpoint.");
  }
  return values;
}

/** The shape that a parameter of ours has in PyTorch. */
export function toTorchShape(kind: ModelParameter["kind"], shape: readonly number[]): readonly number[] {
  const [d, h, w, ci, co] = shape as [number, number, number, number, number];
  if (kind === "conv") return [co, ci, d, h, w];
  if (kind === "convTranspose") return [ci, co, d, h, w];
  if (kind === "scalar") return [];
  return kind === "linear" ? [shape[1]!, shape[0]!] : shape;
}

/** Which parameters each array of a state holds: those that no operation uses have no average and no moments. */
const stateArrays = (parameters: readonly ModelParameter[]) =>
  STATE_ARRAYS.map((array) => ({ array, held: parameters.filter(({ trained }) => trained || array === "weights") }));

/** The state of loss scaling beside those of the parameters, in half precision. */
const SCALING = { name: "scaling", dtype: "F32" as const, shape: [SCALING_FIELDS.length] };

/**
 * Raw weights, average and moments, in the engine's own layouts: `weights.NAME`, `ema.NAME`, `m.NAME`, `v.NAME`, and
 * `scaling` where there is loss scaling; read from the GPU as they are asked for.
 */
export function stateStream(
  store: ParameterStore,
  parameters: readonly ModelParameter[],
  scaling?: LossScaling,
): SafeStream {
  requireParameters(store, parameters);
  const arrays = stateArrays(parameters);
  const specs = arrays.flatMap(({ array, held }) =>
    held.map(({ name, shape }) => ({ name: `${array}.${name}`, dtype: "F32" as const, shape: [...shape] })),
  );
  return {
    specs: scaling ? [...specs, SCALING] : specs,
    async *data() {
      for (const { array, held } of arrays) {
        const names = held.map(({ name }) => name);
        yield* store.readEach(names, array);
      }
      if (scaling) yield await scaling.read();
    },
  };
}

/** `stateStream` all at once. */
export function stateTensors(
  store: ParameterStore,
  parameters: readonly ModelParameter[],
  scaling?: LossScaling,
): Promise<SafeTensor[]> {
  return collect(stateStream(store, parameters, scaling));
}

/** @throws VoxtwirlError "bad-file" naming the tensor that is missing or has another shape */
export function loadState(
  store: ParameterStore,
  parameters: readonly ModelParameter[],
  file: SafeFile,
  fileName: string,
  scaling?: LossScaling,
): void {
  requireParameters(store, parameters);
  requireFile(file);
  for (const { array, held } of stateArrays(parameters)) {
    for (const { name, shape } of held) store.write(name, f32(file, `${array}.${name}`, shape, fileName), array);
  }
  scaling?.write(f32(file, SCALING.name, SCALING.shape, fileName));
}

/** As `loadState`, of tensors that are read when they are asked for. */
export async function loadStateFrom(
  store: ParameterStore,
  parameters: readonly ModelParameter[],
  source: { find(name: string): SafeSpec | undefined; read(name: string): Promise<SafeTensor> },
  fileName: string,
  scaling?: LossScaling,
): Promise<void> {
  const wanted = stateArrays(parameters).flatMap(({ array, held }) =>
    held.map(({ name, shape }) => ({ array, name, key: `${array}.${name}`, shape })),
  );
  // All are checked before any is taken.
  for (const { key, shape } of wanted) checkF32(source.find(key), key, shape, fileName);
  if (scaling) checkF32(source.find(SCALING.name), SCALING.name, SCALING.shape, fileName);
  for (const { array, name, key } of wanted) store.write(name, (await source.read(key)).data as Float32Array, array);
  scaling?.write((await source.read(SCALING.name)).data as Float32Array);
}

/** A state is F32 and nothing else: converted, it has lost what a run needs to go on exactly. */
function f32(file: SafeFile, name: string, shape: readonly number[], fileName: string): Float32Array {
  const tensor = file.tensors.get(name);
  checkF32(tensor, name, shape, fileName);
  return tensor!.data as Float32Array;
}

function checkF32(found: SafeSpec | undefined, name: string, shape: readonly number[], fileName: string): void {
  checkShape(found, name, shape, fileName, "F32");
  if (found.dtype === "F32") return;
  throw new VoxtwirlError(
    "bad-file",
    `${fileName}: '${name}' is ${found.dtype}, and a state is F32`,
    "Resume from the state as the run wrote it: one that was converted cannot go on exactly.",
  );
}

function checkShape<T extends SafeSpec>(
  found: T | undefined,
  name: string,
  shape: readonly number[],
  fileName: string,
  types: string,
): asserts found is T {
  if (found && found.shape.length === shape.length && found.shape.every((n, i) => n === shape[i])) return;
  const what = found ? `is ${found.dtype} ${formatShape(found.shape)}` : "is missing";
  throw new VoxtwirlError(
    "bad-file",
    `${fileName}: '${name}' ${what}, the model wants ${types} ${formatShape(shape)}`,
    "Use a file of a model with this configuration.",
  );
}
