import { VoxtwirlError } from "../errors.ts";
import { formatShape } from "../gpu/dispatch.ts";
import type { ParameterStore } from "../graph/parameters.ts";
import { fromTorch, toTorch } from "../models/layouts.ts";
import type { UNetParameter } from "../models/unetLayout.ts";
import type { SafeFile, SafeTensor } from "./safetensors.ts";

const STATE_ARRAYS = ["weights", "ema", "m", "v"] as const;

/** The averaged weights in PyTorch's layouts, under the reference's state-dict names. */
export async function modelTensors(store: ParameterStore, parameters: readonly UNetParameter[]): Promise<SafeTensor[]> {
  const values = await store.readAll("ema");
  return parameters.map(({ name, kind, shape }) => {
    const { shape: torchShape, data } = toTorch(kind, shape, values.get(name)!);
    return { name, dtype: "F32", shape: torchShape, data };
  });
}

/** Writes a model file's weights into a store, as weights and as average. */
export function loadModel(store: ParameterStore, parameters: readonly UNetParameter[], file: SafeFile, fileName: string): void {
  for (const { name, kind, shape } of parameters) {
    const data = f32(file, name, toTorchShape(kind, shape), fileName);
    const { data: values } = fromTorch(kind, toTorchShape(kind, shape), data);
    store.write(name, values);
    if (store.arrays.includes("ema")) store.write(name, values, "ema");
  }
}

function toTorchShape(kind: UNetParameter["kind"], shape: readonly number[]): readonly number[] {
  const [d, h, w, ci, co] = shape as [number, number, number, number, number];
  if (kind === "conv") return [co, ci, d, h, w];
  if (kind === "convTranspose") return [ci, co, d, h, w];
  return kind === "linear" ? [shape[1]!, shape[0]!] : shape;
}

/** Raw weights, average and moments, in the engine's own layouts: `weights.NAME`, `ema.NAME`, `m.NAME`, `v.NAME`. */
export async function stateTensors(store: ParameterStore, parameters: readonly UNetParameter[]): Promise<SafeTensor[]> {
  const tensors: SafeTensor[] = [];
  for (const array of STATE_ARRAYS) {
    const values = await store.readAll(array);
    for (const { name, shape, trained } of parameters) {
      if (!trained && array !== "weights") continue;
      tensors.push({ name: `${array}.${name}`, dtype: "F32", shape: [...shape], data: values.get(name)! });
    }
  }
  return tensors;
}

/** @throws VoxtwirlError "bad-file" naming the tensor that is missing or has another shape */
export function loadState(store: ParameterStore, parameters: readonly UNetParameter[], file: SafeFile, fileName: string): void {
  for (const array of STATE_ARRAYS) {
    for (const { name, shape, trained } of parameters) {
      if (trained || array === "weights") store.write(name, f32(file, `${array}.${name}`, shape, fileName), array);
    }
  }
}

function f32(file: SafeFile, name: string, shape: readonly number[], fileName: string): Float32Array {
  const tensor = file.tensors.get(name);
  const fits = tensor?.dtype === "F32" && tensor.shape.length === shape.length && tensor.shape.every((n, i) => n === shape[i]);
  if (fits) return tensor.data as Float32Array;
  const found = tensor ? `is ${tensor.dtype} ${formatShape(tensor.shape)}` : "is missing";
  throw new VoxtwirlError(
    "bad-file",
    `${fileName}: '${name}' ${found}, the model wants F32 ${formatShape(shape)}`,
    "Use a file of a model with this configuration.",
  );
}
