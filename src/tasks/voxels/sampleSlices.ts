import type { TwirledSample } from "./voxelEvaluator.ts";
import type { SliceInput } from "../../report/types.ts";

/** The z slice of a held-out molecule that holds most of its density, cut from each of its grids. */
export function densestSlice(
  sample: TwirledSample,
  grid: number,
  elements: string[],
  resolution: number,
  name?: string,
): SliceInput {
  const size = grid * grid * elements.length;
  let sliceIndex = 0;
  let most = -1;
  for (let z = 0; z < grid; z++) {
    const density = sample.clean.subarray(z * size, (z + 1) * size).reduce((sum, value) => sum + value, 0);
    if (density > most) [most, sliceIndex] = [density, z];
  }
  const cut = (values: Float32Array) => values.slice(sliceIndex * size, (sliceIndex + 1) * size);
  return {
    grid,
    channels: elements,
    resolution,
    sliceIndex,
    ...(name === undefined ? {} : { name }),
    clean: cut(sample.clean),
    noisy: cut(sample.noisy),
    denoised: cut(sample.denoised),
    twistedDifference: cut(sample.twistedDifference),
  };
}
