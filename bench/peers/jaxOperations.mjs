// The operations of ../protocol.ts in jax-js. Each gives { run, read, dispose }: run(previous) returns the outputs by
// name, `read` brings an output, as { shape, data }, back into the files' layout where it is in another.
//
// In jax-js a function consumes its arguments unless they are passed as `.ref`. Inside a jitted function that is only
// bookkeeping of the trace, so everything is passed as `.ref` there.
import { channelsFirst, channelsLast, CONV_AXES, CONV_AXES_BACK, CONV_TRANSPOSE_AXES, permute } from "./arrays.mjs";

const last = (tensor) => channelsLast(tensor).data;

export const operations = {
  conv3d: (jax, { stride, padding }, { x, weight, bias }) => {
    const conv = (x, w) => convolve(jax, x, w, stride, padding);
    const inputs = [channelsFirst(x), permute(weight, CONV_AXES), ...(bias ? [column(bias)] : [])];
    return jitted(jax, inputs, (x, w, b) => ({ y: b ? conv(x, w).add(b.ref) : conv(x, w) }), { y: last });
  },

  conv3dGradInput: (jax, { stride, padding }, { gradY, weight }) => {
    const inputs = [channelsFirst(gradY), permute(weight, CONV_AXES)];
    const [n, , ...space] = inputs[0].shape;
    const shape = [n, weight.shape[3], ...space.map((size) => size * stride)];
    const backward = (gradY, w) => {
      const [, pull] = jax.vjp((x) => convolve(jax, x, w, stride, padding), [jax.numpy.zeros(shape)]);
      return { gradX: pull(gradY.ref)[0] };
    };
    return jitted(jax, inputs, backward, { gradX: last });
  },

  conv3dGradWeight: (jax, { stride, padding }, { x, gradY }) => {
    const inputs = [channelsFirst(x), channelsFirst(gradY)];
    let kernel = x.shape[1] + 2 * padding - (gradY.shape[1] - 1) * stride;
    // With stride 2 two kernels give this output; ours are odd.
    if (stride === 2 && kernel % 2 === 0) kernel--;
    const shape = [gradY.shape[4], x.shape[4], kernel, kernel, kernel];
    const backward = (x, gradY) => {
      const [, pull] = jax.vjp((w) => convolve(jax, x, w, stride, padding), [jax.numpy.zeros(shape)]);
      return { gradWeight: pull(gradY.ref)[0] };
    };
    return jitted(jax, inputs, backward, { gradWeight: (tensor) => permute(tensor, CONV_AXES_BACK).data });
  },

  convTranspose3d: (jax, { stride, padding }, { x, weight }) => {
    const inputs = [channelsFirst(x), permute(weight, CONV_TRANSPOSE_AXES)];
    return jitted(jax, inputs, (x, w) => ({ y: convTranspose(jax, x, w, stride, padding) }), { y: last });
  },

  groupNorm: (jax, { groups, eps, silu }, { x, gamma, beta }) => {
    const inputs = [channelsFirst(x), column(gamma), column(beta)];
    return jitted(jax, inputs, (x, a, b) => ({ y: groupNorm(jax, x, a, b, groups, eps, silu) }), { y: last });
  },

  matmul: (jax, _, { a, b }) => {
    return jitted(jax, [a, b], (a, b) => ({ y: jax.numpy.matmul(a.ref, b.ref) }), {});
  },

  matmulGrad: (jax, _, { a, b, gradY }) => {
    const { numpy: np } = jax;
    const transposed = (x) => np.transpose(x.ref, [0, 2, 1]);
    const backward = (a, b, gradY) => ({
      gradA: np.matmul(gradY.ref, transposed(b)),
      gradB: np.matmul(transposed(a), gradY.ref),
    });
    return jitted(jax, [a, b, gradY], backward, {});
  },

  attention: (jax, { scale, heads }, { qkv, pairBias }) => {
    const attend = (x, bias) => ({ y: attended(jax, x, bias, scale, heads) });
    return jitted(jax, pairBias ? [qkv, pairBias] : [qkv], attend, {});
  },

  attentionGrad: (jax, { scale, heads }, { qkv, pairBias, gradY }) => {
    const names = pairBias ? ["gradQkv", "gradPairBias"] : ["gradQkv"];
    const inputs = pairBias ? [qkv, pairBias] : [qkv];
    const backward = (gradY, ...at) => {
      const [, pull] = jax.vjp(
        (x, bias) => attended(jax, x, bias, scale, heads),
        at.map((x) => x.ref),
      );
      const grads = pull(gradY.ref);
      return Object.fromEntries(names.map((name, i) => [name, grads[i]]));
    };
    return jitted(jax, [gradY, ...inputs], backward, {});
  },

  rotate: (jax, _, { x, matrix }) => {
    const [n, size, , , channels] = x.shape;
    const rows = { shape: [n, size ** 3, channels], data: x.data };
    const points = { shape: [size ** 3, 3], data: centredPoints(size) };
    const inputs = [rows, matrix, points];
    return jitted(jax, inputs, (x, m, p) => ({ y: rotate(jax, x, m, p, size) }), {}, [
      "trilinear sampling out of eight takes",
    ]);
  },

  variance: (jax, _, { x }) => {
    const { numpy: np } = jax;
    const [rows, n] = x.shape;
    const inputs = [{ shape: [rows, n, x.data.length / rows / n], data: x.data }];
    const moments = (x) => {
      const mean = np.mean(x.ref, 0);
      return { mean: mean.ref, m2: np.sum(np.square(x.ref.sub(mean.ref)), [0, 2]) };
    };
    return jitted(jax, inputs, moments, {});
  },
};

