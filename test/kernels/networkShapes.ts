import type { Shader } from "../../src/gpu/dispatch.ts";
import { evaluateInteger } from "../../src/gpu/expression.ts";
import { preprocess, type Constants } from "../../src/gpu/preprocess.ts";
import { shaderLibrary } from "../../src/gpu/shaderLibrary.ts";
import type { ConvProblem } from "../../src/kernels/conv3dBlocks.ts";
import { convSizes } from "../../src/kernels/conv3dShape.ts";

/** Shapes of the networks that this is for: levels of 4 to 64 an axis, stems and heads, strided, transposed, 1x1x1. */
export function* networkShapes(): Generator<ConvProblem> {
  for (const size of [1, 3, 4, 8, 12, 16, 32, 64]) {
    for (const [ci, co] of [[5, 32], [32, 5], [8, 8], [16, 32], [64, 64], [96, 96], [128, 64], [512, 512]] as const) {
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

/** The sum of the sizes of all workgroup variables that a shader declares, as the preprocessor and WGSL give it. */
export function declaredBytes(shader: Shader, constants: Constants): number {
  const text = preprocess(shader, constants, shaderLibrary);
  const value = (expression: string): number => {
    const inner = expression.replace(/[A-Z][A-Z_0-9]*/g, (name) => {
      const definition = new RegExp(`const ${name} = (.*);`).exec(text)?.[1];
      if (definition === undefined) throw new Error(`${shader.name}: no constant ${name}`);
      return String(value(definition));
    });
    const [, left, right] = /^max\((.*), (.*)\)$/.exec(inner) ?? [];
    return left && right ? Math.max(value(left), value(right)) : evaluateInteger(inner, {})!;
  };
  return [...text.matchAll(/var<workgroup> \w+: (.*);/g)].reduce((sum, [, type]) => {
    const sizes = [...type!.matchAll(/, ([^<>]*?)>/g)].map(([, size]) => value(size!));
    return sum + 16 * sizes.reduce((a, b) => a * b, 1);
  }, 0);
}
