/// <reference types="vite/client" />
// What holds of every kernel, for each of its shapes: it is what its float64 twin says, in every variant that this
// adapter can run, bitwise the same twice; it passes NaN on; its costs are those of the memory it has to touch.
import { beforeAll, describe, expect, it } from "vitest";
import { byteLength, elementCount, type Tensor } from "../../src/gpu/dispatch.ts";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { Graph } from "../../src/graph/graph.ts";
import { dtypeOf, type ExampleTensor } from "../../src/kernels/example.ts";
import { choose, type CallShape, type Kernel } from "../../src/kernels/kernel.ts";
import { allKernels, kernelWithVariants } from "../../src/kernels/list.ts";
import { contentsOf } from "../../src/tuning/exampleData.ts";
import { compare } from "../../src/tuning/trial.ts";
import { runKernels, testGpu, type OutputSpec, type TensorData } from "../harness.ts";
import type { Twins } from "../../src/reference/twin.ts";
import { PLAIN_GPU, withCaps } from "./capsOf.ts";
import { needsStored, roundedTo, STORED, type Stored } from "./half.ts";

const files = import.meta.glob<{ twins?: Twins }>("../../src/reference/*.ts", { eager: true });
const twins: Twins = Object.fromEntries(Object.values(files).flatMap(({ twins = {} }) => Object.entries(twins)));

const kernelList = allKernels();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

type Contents = Record<string, Float32Array | Uint32Array>;

/** What the example's tensors hold, as they are stored. */
function contentsFor(kernel: Kernel, shape: CallShape, dtype: Stored): Contents {
  const { tensors } = kernel.example(shape);
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const values = contentsOf(name, tensor.shape, tensor.contents);
      return [name, values instanceof Float32Array ? roundedTo(tensor.activation ? dtype : "f32", values) : values];
    }),
  );
}

