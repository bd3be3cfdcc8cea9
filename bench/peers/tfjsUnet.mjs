// Case U in TensorFlow.js: forward, and a training step with AdamW.
import { permute } from "./arrays.mjs";
import { asRow, conv, gradInput, gradWeight, groupNorm, padsOf, tensor, VECTORS } from "./tfjsOperations.mjs";
import { NORM_EPS, UNET_GROUPS, unetU } from "./unet.mjs";

const PADDING =
  "the strided convolutions' padding by concatenation with zeros: padding a 5-D tensor makes invalid WGSL";
const TRANSPOSED =
  "a gradient of conv3dTranspose out of the kernels Conv3D and Conv3DBackpropFilterV2, since it has none of its own";

export function tfjsUnet(tf, attributes, inputs) {
  const x = tensor(tf, inputs.x);
  const parameters = parametersOf(tf, inputs);
  const layers = layersOf(tf, parameters, attributes);
  return {
    held: [x, ...Object.values(parameters)],
    workarounds: [VECTORS, PADDING],
    run: () => ({ y: unetU(layers, (name) => name in parameters, x) }),
  };
}

export function tfjsUnetTrain(tf, attributes, inputs) {
  const { lr, weightDecay, beta1, beta2, eps } = attributes;
  const x = tensor(tf, inputs.x);
  const target = tensor(tf, inputs.target);
  const variables = Object.fromEntries(
    Object.entries(parametersOf(tf, inputs)).map(([name, value]) => [name, tf.variable(value, true)]),
  );
  const names = Object.keys(variables);
  const layers = layersOf(tf, variables, attributes);
  const optimizer = tf.train.adam(lr, beta1, beta2, eps);
  return {
    keepsFirst: true,
    held: [x, target],
    workarounds: [VECTORS, PADDING, TRANSPOSED, "AdamW as tf.train.adam after a decay of the parameters"],
    run: () => {
      const { value, grads } = tf.variableGrads(
        () =>
          tf.mean(
            tf.squaredDifference(
              unetU(layers, (name) => name in variables, x),
              target,
            ),
          ),
        names.map((name) => variables[name]),
      );
      for (const name of names) variables[name].assign(tf.mul(variables[name], 1 - lr * weightDecay));
      optimizer.applyGradients(grads);
      const outputs = { loss: tf.reshape(value, [1]) };
      for (const name of names) outputs[`grad/${name}`] = grads[variables[name].name];
      return outputs;
    },
    read: (arrays) => {
      // Transposed weights are [k, k, k, C out, C in] there.
      for (const name of names.filter(isTransposed)) {
        const data = arrays[`grad/${name}`];
        arrays[`grad/${name}`] = permute({ data, shape: variables[name].shape }, [0, 1, 2, 4, 3]).data;
      }
      return arrays;
    },
  };
}

const isTransposed = (name) => /^up\d+\.sample\.weight$/.test(name);

function parametersOf(tf, inputs) {
  const parameters = {};
  for (const [name, array] of Object.entries(inputs)) {
    if (name === "x" || name === "target") continue;
    if (array.shape.length === 1) parameters[name] = asRow(tf, array);
    else parameters[name] = tensor(tf, isTransposed(name) ? permute(array, [0, 1, 2, 4, 3]) : array);
  }
  return parameters;
}

function layersOf(tf, parameters, { groups = UNET_GROUPS }) {
  const get = (name) => parameters[name];
  return {
    conv: (name, x, kernel, stride) => {
      const pads = padsOf(x.shape, kernel, stride, kernel >> 1);
      return tf.add(conv(tf, x, get(`${name}.weight`), stride, pads), get(`${name}.bias`));
    },
    convTranspose: (name, x) => tf.add(convTranspose(tf, x, get(`${name}.weight`)), get(`${name}.bias`)),
    normSilu: (name, x) => groupNorm(tf, x, get(`${name}.weight`), get(`${name}.bias`), groups, NORM_EPS, true),
    concat: (x, skip) => tf.concat([x, skip], 4),
    add: (a, b) => tf.add(a, b),
  };
}

/** Kernel 4, stride 2, padding 1: the sizes double. */
function convTranspose(tf, x, weight) {
  const [n, d, h, w] = x.shape;
  const shape = [n, 2 * d, 2 * h, 2 * w, weight.shape[3]];
  const pads = padsOf(shape, 4, 2, 1);
  return tf.customGrad((x, weight, save) => {
    save([x, weight]);
    return {
      value: gradInput(tf, x, weight, shape, 2, pads),
      gradFunc: (dy, [x, weight]) => [conv(tf, dy, weight, 2, pads), gradWeight(tf, dy, x, weight.shape, 2, pads)],
    };
  })(x, weight);
}
