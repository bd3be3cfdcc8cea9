import { elementCount } from "../gpu/tensor.ts";
import type { Orbits, ParameterStore } from "../graph/parameters.ts";
import { Random, scramble } from "../random.ts";
import { requireParameters, type ModelParameter } from "./parameter.ts";

/**
 * Writes initial weights, a function of the seed and each parameter's place; the average (if any) starts equal to them.
 * Entries that stay equal begin as the first of them: a mean would be too small.
 */
export function initialise(store: ParameterStore, parameters: readonly ModelParameter[], seed: number): void {
  requireParameters(store, parameters);
  // Both halves of the seed count.
  const base = scramble((seed | 0) ^ scramble(Math.floor(seed / 2 ** 32)));
  parameters.forEach(({ name, shape, init, orbits }, index) => {
    const random = new Random(base * 65_536 + index);
    const values = Float32Array.from({ length: elementCount(shape) }, () => initialValue(init, random));
    if (orbits) tie(values, orbits());
    store.write(name, values);
    if (store.arrays.includes("ema")) store.write(name, values, "ema");
  });
}

function initialValue(init: ModelParameter["init"], random: Random): number {
  if ("constant" in init) return init.constant;
  return "bound" in init ? (2 * random.next() - 1) * init.bound : random.normal() * init.deviation;
}

function tie(values: Float32Array, { starts, members }: Orbits): void {
  for (let o = 0; o + 1 < starts.length; o++) {
    const orbit = members.subarray(starts[o], starts[o + 1]);
    for (const at of orbit) values[at] = values[orbit[0]!]!;
  }
}
