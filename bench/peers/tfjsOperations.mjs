// The operations of ../protocol.ts in TensorFlow.js. Each gives { run, held, workarounds }: `run` is called inside
// tf.tidy and returns the outputs by name, `held` are tensors that live as long as the case.
import { permute } from "./arrays.mjs";

export const VECTORS = "vectors reshaped to [1, 1, 1, 1, C]: adding short ones to 5-D tensors makes invalid WGSL";
const PADDING = "padding by concatenation with zeros: padding a 5-D tensor makes invalid WGSL";
const SUMS =
  "sums of pairs instead of tf.moments, which dispatches too many workgroups, and of tf.addN, which binds too " +
  "many buffers";

export const operations = {
  conv3d: (tf, attributes, inputs) => {
    const x = tensor(tf, inputs.x);
    const weight = tensor(tf, inputs.weight);
    const bias = inputs.bias && asRow(tf, inputs.bias);
    const { stride, padding } = attributes;
    const pads = padsOf(inputs.x.shape, inputs.weight.shape[0], stride, padding);
    return {
      held: [x, weight, bias].filter(Boolean),
      workarounds: [...(bias ? [VECTORS] : []), ...(pads.same ? [] : [PADDING])],
      run: () => {
        const y = conv(tf, x, weight, stride, pads);
        return { y: bias ? tf.add(y, bias) : y };
      },
    };
  },

  conv3dGradInput: (tf, { stride, padding }, inputs) => {
    const gradY = tensor(tf, inputs.gradY);
    const weight = tensor(tf, inputs.weight);
    const [n, d, h, w] = inputs.gradY.shape;
    const shape = [n, d * stride, h * stride, w * stride, inputs.weight.shape[3]];
    const pads = padsOf(shape, inputs.weight.shape[0], stride, padding);
    const inputShape = paddedShape(shape, pads);
    return {
      held: [gradY, weight],
      workarounds: pads.same
        ? []
        : ["the gradient of the padded input, cut: other paddings than its own are not offered"],
      run: () => {
        const gradX = gradInput(tf, gradY, weight, inputShape, stride, pads);
        return { gradX: pads.same ? gradX : tf.slice(gradX, [0, pads.before, pads.before, pads.before, 0], shape) };
      },
    };
  },

  conv3dGradWeight: (tf, { stride, padding }, inputs) => {
    const x = tensor(tf, inputs.x);
    const gradY = tensor(tf, inputs.gradY);
    const kernel = kernelOf(inputs.x.shape[1], inputs.gradY.shape[1], stride, padding);
    const pads = padsOf(inputs.x.shape, kernel, stride, padding);
    const filterShape = [kernel, kernel, kernel, inputs.x.shape[4], inputs.gradY.shape[4]];
    return {
      held: [x, gradY],
      workarounds: pads.same ? [] : [PADDING],
      run: () => ({ gradWeight: gradWeight(tf, pads.same ? x : pad(tf, x, pads), gradY, filterShape, stride, pads) }),
    };
  },

  convTranspose3d: (tf, { stride, padding }, inputs) => {
    const x = tensor(tf, inputs.x);
    // [k, k, k, C out, C in] there.
    const weight = tensor(tf, permute(inputs.weight, [0, 1, 2, 4, 3]));
    const kernel = inputs.weight.shape[0];
    const [n, ...size] = inputs.x.shape.slice(0, 4);
    const shape = [n, ...size.map((side) => (side - 1) * stride - 2 * padding + kernel), inputs.weight.shape[4]];
    const pads = padsOf(shape, kernel, stride, padding);
    if (!pads.same) throw new Error(`conv3dTranspose has no padding ${padding} for kernel ${kernel}, stride ${stride}`);
    return { held: [x, weight], run: () => ({ y: tf.conv3dTranspose(x, weight, shape, stride, "same") }) };
  },

  groupNorm: (tf, { groups, silu, eps }, inputs) => {
    const x = tensor(tf, inputs.x);
    const gamma = asRow(tf, inputs.gamma);
    const beta = asRow(tf, inputs.beta);
    return {
      held: [x, gamma, beta],
      workarounds: [VECTORS],
      run: () => ({ y: groupNorm(tf, x, gamma, beta, groups, eps, silu) }),
    };
  },

  matmul: (tf, _, inputs) => {
    const [a, b] = [tensor(tf, inputs.a), tensor(tf, inputs.b)];
    return { held: [a, b], run: () => ({ y: tf.matMul(a, b) }) };
  },

  matmulGrad: (tf, _, inputs) => {
    const [a, b, gradY] = [tensor(tf, inputs.a), tensor(tf, inputs.b), tensor(tf, inputs.gradY)];
    return {
      held: [a, b, gradY],
      run: () => ({ gradA: tf.matMul(gradY, b, false, true), gradB: tf.matMul(a, gradY, true, false) }),
    };
  },

  attention: (tf, { scale, heads }, inputs) => {
    const qkv = tensor(tf, inputs.qkv);
    const pairBias = inputs.pairBias && tensor(tf, inputs.pairBias);
    const [n, tokens, width] = inputs.qkv.shape;
    const byHead = (x) => tf.transpose(tf.reshape(x, [n, tokens, heads, width / 3 / heads]), [0, 2, 1, 3]);
    return {
      held: [qkv, pairBias].filter(Boolean),
      run: () => {
        const parts = tf.split(qkv, 3, 2);
        const [q, k, v] = heads > 1 ? parts.map(byHead) : parts;
        const scores = tf.mul(tf.matMul(q, k, false, true), scale);
        const y = tf.matMul(tf.softmax(pairBias ? tf.add(scores, pairBias) : scores), v);
        return { y: heads > 1 ? tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [n, tokens, width / 3]) : y };
      },
    };
  },

  rotate: (tf, _, inputs) => {
    const x = tensor(tf, inputs.x);
    const matrix = tensor(tf, inputs.matrix);
    const size = inputs.x.shape[1];
    const points = tf.tidy(() => {
      const axis = tf.sub(tf.range(0, size, 1, "float32"), (size - 1) / 2);
      const along = (shape) => tf.reshape(tf.add(tf.reshape(axis, shape), tf.zeros([size, size, size])), [-1]);
      return tf.stack([along([1, 1, size]), along([1, size, 1]), along([size, 1, 1])], 1);
    });
    return {
      held: [x, matrix, points],
      workarounds: ["trilinear sampling out of eight gathers"],
      run: () => ({ y: rotate(tf, x, matrix, points, size) }),
    };
  },

  variance: (tf, _, inputs) => {
    const [rows, n] = inputs.x.shape;
    const values = inputs.x.data.length / rows;
    const x = Array.from({ length: rows }, (_, k) => {
      return tf.tensor(inputs.x.data.subarray(k * values, (k + 1) * values), [n, values / n]);
    });
    return {
      held: x,
      workarounds: [SUMS],
      run: () => {
        const mean = tf.div(pairwise(tf, x), rows);
        const m2 = pairwise(
          tf,
          x.map((row) => tf.sum(tf.squaredDifference(row, mean), 1)),
        );
        return { mean, m2 };
      },
    };
  },
};

