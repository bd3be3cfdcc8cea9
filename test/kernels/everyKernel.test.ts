// What holds of every kernel, for each of its shapes: it is what its float64 twin says, in every variant that this
// adapter can run, bitwise the same twice; it passes NaN on; its costs are those of the memory it has to touch.
import { beforeAll, describe, expect, it } from "vitest";
import { byteLength, elementCount, type Tensor } from "../../src/gpu/tensor.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { Graph } from "../../src/graph/graph.ts";
import { dtypeOf, type ExampleTensor } from "../../src/kernels/example.ts";
import type { Kernel } from "../../src/kernels/kernel.ts";
import { allKernels, kernelWithVariants } from "../../src/kernels/list.ts";
import { testGpu } from "../harness.ts";
import { PLAIN_GPU } from "./capsOf.ts";
import { contentsFor, expectTwin, prove, run, title, twins } from "./kernelProof.ts";

const kernelList = allKernels();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

describe("the list", () => {
  it("has a twin of every kernel, and shapes to run it on", () => {
    expect(Object.keys(twins).sort()).toEqual(kernelList.map(({ name }) => name).sort());
    expect(kernelList.filter(({ shapes }) => shapes.length === 0)).toEqual([]);
  });
});

describe.each(kernelList)("$name", (kernel) => {
  it.each(kernel.shapes.map((shape) => [title(kernel, shape), shape] as const))(
    "%s: is its twin in every variant, bitwise the same twice",
    async (_, shape) => prove(gpu, kernel, shape, "f32"),
  );
});

describe("variants for graphics cards are their twins, as far as this adapter can run them", () => {
  // Small tiles: others compile for long on a processor.
  it.each<[string, number, readonly string[] | undefined]>([
    ["conv3d", 0, ["direct 2x2x4 w128", "direct 2x2x8 w256"]],
    ["conv3d", 3, ["direct 4x1x4 w64"]],
    ["convTranspose3d", 0, ["direct 2x2x4 w128"]],
    ["conv3dGradWeight", 3, ["teams", "teams, four times the splits"]],
    ["attention", 0, ["loads 4x4"]],
    ["twirlMerge", 0, undefined],
    ["resample", 0, undefined],
    ["rotateOctahedral", 0, undefined],
    ["pairBias", 0, ["1 each"]],
    ["pairBiasGrad", 0, ["apart"]],
  ])("%s, shape %i", async (name, i, only) => {
    const kernel = kernelWithVariants(name);
    const shape = kernel.shapes[i]!;
    const card = { ...PLAIN_GPU, maxWorkgroupInvocations: gpu.caps.maxWorkgroupInvocations };
    const all = kernel.variants.of({ ...gpu.caps, ...card }, shape, "f32").map(({ name }) => name);
    const contents = contentsFor(kernel, shape, "f32");
    const variants = only ?? all;
    expect(all).toEqual(expect.arrayContaining([...variants]));
    for (const variant of variants) {
      expectTwin(kernel, shape, "f32", contents, await run(gpu, kernel, shape, "f32", contents, variant, card));
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
    const results = await run(gpu, kernel, shape, "f32", contents);
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
