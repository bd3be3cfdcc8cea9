import type { ConvProblem } from "../../src/kernels/conv3d/conv3dBlocks.ts";
import { convSizes } from "../../src/kernels/conv3d/conv3dShape.ts";

/** Shapes of the networks that this is for: levels of 4 to 64 an axis, stems and heads, strided, transposed, 1x1x1. */
export function* networkShapes(): Generator<ConvProblem> {
  for (const size of [1, 3, 4, 8, 12, 16, 32, 64]) {
    for (const [ci, co] of [
      [5, 32],
      [32, 5],
      [8, 8],
      [16, 32],
      [64, 64],
      [96, 96],
      [128, 64],
      [512, 512],
    ] as const) {
      for (const batch of [1, 16]) {
        const problem = (kernel: number, stride: number, pad: number): ConvProblem => {
          const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
          const sizes = convSizes([batch, size, size, size, ci], [batch, out, out, out, co], kernel);
          return { sizes, stride, pad, transposed: false };
        };
        yield problem(3, 1, 1);
        yield problem(1, 1, 0);
        yield problem(3, 2, 1);
        if (size % 2 === 0) yield* [problem(4, 2, 1), problem(2, 2, 0)];
        const double = convSizes([batch, size, size, size, ci], [batch, 2 * size, 2 * size, 2 * size, co], 4);
        yield { sizes: double, stride: 2, pad: 1, transposed: true };
      }
    }
  }
}
