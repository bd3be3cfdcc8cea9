// ONNX Runtime Web's WebGPU provider, through Dawn.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { adapterName, openDawn } from "./dawn.mjs";
import { prepare } from "./ort.mjs";
import { webgpuOptions } from "./ortWebgpu.mjs";
import { serve, versionOf } from "./worker.mjs";

const LIFTOFF =
  "--liftoff-only: V8 would optimise the WebAssembly for half a minute of the first run; nodes on the CPU are " +
  "slower for it";

let ort;

serve({
  async open(adapter) {
    await openDawn(adapter);
    copyBeforeWriting();
    ort = await import("onnxruntime-web/webgpu");
    const main = createRequire(import.meta.url).resolve("onnxruntime-web");
    ort.env.wasm.wasmBinary = readFileSync(join(dirname(main), "ort-wasm-simd-threaded.asyncify.wasm"));
    ort.env.wasm.numThreads = 1;
    return {
      version: versionOf("onnxruntime-web"),
      notes: [
        `webgpu ${versionOf("webgpu")} with the nap, adapter ${await adapterName()}`,
        ...(process.execArgv.includes("--liftoff-only") ? [LIFTOFF] : []),
        "inputs and outputs stay on the GPU; a run ends when its queue has no submitted work left",
      ],
    };
  },
  prepare: (description, inputs) =>
    prepare(ort, description, inputs, {
      options: (model) => ({ ...webgpuOptions(model), preferredOutputLocation: "gpu-buffer" }),
      feed: gpuTensor,
      finished: async () => (await ort.env.webgpu.device).queue.onSubmittedWorkDone(),
    }),
});

/** An input in a buffer of the runtime's own device. */
async function gpuTensor({ shape, data }) {
  const device = await ort.env.webgpu.device;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = device.createBuffer({ size: Math.ceil(data.byteLength / 16) * 16, usage });
  device.queue.writeBuffer(buffer, 0, data);
  return ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims: shape, dispose: () => buffer.destroy() });
}

/** The binding refuses views on shared memory, which is what the runtime's WebAssembly has. */
function copyBeforeWriting() {
  const { prototype } = globalThis.GPUQueue;
  const original = prototype.writeBuffer;
  prototype.writeBuffer = function (buffer, offset, data, dataOffset, size) {
    const bytes = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
    if (!(bytes.buffer instanceof SharedArrayBuffer)) {
      return original.call(this, buffer, offset, data, dataOffset, size);
    }
    const unit = ArrayBuffer.isView(data) && !(data instanceof DataView) ? data.BYTES_PER_ELEMENT : 1;
    const from = (dataOffset ?? 0) * unit;
    const length = size === undefined ? bytes.byteLength - from : size * unit;
    const copy = new Uint8Array(length);
    copy.set(new Uint8Array(bytes.buffer, bytes.byteOffset + from, length));
    return original.call(this, buffer, offset, copy);
  };
}
