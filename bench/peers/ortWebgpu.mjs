// Sessions on ONNX Runtime's WebGPU providers, in the browser's build and in Node's.

const GRID_SAMPLE = "GridSample on the CPU: the provider has none in five dimensions";

/**
 * Options for a model. A network's transposed convolutions go to the CPU, since the provider knows one and two
 * dimensions only and would give up the whole network; a case that is nothing but a transposed convolution is refused.
 */
export function webgpuOptions({ graph }) {
  const transposed = graph.nodeNames.ConvTranspose ?? [];
  const alone = graph.nodeNames.Conv === undefined;
  if (transposed.length === 0 || alone) {
    // The runtime places it there by itself.
    return { executionProviders: [{ name: "webgpu" }], workarounds: graph.nodeNames.GridSample ? [GRID_SAMPLE] : [] };
  }
  return {
    executionProviders: [{ name: "webgpu", forceCpuNodeNames: transposed }],
    workarounds: [
      `${transposed.length} transposed convolutions on the CPU: the provider supports "only Conv2d or Conv1d"`,
    ],
  };
}
