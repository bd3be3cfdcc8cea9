// Case U in jax-js: forward, and a training step with AdamW, each one jitted function.
import { channelsFirst, channelsLast, CONV_AXES, CONV_AXES_BACK, CONV_TRANSPOSE_AXES, permute } from "./arrays.mjs";
import { column, convolve, convTranspose, groupNorm, upload } from "./jaxOperations.mjs";
import { NORM_EPS, UNET_GROUPS, unetU } from "./unet.mjs";

export function jaxUnet(jax, attributes, inputs) {
  const x = upload(jax, channelsFirst(inputs.x));
  const parameters = parametersOf(jax, inputs);
  const compiled = jax.jit((parameters, x) => ({
    y: unetU(layersOf(jax, parameters, attributes), has(parameters), x),
  }));
  return {
    read: { y: (tensor) => channelsLast(tensor).data },
    run: () => compiled(refs(parameters), x.ref),
    dispose() {
      x.dispose();
      disposeAll(parameters);
      compiled.dispose?.();
    },
  };
}

export function jaxUnetTrain(jax, attributes, inputs) {
  const { numpy: np } = jax;
  const { lr, weightDecay, beta1, beta2, eps } = attributes;
  const x = upload(jax, channelsFirst(inputs.x));
  const target = upload(jax, channelsFirst(inputs.target));
  const first = parametersOf(jax, inputs);
  const zeros = () => mapObject(first, (array) => np.zeros([...array.shape]));
  let state = { parameters: first, m: zeros(), v: zeros() };
  let step = 0;

  const lossOf = (parameters, x, target) => {
    const y = unetU(layersOf(jax, parameters, attributes), has(parameters), x);
    return np.mean(np.square(y.sub(target.ref)));
  };
  // `corrections` are 1 / (1 - beta^step) of both moments.
  const compiled = jax.jit((state, x, target, corrections) => {
    const [loss, gradients] = jax.valueAndGrad((parameters) => lossOf(parameters, x, target))(refs(state.parameters));
    const next = { parameters: {}, m: {}, v: {} };
    for (const [name, gradient] of Object.entries(gradients)) {
      const m = state.m[name].ref.mul(beta1).add(gradient.ref.mul(1 - beta1));
      const v = state.v[name].ref.mul(beta2).add(np.square(gradient.ref).mul(1 - beta2));
      const denominator = np.sqrt(v.ref.mul(corrections.v.ref)).add(eps);
      const update = m.ref.mul(corrections.m.ref).div(denominator).mul(lr);
      next.parameters[name] = state.parameters[name].ref.mul(1 - lr * weightDecay).sub(update);
      next.m[name] = m;
      next.v[name] = v;
    }
    return { loss, gradients, next };
  });

  const read = {};
  for (const name of Object.keys(first)) {
    if (first[name].shape.length !== 5) continue;
    const axes = isTransposed(name) ? [2, 3, 4, 0, 1] : CONV_AXES_BACK;
    read[`grad/${name}`] = (tensor) => permute(tensor, axes).data;
  }
  return {
    read,
    workarounds: ["AdamW written out in the same jitted function"],
    run(previous) {
      step++;
      const correction = (beta) => np.array(Float32Array.of(1 / (1 - beta ** step))).reshape([]);
      const refsOfState = mapObject(state, refs);
      const out = compiled(refsOfState, x.ref, target.ref, { m: correction(beta1), v: correction(beta2) });
      mapObject(state, disposeAll);
      state = out.next;
      // Loss and gradients are those of the first step.
      if (previous) {
        out.loss.dispose();
        disposeAll(out.gradients);
        return previous;
      }
      return {
        loss: out.loss,
        ...Object.fromEntries(Object.entries(out.gradients).map(([name, g]) => [`grad/${name}`, g])),
      };
    },
    awaited: () => state,
    dispose() {
      x.dispose();
      target.dispose();
      mapObject(state, disposeAll);
      compiled.dispose?.();
    },
  };
}

const isTransposed = (name) => /^up\d+\.sample\.weight$/.test(name);

const has = (parameters) => (name) => name in parameters;

const mapObject = (object, f) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value)]));

const refs = (arrays) => mapObject(arrays, (array) => array.ref);

function disposeAll(arrays) {
  for (const array of Object.values(arrays)) array.dispose();
}

function parametersOf(jax, inputs) {
  const parameters = {};
  for (const [name, array] of Object.entries(inputs)) {
    if (name === "x" || name === "target") continue;
    const axes = isTransposed(name) ? CONV_TRANSPOSE_AXES : CONV_AXES;
    parameters[name] = upload(jax, array.shape.length === 1 ? column(array) : permute(array, axes));
  }
  return parameters;
}

function layersOf(jax, parameters, { groups = UNET_GROUPS }) {
  const pair = (name) => [parameters[`${name}.weight`], parameters[`${name}.bias`]];
  return {
    conv: (name, x, kernel, stride) => {
      const [weight, bias] = pair(name);
      return convolve(jax, x, weight, stride, kernel >> 1).add(bias.ref);
    },
    convTranspose: (name, x) => {
      const [weight, bias] = pair(name);
      return convTranspose(jax, x, weight, 2, 1).add(bias.ref);
    },
    normSilu: (name, x) => groupNorm(jax, x, ...pair(name), groups, NORM_EPS, true),
    concat: (x, skip) => jax.numpy.concatenate([x.ref, skip.ref], 1),
    add: (a, b) => a.ref.add(b.ref),
  };
}
