import { elementCount } from "../gpu/tensor.ts";
import type { ParameterStore } from "../graph/parameters.ts";
import { Random, scramble } from "../random.ts";
import { requireParameters, type ModelParameter } from "./parameter.ts";

/**
 * Writes initial weights, a function of the seed and each parameter's place; the average (if any) starts equal to them.
 */
export function initialise(store: ParameterStore, parameters: readonly ModelParameter[], seed: number): void {
  requireParameters(store, parameters);
  // Both halves of the seed count.
  const base = scramble((seed | 0) ^ scramble(Math.floor(seed / 2 ** 32)));
  parameters.forEach(({ name, shape, init }, index) => {
    const random = new Random(base * 65_536 + index);
    const values = Float32Array.from({ length: elementCount(shape) }, () =>
      "constant" in init ? init.constant : (2 * random.next() - 1) * init.bound,
    );
    store.write(name, values);
    if (store.arrays.includes("ema")) store.write(name, values, "ema");
  });
}
