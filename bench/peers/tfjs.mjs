// TensorFlow.js with its WebGPU backend, through Dawn. Tensors are channels-last there too.
import { adapterName, openDawn } from "./dawn.mjs";
import { operationOf, serve, versionOf } from "./worker.mjs";
import { operations } from "./tfjsOperations.mjs";
import { tfjsUnet, tfjsUnetTrain } from "./tfjsUnet.mjs";

const works = { ...operations, unet: tfjsUnet, unetTrain: tfjsUnetTrain };

let tf;
let backend;

serve({
  async open(adapter) {
    await openDawn(adapter);
    tf = await load("@tensorflow/tfjs");
    await load("@tensorflow/tfjs-backend-webgpu");
    if (!(await tf.setBackend("webgpu"))) throw new Error('tf.setBackend("webgpu") gave false');
    await tf.ready();
    backend = tf.backend();
    return {
      version: versionOf("@tensorflow/tfjs-backend-webgpu"),
      notes: [
        `webgpu ${versionOf("webgpu")} with the nap, adapter ${await adapterName()}`,
        "a run ends when its queue has no submitted work left; nothing is read back",
      ],
    };
  },

  async prepare(description, inputs) {
    const work = operationOf("tfjs", works, description)(tf, description.attributes, inputs);
    let outputs = {};
    return {
      workarounds: work.workarounds ?? [],
      async run() {
        const next = tf.tidy(() => work.run());
        if (!work.keepsFirst) tf.dispose(Object.values(outputs));
        outputs = work.keepsFirst && Object.keys(outputs).length > 0 ? outputs : next;
        backend.endComputePassEncoder();
        if (backend.commandEncoder) backend.submitQueue();
        await backend.device.queue.onSubmittedWorkDone();
      },
      async read() {
        const arrays = {};
        for (const [name, tensor] of Object.entries(outputs)) arrays[name] = await tensor.data();
        return work.read ? work.read(arrays) : arrays;
      },
      dispose() {
        tf.dispose(Object.values(outputs));
        tf.dispose(work.held);
        tf.disposeVariables();
      },
    };
  },
});

async function load(name) {
  const module = await import(name);
  return module.default ?? module;
}
