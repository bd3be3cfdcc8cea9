import { readFileSync } from "node:fs";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";

/** An array in PyTorch's layout, as the golden files hold it. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A file made by make_golden.py: float64 results of PyTorch rounded to float32. */
export interface Golden {
  readonly metadata: Record<string, string>;
  readonly names: readonly string[];
  /** Throws where the file has no such array: a misspelt name must not pass a test. */
  get(name: string): GoldenArray;
}

/** Reads `NAME.safetensors` of this folder. */
export function loadGolden(name: string): Golden {
  const file = `${name}.safetensors`;
  const { tensors, metadata } = decodeSafetensors(readFileSync(new URL(file, import.meta.url)), file);
  return {
    metadata,
    names: [...tensors.keys()],
    get(key) {
      const tensor = tensors.get(key);
      if (!(tensor?.data instanceof Float32Array)) throw new Error(`${file} has no float32 array '${key}'`);
      return { shape: tensor.shape, data: tensor.data };
    },
  };
}

/** (N, C, D, H, W) of PyTorch to (N, D, H, W, C) of ours. */
export function channelsLast({ shape, data }: GoldenArray): GoldenArray {
  const [n, c, ...grid] = shape as [number, number, ...number[]];
  const voxels = grid.reduce((product, size) => product * size, 1);
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++) {
    for (let channel = 0; channel < c; channel++) {
      for (let v = 0; v < voxels; v++) out[(i * voxels + v) * c + channel] = data[(i * c + channel) * voxels + v]!;
    }
  }
  return { shape: [n, ...grid, c], data: out };
}
