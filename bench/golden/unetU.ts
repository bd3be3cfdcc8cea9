import { errorOf, type Expected } from "../case.ts";
import { expectedSamples, type GoldenTensor } from "./samples.ts";
import golden from "./unetU.json" with { type: "json" };

// What PyTorch computes in float64 for case U: samples and norms (make_golden.py says how they are taken).

const tensors = golden.tensors as Readonly<Record<string, GoldenTensor>>;

/** Version of PyTorch, number of parameter tensors, operations of the forward pass's convolutions. */
export const goldenUnetU = { torch: golden.torch, parameters: golden.parameters, flops: golden.flops } as const;

/** Samples of the output "y" (forward), or of "loss" and the gradients "grad/NAME" (train). */
export function expectedUnetU(what: "forward" | "train"): Expected[] {
  return expectedSamples(tensors, (name) => (name === "y") === (what === "forward"));
}

/** Where outputs are furthest from the golden: by samples, and by the norm of the whole. */
export function errorUnetU(
  outputs: ReadonlyMap<string, ArrayLike<number>>,
  what: "forward" | "train",
): { readonly output: string; readonly error: number } {
  let worst = { output: "", error: 0 };
  for (const expected of expectedUnetU(what)) {
    const { output } = expected;
    const { norm, shape } = tensors[output]!;
    const actual = outputs.get(output);
    const complete = actual?.length === sizeOf(shape);
    const error = complete ? Math.max(errorOf(outputs, [expected]), Math.abs(normOf(actual) - norm) / norm) : Infinity;
    if (!(error <= worst.error)) worst = { output, error: Number.isNaN(error) ? Infinity : error };
  }
  return worst;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function normOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}
