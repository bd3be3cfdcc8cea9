/** The trained parameters of a model as one vector in float64: what analyses take and give. */
import type { WeightSlot } from "../analysis/lossTerms.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { elementCount } from "../gpu/tensor.ts";
import { Graph } from "../graph/graph.ts";
import type { ParameterStore } from "../graph/parameters.ts";
import { Plan } from "../graph/plan.ts";
import type { ModelParameter } from "../models/parameter.ts";

/** Where the trained parameters lie in a vector: one after another. */
export function weightSlots(parameters: readonly ModelParameter[]): WeightSlot[] {
  let offset = 0;
  return parameters
    .filter(({ trained }) => trained)
    .map(({ name, kind, shape }) => {
      const size = elementCount(shape);
      offset += size;
      return { name, kind, shape, offset: offset - size, size };
    });
}

/** Reads what a store has of the trained parameters. */
export async function readVector(
  store: ParameterStore,
  layout: readonly WeightSlot[],
  array: "weights" | "grads",
): Promise<Float64Array> {
  const values = await store.readAll(array);
  const last = layout.at(-1)!;
  const all = new Float64Array(last.offset + last.size);
  for (const { name, offset } of layout) all.set(values.get(name)!, offset);
  return all;
}

/** Queues a write of the trained parameters. @throws VoxtwirlError "bad-shape" for a vector of another length */
export function writeVector(store: ParameterStore, layout: readonly WeightSlot[], weights: Float64Array): void {
  const last = layout.at(-1)!;
  const length = last.offset + last.size;
  if (weights.length !== length) {
    const what = `${weights.length} numbers are not the ${length} weights of the model`;
    throw new VoxtwirlError("bad-shape", what, "Give a vector as `layout` says.");
  }
  for (const { name, offset, size } of layout) {
    store.write(name, Float32Array.from(weights.subarray(offset, offset + size)));
  }
}

/** A plan that clears a store's gradients. */
export function clearGradients(gpu: Gpu, store: ParameterStore): Promise<Plan> {
  const graph = new Graph(gpu.caps);
  store.pieces("grads").forEach((view, i) => graph.clear(graph.external(`grads ${i}`, [view.size / 4], view)));
  return Plan.create(gpu, graph, { label: "clear" });
}
