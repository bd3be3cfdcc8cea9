import { elementCount, type Tensor } from "../../src/gpu/tensor.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import type * as Api from "../../src/index.ts";
import { dtypeOf } from "../../src/kernels/example.ts";
import { contentsOf } from "../../src/tuning/exampleData.ts";

/** The library, from its sources in Node and from the built package in a browser. */
export type Voxtwirl = typeof Api;

/** What the outputs of each kernel's example hold after the call, by "kernel/tensor". */
export type TableResults = Record<string, number[]>;

/** Runs every kernel on the first of its shapes, as one plan. */
export async function runTable(voxtwirl: Voxtwirl, gpu: Gpu): Promise<TableResults> {
  const graph = new voxtwirl.Graph(gpu.caps);
  const outputs: Record<string, Tensor> = {};
  const buffers: GPUBuffer[] = [];
  for (const { name: kernel, shapes, example } of voxtwirl.allKernels()) {
    const { tensors, emit } = example(shapes[0]!);
    const made: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      const { shape, contents } = tensor;
      // Zeros where the kernel writes: the two machines begin alike.
      const values = contents === "written" ? new Float32Array(elementCount(shape)) : contentsOf(name, shape, contents);
      const view = gpu.upload(`${kernel}/${name}`, values);
      buffers.push(view.buffer);
      made[name] = graph.external(`${kernel}/${name}`, shape, view, dtypeOf(tensor, "f32"));
      if (tensor.output) outputs[`${kernel}/${name}`] = made[name];
    }
    emit(graph, made);
  }
  const plan = await voxtwirl.Plan.create(gpu, graph, { label: "table" });
  try {
    plan.run();
    const read = await plan.read(...Object.values(outputs));
    return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, Array.from(read[i]!)]));
  } finally {
    plan.destroy();
    for (const buffer of buffers) gpu.destroyBuffer(buffer);
  }
}
