// jax-js with its WebGPU backend, through Dawn. Every case is one jitted function, channels first.
import { adapterName, openDawn } from "./dawn.mjs";
import { operations } from "./jaxOperations.mjs";
import { jaxUnet, jaxUnetTrain } from "./jaxUnet.mjs";
import { operationOf, serve, versionOf } from "./worker.mjs";

const works = { ...operations, unet: jaxUnet, unetTrain: jaxUnetTrain };

let jax;

serve({
  async open(adapter) {
    await openDawn(adapter);
    jax = await import("@jax-js/jax");
    const devices = await jax.init("webgpu");
    if (!devices.includes("webgpu")) throw new Error(`init("webgpu") gave ${JSON.stringify(devices)}`);
    jax.defaultDevice("webgpu");
    return {
      version: versionOf("@jax-js/jax"),
      notes: [
        `webgpu ${versionOf("webgpu")} with the nap, adapter ${await adapterName()}`,
        "a run ends with its own blockUntilReady; nothing is read back",
      ],
    };
  },

  async prepare(description, inputs) {
    const work = operationOf("jax-js", works, description)(jax, description.attributes, inputs);
    let outputs;
    return {
      workarounds: work.workarounds ?? [],
      async run() {
        const next = work.run(outputs);
        if (outputs && next !== outputs) dispose(outputs);
        outputs = next;
        await jax.blockUntilReady(work.awaited ? work.awaited() : outputs);
      },
      read: async () => {
        const arrays = {};
        for (const [name, array] of Object.entries(outputs)) {
          const { shape } = array;
          const tensor = { shape, data: await array.ref.data() };
          arrays[name] = work.read[name] ? work.read[name](tensor) : tensor.data;
        }
        return arrays;
      },
      dispose() {
        if (outputs) dispose(outputs);
        work.dispose();
      },
    };
  },
});

function dispose(arrays) {
  for (const array of Object.values(arrays)) array.dispose();
}