/** Runs the example once on poisoned memory, in the variant named, as an adapter with `caps` would choose the rest. */
async function run(
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

const EPSILON = 2 ** -23;
/** Of results stored in half precision, and of factors that matrix units take in it: four units in the last place. */
const HALF = 2 ** -9;

function expectTwin(kernel: Kernel, shape: CallShape, dtype: Stored, contents: Contents, results: Contents): void {
  const { terms, tensors } = kernel.example(shape);
  const expected = twins[kernel.name]!(contents, shape);
  const rounding = 4 * Math.sqrt(terms) * EPSILON + (dtype === "f16" ? HALF : 0);
  for (const [name, { output }] of Object.entries(tensors)) {
    if (!output || !(name in expected)) continue;
    const { error, allowed } = compare(Float32Array.from(results[name]!), Float32Array.from(expected[name]!), rounding);
    expect(error, name).toBeLessThanOrEqual(allowed);
  }
}

const title = (kernel: Kernel, shape: CallShape) => kernel.variants?.describe(shape) ?? JSON.stringify(shape);
const halves = (kernel: Kernel) =>
  Object.values(kernel.example(kernel.shapes[0]!).tensors).some(({ activation }) => activation);

describe("the list", () => {
  it("has a twin of every kernel, and shapes to run it on", () => {
    expect(Object.keys(twins).sort()).toEqual(kernelList.map(({ name }) => name).sort());
    expect(kernelList.filter(({ shapes }) => shapes.length === 0)).toEqual([]);
  });
});

for (const dtype of STORED) {
  describe.each(kernelList.filter((kernel) => dtype === "f32" || halves(kernel)))(`$name in ${dtype}`, (kernel) => {
    needsStored(dtype);
    // In half precision shaders differ in how they load and store alone.
    const shapes = dtype === "f32" ? kernel.shapes : kernel.shapes.slice(0, 1);

    it.each(shapes.map((shape) => [title(kernel, shape), shape] as const))(
      "%s: is its twin in every variant, bitwise the same twice",
      async (_, shape) => {
        const contents = contentsFor(kernel, shape, dtype);
        const variants = kernel.variants?.of(gpu.caps, shape, dtype).map(({ name }) => name) ?? [undefined];
        for (const variant of variants) {
          const first = await run(kernel, shape, dtype, contents, variant);
          expectTwin(kernel, shape, dtype, contents, first);
          const second = await run(kernel, shape, dtype, contents, variant);
          expect(second, variant).toEqual(first);
        }
      },
    );
  });
}

describe("variants for graphics cards are their twins, as far as this adapter can run them", () => {
  // Small tiles: others compile for long on a processor.
  it.each<[string, number, readonly string[] | undefined]>([
    ["conv3d", 0, ["tiled 2x2x4 w128", "tiled 2x2x8 w256"]],
    ["conv3d", 3, ["tiled 4x1x4 w64"]],
    ["convTranspose3d", 0, ["tiled 2x2x4 w128"]],
    ["conv3dGradWeight", 3, ["teams", "teams, four times the slices"]],
    ["attention", 0, ["loads 4x4"]],
    ["twirlMerge", 0, undefined],
    ["resample", 0, undefined],
    ["rotateOctahedral", 0, undefined],
  ])("%s, shape %i", async (name, i, only) => {
    const kernel = kernelWithVariants(name);
    const shape = kernel.shapes[i]!;
    const card = { ...PLAIN_GPU, maxWorkgroupInvocations: gpu.caps.maxWorkgroupInvocations };
    const all = kernel.variants.of({ ...gpu.caps, ...card }, shape, "f32").map(({ name }) => name);
    const contents = contentsFor(kernel, shape, "f32");
    const variants = only ?? all;
    expect(all).toEqual(expect.arrayContaining([...variants]));
    for (const variant of variants) {
      expectTwin(kernel, shape, "f32", contents, await run(kernel, shape, "f32", contents, variant, card));
    }
  });
});

/** Numbers that may be any: not a list of what there is, nor only written. */
const isNumber = ({ contents }: ExampleTensor) => ["around 0", "around 1", "positive"].includes(contents as string);
const takesNumbers = (kernel: Kernel) => Object.values(kernel.example(kernel.shapes[0]!).tensors).some(isNumber);

it.each(kernelList.filter(takesNumbers))("$name passes NaN on", async (kernel) => {
  const shape = kernel.shapes[0]!;
  for (const [poisoned, tensor] of Object.entries(kernel.example(shape).tensors)) {
    if (!isNumber(tensor)) continue;
    const contents = contentsFor(kernel, shape, "f32");
    contents[poisoned]![Math.floor(contents[poisoned]!.length / 2)] = NaN;
    const expected = twins[kernel.name]!(contents, shape);
    const results = await run(kernel, shape, "f32", contents);
    for (const [name, values] of Object.entries(expected)) {
      const lost = Array.from(values).findIndex((value, i) => Number.isNaN(value) && !Number.isNaN(results[name]![i]));
      expect(lost, `${poisoned} to ${name}`).toBe(-1);
    }
  }
});

describe.each(kernelList)("$name reports the bytes that it has to touch", (kernel) => {
  /** Lists of rotations, atoms and steps, and single numbers, may be left out, or counted for each sample. */
  const mayMiss = (tensor: ExampleTensor) => elementCount(tensor.shape) <= 16 || !(isNumber(tensor) || tensor.output);

  it.each(kernel.shapes.map((shape) => [title(kernel, shape), shape] as const))("%s", (_, shape) => {
    const graph = new Graph(gpu.caps);
    const { tensors, emit } = kernel.example(shape);
    const made: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      made[name] = graph.scratch(name, tensor.shape, dtypeOf(tensor, "f32"));
    }
    emit(graph, made);
    const dispatches = graph.commands.flatMap((command) => (command.kind === "dispatch" ? [command.dispatch] : []));
    const bound = new Set(dispatches.flatMap(({ bindings }) => Object.values(bindings)));
    let least = 0;
    let most = 0;
    for (const [name, tensor] of Object.entries(tensors)) {
      if (!bound.has(made[name]!)) continue;
      // What is added to is read and written.
      const bytes = (tensor.output && tensor.contents !== "written" ? 2 : 1) * byteLength(made[name]!);
      if (!mayMiss(tensor)) least += bytes;
      most += mayMiss(tensor) ? 2 * bytes : bytes;
    }
    const reported = dispatches.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(dispatches.every(({ flops, bytes }) => Number.isInteger(flops) && flops >= 0 && bytes > 0)).toBe(true);
    expect(reported).toBeGreaterThanOrEqual(least);
    // Several dispatches touch what lies between them too.
    if (dispatches.length === 1) expect(reported).toBeLessThanOrEqual(most);
  });
});
