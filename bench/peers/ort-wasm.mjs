// ONNX Runtime Web on the CPU, compiled to WebAssembly.
import { availableParallelism } from "node:os";
import { hostTensor, prepare } from "./ort.mjs";
import { serve, versionOf } from "./worker.mjs";

let ort;

serve({
  async open() {
    ort = await import("onnxruntime-web");
    const threads = availableParallelism();
    ort.env.wasm.numThreads = threads;
    return { version: versionOf("onnxruntime-web"), notes: [`WebAssembly with SIMD on the CPU, ${threads} threads`] };
  },
  prepare: (description, inputs) =>
    prepare(ort, description, inputs, {
      options: () => ({ executionProviders: ["wasm"] }),
      feed: hostTensor(ort),
    }),
});