export function tensor(tf, { data, shape }) {
  return tf.tensor(data, [...shape], "float32");
}

export function asRow(tf, { data }) {
  return tf.tensor(data, [1, 1, 1, 1, data.length], "float32");
}

/**
 * Padding before and after each axis. TensorFlow has "same", which puts what is odd behind, and "valid"; `same` says
 * that the former is what is asked for.
 */
export function padsOf(shape, kernel, stride, padding) {
  const out = Math.floor((shape[1] + 2 * padding - kernel) / stride) + 1;
  const total = Math.max((out - 1) * stride + kernel - shape[1], 0);
  const same = out === Math.ceil(shape[1] / stride) && Math.floor(total / 2) === padding;
  return { before: padding, after: total - padding, same };
}

function paddedShape([n, d, h, w, c], pads) {
  const extra = pads.same ? 0 : pads.before + pads.after;
  return [n, d + extra, h + extra, w + extra, c];
}

function kernelOf(size, out, stride, padding) {
  // The smallest kernel that gives `out`; with stride 2 the next one gives it too, and ours are odd.
  const kernel = size + 2 * padding - (out - 1) * stride;
  return stride === 1 || kernel % 2 === 1 ? kernel : kernel - 1;
}

export function conv(tf, x, weight, stride, pads) {
  return tf.conv3d(pads.same ? x : pad(tf, x, pads), weight, stride, pads.same ? "same" : "valid");
}