/** Heads lie one after the other along the channels of queries, keys and values. */
function attended(jax, x, bias, scale, heads) {
  const { numpy: np, nn } = jax;
  const [n, tokens, width] = x.shape;
  const channels = width / 3;
  const part = (i) => {
    const cut = x.ref.slice([], [], [i * channels, (i + 1) * channels]);
    return heads > 1 ? np.transpose(cut.reshape([n, tokens, heads, channels / heads]), [0, 2, 1, 3]) : cut;
  };
  const scores = np.matmul(part(0), np.transpose(part(1), heads > 1 ? [0, 1, 3, 2] : [0, 2, 1])).mul(scale);
  const y = np.matmul(nn.softmax(bias ? scores.add(bias.ref) : scores, -1), part(2));
  return heads > 1 ? np.transpose(y, [0, 2, 1, 3]).reshape([n, tokens, channels]) : y;
}

/** An array on the default device. */
export function upload(jax, { shape, data }) {
  return jax.numpy.array(data).reshape([...shape]);
}

/** A vector of the channels against [N, C, D, H, W]. */
export function column({ data }) {
  return { shape: [data.length, 1, 1, 1], data };
}

function jitted(jax, inputs, f, read, workarounds = []) {
  const compiled = jax.jit(f);
  const held = inputs.map((input) => upload(jax, input));
  return {
    workarounds,
    read,
    run: () => compiled(...held.map((array) => array.ref)),
    dispose() {
      for (const array of held) array.dispose();
      compiled.dispose?.();
    },
  };
}

export function convolve(jax, x, w, stride, padding) {
  const pairs = [0, 1, 2].map(() => [padding, padding]);
  return jax.lax.convGeneralDilated(x.ref, w.ref, [stride, stride, stride], pairs);
}

export function convTranspose(jax, x, w, stride, padding) {
  const pairs = [0, 1, 2].map(() => [padding, padding]);
  return jax.lax.convTranspose(x.ref, w.ref, [stride, stride, stride], pairs, { transposeKernel: true });
}

export function groupNorm(jax, x, gamma, beta, groups, eps, silu) {
  const { numpy: np, nn } = jax;
  const { shape } = x;
  const grouped = x.ref.reshape([shape[0], groups, -1]);
  const centred = grouped.ref.sub(np.mean(grouped.ref, 2, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), 2, { keepdims: true });
  const normed = centred.ref.mul(np.reciprocal(np.sqrt(variance.add(eps)))).reshape([...shape]);
  const y = normed.mul(gamma.ref).add(beta.ref);
  return silu ? nn.silu(y) : y;
}

function rotate(jax, x, matrix, points, size) {
  const { numpy: np } = jax;
  // R^-1 p as a row is p R.
  const source = np.matmul(points.ref, matrix.ref).add((size - 1) / 2);
  const axes = [0, 1, 2].map((a) => source.ref.slice([], a));
  const low = axes.map((at) => np.floor(at.ref));
  const fraction = axes.map((at, a) => at.ref.sub(low[a].ref));
  let y;
  for (let corner = 0; corner < 8; corner++) {
    let weight;
    let index;
    for (let a = 2; a >= 0; a--) {
      const up = (corner >> a) & 1;
      const at = low[a].ref.add(up);
      const inside = np.greaterEqual(at.ref, 0).mul(np.less(at.ref, size)).astype(np.float32);
      const part = inside.mul(up ? fraction[a].ref : fraction[a].ref.mul(-1).add(1));
      const clamped = np.clip(at.ref, 0, size - 1).astype(np.int32);
      weight = weight ? weight.mul(part) : part;
      index = index ? index.mul(size).add(clamped) : clamped;
    }
    const term = np.take(x.ref, index, 1).mul(weight.reshape([1, -1, 1]));
    y = y ? y.add(term) : term;
  }
  return y;
}

/** Rows of x, y, z relative to the centre, with x running fastest. */
function centredPoints(size) {
  const points = new Float32Array(3 * size ** 3);
  for (let i = 0; i < size ** 3; i++) {
    [i % size, Math.floor(i / size) % size, Math.floor(i / size ** 2)].forEach((at, a) => {
      points[3 * i + a] = at - (size - 1) / 2;
    });
  }
  return points;
}
