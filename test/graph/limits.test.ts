import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import { elementCount } from "../../src/gpu/tensor.ts";
import { Gpu, type BufferView } from "../../src/gpu/gpu.ts";
import { Graph, type Precision } from "../../src/graph/graph.ts";
import { Plan } from "../../src/graph/plan.ts";
import { unet3d } from "../../src/models/unet3d.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { openAdapter } from "../../src/node/open.ts";
import { modelConfig, presets } from "../../src/training/presets.ts";
import { MATRIX_ADAPTERS } from "../kernels/subgroupMatrixCaps.ts";

/** What WebGPU guarantees of a shader stage. */
const STORAGE_BUFFERS = 8;

const SOFTWARE: GpuCaps = {
  ...{
    adapterClass: "software",
    subgroups: true,
    subgroupMinSize: 8,
    subgroupMaxSize: 8,
    f16: true,
    subgroupMatrices: [],
  },
  ...{ maxWorkgroupInvocations: 256, maxBindingBytes: 2 ** 30 },
};
const ADAPTERS: Record<string, GpuCaps> = {
  software: SOFTWARE,
  "software without subgroups": { ...SOFTWARE, subgroups: false, subgroupMinSize: 1, subgroupMaxSize: 1 },
  "graphics card": { ...SOFTWARE, adapterClass: "discrete", subgroupMinSize: 32, subgroupMaxSize: 32 },
  "with matrices": { ...MATRIX_ADAPTERS.NVIDIA!, maxBindingBytes: 2 ** 30 },
};

/** A training step's forward and backward passes, on parameters that lie in `bufferOf`. */
function trainingGraph(preset: string, caps: GpuCaps, precision: Precision, bufferOf: (bytes: number) => BufferView) {
  const config = presets[preset]!;
  const model = modelConfig(config);
  const graph = new Graph(caps, { precision });
  const shapes = new Map(unetParameters(model).map(({ name, shape }) => [name, shape]));
  const bound = new Map<string, ReturnType<Graph["parameter"]>>();
  const parameter = (name: string) => {
    const shape = shapes.get(name)!;
    const view = () => bufferOf(4 * elementCount(shape));
    if (!bound.has(name)) bound.set(name, graph.parameter(name, shape, view(), view()));
    return bound.get(name)!;
  };
  const x = graph.scratch("x", [1, config.grid, config.grid, config.grid, config.elements.length]);
  const y = unet3d(graph, model, x, { parameter, label: preset });
  graph.backward(y, graph.scratch("gradY", y.shape));
  return graph;
}

describe("a training step stays within what WebGPU guarantees", () => {
  const cases = Object.keys(ADAPTERS).flatMap((name) =>
    ["tiny", "qm9"].flatMap((preset) => ["f32", "f16"].map((precision) => [preset, precision, name] as const)),
  );

  it.each(cases)("%s in %s, %s: storage buffers of a dispatch", (preset, precision, name) => {
    const buffer = { size: 2 ** 28 } as GPUBuffer;
    let offset = 0;
    const graph = trainingGraph(preset, ADAPTERS[name]!, precision as Precision, (size) => {
      const view = { buffer, offset, size };
      offset += Math.ceil(size / 256) * 256;
      return view;
    });
    const counts = graph.commands.flatMap((command) => {
      if (command.kind !== "dispatch") return [];
      return [[Object.keys(command.dispatch.bindings).length, command.dispatch.label] as const];
    });
    expect(counts.length).toBeGreaterThan(100);
    expect(counts.filter(([count]) => count > STORAGE_BUFFERS)).toEqual([]);
  });

  it("on a device of a caller's with default limits and no features", async () => {
    const { adapter } = await openAdapter();
    const device = await adapter.requestDevice();
    const gpu = Gpu.fromDevice(device);
    const made: GPUBuffer[] = [];
    try {
      expect(device.limits.maxStorageBuffersPerShaderStage).toBe(STORAGE_BUFFERS);
      const graph = trainingGraph("tiny", gpu.caps, "f32", (size) => {
        const view = gpu.upload("parameter", new Float32Array(size / 4));
        made.push(view.buffer);
        return view;
      });
      const plan = await Plan.create(gpu, graph, { label: "default limits" });
      plan.destroy();
      gpu.check();
    } finally {
      for (const buffer of made) gpu.destroyBuffer(buffer);
      gpu.destroy();
      device.destroy();
    }
  });
});
