// The WebGPU provider of ONNX Runtime's build for Node, which has a Dawn of its own.
import { hostTensor, prepare } from "./ort.mjs";
import { webgpuOptions } from "./ortWebgpu.mjs";
import { serve, versionOf } from "./worker.mjs";

let ort;

serve({
  async open() {
    const module = await import("onnxruntime-node");
    ort = module.default ?? module;
    return {
      version: versionOf("onnxruntime-node"),
      notes: [
        "its own Dawn, on the first adapter that it finds: an adapter cannot be asked for by name",
        "inputs and outputs lie in the host's memory, so a run copies them both ways",
      ],
    };
  },
  prepare: (description, inputs) =>
    prepare(ort, description, inputs, {
      options: (model) => webgpuOptions(model),
      feed: hostTensor(ort),
    }),
});
