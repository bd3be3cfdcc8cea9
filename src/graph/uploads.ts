import { alignUp, BINDING_ALIGNMENT } from "../gpu/alignment.ts";
import type { Dispatch } from "../gpu/dispatch.ts";
import { BufferUsage, type BufferView, type Gpu } from "../gpu/gpu.ts";
import type { ShaderVariant } from "../gpu/pipelines.ts";
import { packStruct } from "../gpu/reflect.ts";
import type { GPUBuffer } from "../hostTypes.ts";
import type { Graph } from "./graph.ts";

/** One buffer of all dispatches' uniforms, and where each one's begins. */
export function uploadParams(
  gpu: Gpu,
  label: string,
  dispatches: readonly Dispatch[],
  variants: ReadonlyMap<Dispatch, ShaderVariant>,
) {
  const offsets = new Map<Dispatch, number>();
  let size = 0;
  for (const d of dispatches) {
    const layout = variants.get(d)!.reflection.structs.get("Params");
    if (!layout) continue;
    offsets.set(d, size);
    size += alignUp(layout.size, BINDING_ALIGNMENT);
  }
  const data = new DataView(new ArrayBuffer(Math.max(size, 4)));
  for (const [d, offset] of offsets) {
    packStruct(variants.get(d)!.reflection.structs.get("Params")!, d.params!, data, offset, d.label);
  }
  const buffer = gpu.createBuffer(`${label} params`, data.byteLength, BufferUsage.UNIFORM | BufferUsage.COPY_DST);
  gpu.write({ buffer, offset: 0, size: data.byteLength }, data);
  return { buffer, offsets };
}

/** Tensors of fixed numbers, by their ids; their buffers are added to `made`. */
export function uploadConstants(
  gpu: Gpu,
  graph: Graph,
  dispatches: readonly Dispatch[],
  made: GPUBuffer[],
): Map<number, BufferView> {
  const views = new Map<number, BufferView>();
  for (const tensor of dispatches.flatMap(({ bindings }) => Object.values(bindings))) {
    const numbers = graph.constantOf(tensor);
    if (!numbers || views.has(tensor.id)) continue;
    const view = gpu.upload(tensor.label, Uint32Array.from(numbers));
    made.push(view.buffer);
    views.set(tensor.id, view);
  }
  return views;
}
