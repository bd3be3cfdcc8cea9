import type { Expected } from "../case.ts";

/** A tensor of a golden file: some of its values, and its norm (make_golden.py says how they are taken). */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly norm: number;
  readonly stride: number;
  readonly values: readonly number[];
}

/** The samples of those tensors that `wanted` names. */
export function expectedSamples(
  tensors: Readonly<Record<string, GoldenTensor>>,
  wanted: (name: string) => boolean,
): Expected[] {
  return Object.entries(tensors)
    .filter(([name]) => wanted(name))
    .map(([output, { shape, stride, values }]) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return { output, indices: values.map((_, i) => (i * stride) % size), values };
    });
}
