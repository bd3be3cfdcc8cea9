/// <reference types="vite/client" />
// Runs a kernel's example and compares it with its float64 twin.
import { expect } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { dtypeOf } from "../../src/kernels/example.ts";
import { choose, type CallShape, type Kernel } from "../../src/kernels/kernel.ts";
import type { Twins } from "../../src/reference/twin.ts";
import { contentsOf } from "../../src/tuning/exampleData.ts";
import { compare } from "../../src/tuning/trial.ts";
import { runKernels, type OutputSpec, type TensorData } from "../harness.ts";
import { withCaps } from "./capsOf.ts";
import { roundedTo, type Stored } from "./half.ts";

const files = import.meta.glob<{ twins?: Twins }>("../../src/reference/*.ts", { eager: true });
/** The float64 twin of each kernel, by its name. */
export const twins: Twins = Object.fromEntries(Object.values(files).flatMap(({ twins = {} }) => Object.entries(twins)));

type Contents = Record<string, Float32Array | Uint32Array>;

/** What the example's tensors hold, as they are stored. */
export function contentsFor(kernel: Kernel, shape: CallShape, dtype: Stored): Contents {
  const { tensors } = kernel.example(shape);
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const values = contentsOf(name, tensor.shape, tensor.contents);
      return [name, values instanceof Float32Array ? roundedTo(tensor.activation ? dtype : "f32", values) : values];
    }),
  );
}

/** Runs the example once on poisoned memory, in the variant named, as an adapter with `caps` would choose the rest. */
export async function run(
  gpu: Gpu,
  kernel: Kernel,
  shape: CallShape,
  dtype: Stored,
  contents: Contents,
  variant?: string,
  caps: Partial<GpuCaps> = {},
) {
  const { tensors, emit } = kernel.example(shape);
  const inputs: Record<string, TensorData> = {};
  const outputs: Record<string, OutputSpec> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const spec = { shape: tensor.shape, dtype: dtypeOf(tensor, dtype) };
    if (!tensor.output) inputs[name] = { ...spec, data: contents[name]! };
    else outputs[name] = tensor.contents === "written" ? spec : { ...spec, init: contents[name]! };
  }
  const ran: string[] = [];
  const results = await runKernels(gpu, inputs, outputs, (graph, t) => {
    const key = kernel.variants && choose(graph.caps, kernel.variants, shape, dtype).call.key;
    const choices = key !== undefined && variant !== undefined ? { choices: { [key]: variant } } : {};
    const ctx = withCaps(graph, { ...caps, ...choices });
    const dispatch: typeof ctx.dispatch = (d) => {
      if (d.call) ran.push(d.call.variant);
      ctx.dispatch(d);
    };
    emit({ ...ctx, dispatch }, t);
  });
  if (variant !== undefined) expect(new Set(ran), "what ran").toEqual(new Set([variant]));
  return results;
}

export const isMatrixVariant = (name: string | undefined): boolean => name?.startsWith("subgroup matrix ") ?? false;

/**
 * Runs a shape in every variant that this adapter can run, or those of them that are asked for: it is its twin, bitwise
 * the same twice.
 */
export async function prove(
  gpu: Gpu,
  kernel: Kernel,
  shape: CallShape,
  dtype: Stored,
  asked: (variant: string | undefined) => boolean = () => true,
): Promise<void> {
  const contents = contentsFor(kernel, shape, dtype);
  const all = kernel.variants?.of(gpu.caps, shape, dtype).map(({ name }) => name) ?? [undefined];
  const variants = all.filter(asked);
  expect(variants.length).toBeGreaterThan(0);
  for (const variant of variants) {
    const first = await run(gpu, kernel, shape, dtype, contents, variant);
    expectTwin(kernel, shape, dtype, contents, first);
    const second = await run(gpu, kernel, shape, dtype, contents, variant);
    expect(second, variant).toEqual(first);
  }
}

const EPSILON = 2 ** -23;
/** Of results stored in half precision, and of factors that matrix units take in it: four units in the last place. */
const HALF = 2 ** -9;

export function expectTwin(
  kernel: Kernel,
  shape: CallShape,
  dtype: Stored,
  contents: Contents,
  results: Contents,
): void {
  const { terms, tensors } = kernel.example(shape);
  const expected = twins[kernel.name]!(contents, shape);
  const rounding = 4 * Math.sqrt(terms) * EPSILON + (dtype === "f16" ? HALF : 0);
  for (const [name, { output }] of Object.entries(tensors)) {
    if (!output || !(name in expected)) continue;
    const { error, allowed } = compare(Float32Array.from(results[name]!), Float32Array.from(expected[name]!), rounding);
    expect(error, name).toBeLessThanOrEqual(allowed);
  }
}

/** The shape as a test's title. */
export const title = (kernel: Kernel, shape: CallShape) => kernel.variants?.describe(shape) ?? JSON.stringify(shape);
