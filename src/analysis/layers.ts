import type { WeightSlot } from "./lossTerms.ts";

/** Parameters that belong together: a convolution's kernel and bias, a norm's scale and shift. */
export interface Layer {
  readonly name: string;
  readonly slots: readonly WeightSlot[];
  /** How many numbers they have. */
  readonly size: number;
}

/** The layers of a model in its own order: `down.0.res.conv1` has `down.0.res.conv1.weight` and `.bias`. */
export function layersOf(layout: readonly WeightSlot[]): Layer[] {
  const layers = new Map<string, WeightSlot[]>();
  for (const slot of layout) {
    const name = layerName(slot.name);
    layers.set(name, [...(layers.get(name) ?? []), slot]);
  }
  return Array.from(layers, ([name, slots]) => {
    return { name, slots, size: slots.reduce((sum, { size }) => sum + size, 0) };
  });
}

/** `down.0.res.conv1` of `down.0.res.conv1.weight`. */
export function layerName(parameter: string): string {
  const dot = parameter.lastIndexOf(".");
  return dot < 0 ? parameter : parameter.slice(0, dot);
}