export function gradInput(tf, dy, filter, inputShape, stride, pads) {
  return run(
    tf,
    "Conv3DBackpropInputV2",
    { dy, filter },
    { inputShape, strides: stride, pad: pads.same ? "same" : "valid" },
  );
}

export function gradWeight(tf, x, dy, filterShape, stride, pads) {
  return run(
    tf,
    "Conv3DBackpropFilterV2",
    { x, dy },
    { filterShape, strides: stride, pad: pads.same ? "same" : "valid" },
  );
}

function run(tf, kernel, inputs, attributes) {
  return tf.engine().runKernel(kernel, inputs, attributes);
}

/** Zeros around the three axes of space. */
export function pad(tf, x, { before, after }) {
  for (const axis of [1, 2, 3]) {
    const zeros = (width) => tf.zeros(x.shape.map((size, i) => (i === axis ? width : size)));
    const parts = [...(before > 0 ? [zeros(before)] : []), x, ...(after > 0 ? [zeros(after)] : [])];
    if (parts.length > 1) x = tf.concat(parts, axis);
  }
  return x;
}

export function groupNorm(tf, x, gamma, beta, groups, eps, silu) {
  const [n, d, h, w, channels] = x.shape;
  const grouped = tf.reshape(x, [n, d * h * w, groups, channels / groups]);
  const { mean, variance } = tf.moments(grouped, [1, 3], true);
  const normed = tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, eps)));
  const y = tf.add(tf.mul(tf.reshape(normed, x.shape), gamma), beta);
  return silu ? tf.mul(y, tf.sigmoid(y)) : y;
}

function rotate(tf, x, matrix, points, size) {
  const [n, , , , channels] = x.shape;
  const voxels = size ** 3;
  const rows = tf.reshape(x, [n, voxels, channels]);
  // R^-1 p as a row is p R.
  const source = tf.add(tf.matMul(points, matrix), (size - 1) / 2);
  const low = tf.floor(source);
  const fractions = tf.split(tf.sub(source, low), 3, 1);
  const corners = tf.split(low, 3, 1);
  let y;
  for (let corner = 0; corner < 8; corner++) {
    let weight;
    let index;
    for (let a = 2; a >= 0; a--) {
      const up = (corner >> a) & 1;
      const at = tf.add(corners[a], up);
      const inside = tf.cast(tf.logicalAnd(tf.greaterEqual(at, 0), tf.less(at, size)), "float32");
      const part = tf.mul(inside, up ? fractions[a] : tf.sub(1, fractions[a]));
      const clamped = tf.clipByValue(at, 0, size - 1);
      weight = weight ? tf.mul(weight, part) : part;
      index = index ? tf.add(tf.mul(index, size), clamped) : clamped;
    }
    const taken = tf.gather(rows, tf.cast(tf.reshape(index, [voxels]), "int32"), 1);
    const term = tf.mul(taken, tf.reshape(weight, [1, voxels, 1]));
    y = y ? tf.add(y, term) : term;
  }
  return y;
}

function pairwise(tf, tensors) {
  while (tensors.length > 1) {
    const next = [];
    for (let i = 0; i + 1 < tensors.length; i += 2) next.push(tf.add(tensors[i], tensors[i + 1]));
    if (tensors.length % 2 === 1) next.push(tensors[tensors.length - 1]);
    tensors = next;
  }
  return tensors[0];
}
