// What the four peers of ONNX Runtime share: a case becomes a model, a session and its runs.
import { operationOf, Unsupported } from "./worker.mjs";
import { models } from "./onnxModels.mjs";

const NO_GRADIENT = "ONNX has no operation for the gradient of a convolution's weight";
const NO_TRAINING = "ONNX Runtime's packages for JavaScript infer only, they do not train";
const refusals = { conv3dGradWeight: NO_GRADIENT, unetTrain: NO_TRAINING, tinyTrain: NO_TRAINING };

/**
 * Prepares a case for the runtime `ort`. `options(model)` gives the session's options and workarounds for this model;
 * `feed(tensor)` makes an input of { shape, data }; `finished` resolves when the device has run what it was given.
 */
export async function prepare(ort, description, inputs, { options, feed, finished }) {
  const refusal = refusals[description.operation];
  if (refusal) throw new Unsupported(refusal);
  const model = operationOf("this peer", models, description)(description.attributes, inputs);
  const { workarounds = [], ...sessionOptions } = options(model);
  const session = await ort.InferenceSession.create(model.graph.finish(), sessionOptions);
  const feeds = {};
  for (const [name, tensor] of Object.entries(model.feeds)) feeds[name] = await feed(tensor);
  let outputs = {};
  const release = () => {
    for (const tensor of Object.values(outputs)) tensor.dispose?.();
    outputs = {};
  };
  return {
    workarounds,
    async run() {
      release();
      outputs = await session.run(feeds);
      await finished?.();
    },
    async read() {
      const arrays = {};
      for (const [name, tensor] of Object.entries(outputs)) {
        const data = await tensor.getData();
        arrays[name] = model.read[name]({ shape: tensor.dims, data });
      }
      return arrays;
    },
    async dispose() {
      release();
      for (const tensor of Object.values(feeds)) tensor.dispose?.();
      await session.release();
    },
  };
}

/** An input in the host's memory. */
export function hostTensor(ort) {
  return ({ shape, data }) => new ort.Tensor("float32", data, shape);
}
