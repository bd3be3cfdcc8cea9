// ONNX Runtime's own build for Node on the CPU.
import { hostTensor, prepare } from "./ort.mjs";
import { serve, versionOf } from "./worker.mjs";

let ort;

serve({
  async open() {
    const module = await import("onnxruntime-node");
    ort = module.default ?? module;
    return { version: versionOf("onnxruntime-node"), notes: ["CPU, its default number of threads"] };
  },
  prepare: (description, inputs) =>
    prepare(ort, description, inputs, {
      options: () => ({ executionProviders: ["cpu"] }),
      feed: hostTensor(ort),
    }),
});
