// Sessions on ONNX Runtime's WebGPU providers, in the browser's build and in Node's.

/**
 * Options for a model. A network's transposed convolutions go to the CPU, since the provider knows one and two
 * dimensions only and would give up the whole network; a case that is nothing but a transposed convolution is refused.
 */
export function webgpuOptions({ graph }, options = {}) {
  const transposed = graph.nodeNames.ConvTranspose ?? [];
  const alone = graph.nodeNames.Conv === undefined;
  if (transposed.length === 0 || alone) return { executionProviders: [{ name: "webgpu", ...options }] };
  return {
    executionProviders: [{ name: "webgpu", ...options, forceCpuNodeNames: transposed }],
    workarounds: [`${transposed.length} transposed convolutions on the CPU: "Only Conv2d or Conv1d are supported" by the provider`],
  };
}
