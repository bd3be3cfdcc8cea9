import { twin, type Twins } from "./twin.ts";

/** Twin of shaders/concatChannels.wgsl: [voxels, widthA] and [voxels, widthB] side by side. */
export function concatChannels(a: ArrayLike<number>, b: ArrayLike<number>, voxels: number): Float64Array {
  const widthA = a.length / voxels;
  const widthB = b.length / voxels;
  const y = new Float64Array(a.length + b.length);
  for (let v = 0; v < voxels; v++) {
    for (let c = 0; c < widthA; c++) y[v * (widthA + widthB) + c] = a[v * widthA + c]!;
    for (let c = 0; c < widthB; c++) y[v * (widthA + widthB) + widthA + c] = b[v * widthB + c]!;
  }
  return y;
}

type Sizes = "samples" | "voxels" | "channelsA" | "channelsB";

export const twins: Twins = {
  concatChannels: twin<"a" | "b", Sizes>(({ a, b }, { samples, voxels }) => {
    return { y: concatChannels(a, b, samples * voxels) };
  }),
  splitChannels: twin<"y", Sizes>(({ y }, { channelsA, channelsB }) => {
    const width = channelsA + channelsB;
    const ofA = (_: number, i: number) => i % width < channelsA;
    const all = Float64Array.from(y);
    return { a: all.filter(ofA), b: all.filter((value, i) => !ofA(value, i)) };
  }),
};
