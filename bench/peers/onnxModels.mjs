// The operations of ../protocol.ts as ONNX graphs. Each gives { graph, feeds, read }: the graph, its inputs as { shape,
// data } by name, and for each output the function that brings { shape, data } back into the files' layout. Weights
// are constants of the graph; what a weight is applied to is an input, so that nothing can be computed beforehand.
import { channelsFirst, channelsLast, CONV_AXES, CONV_TRANSPOSE_AXES, permute } from "./arrays.mjs";
import { OnnxGraph } from "./onnx.mjs";
import { NORM_EPS, UNET_GROUPS, unetU } from "./unet.mjs";

const asIs = ({ data }) => data;
const last = (tensor) => channelsLast(tensor).data;

export const models = {
  conv3d: ({ stride, padding }, { x, weight, bias }) => {
    const graph = new OnnxGraph();
    const w = graph.constant("weight", permute(weight, CONV_AXES));
    const parameters = bias ? [w, graph.constant("bias", bias)] : [w];
    const feed = channelsFirst(x);
    const [n, , ...space] = feed.shape;
    const kernel = weight.shape[0];
    graph.node("Conv", [graph.input("x", feed.shape), ...parameters], convAttributes(kernel, stride, padding), "y");
    graph.output("y", [
      n,
      weight.shape[4],
      ...space.map((size) => Math.floor((size + 2 * padding - kernel) / stride) + 1),
    ]);
    return { graph, feeds: { x: feed }, read: { y: last } };
  },

  conv3dGradInput: ({ stride, padding }, { gradY, weight }) => {
    const graph = new OnnxGraph();
    const feed = channelsFirst(gradY);
    const [n, , ...space] = feed.shape;
    const kernel = weight.shape[0];
    // The input's sizes are multiples of the stride here; the last window may end before the padding does.
    const rest = stride - (kernel - 2 * padding);
    const attributes = { ...convAttributes(kernel, stride, padding), output_padding: Array(3).fill(rest) };
    const w = graph.constant("weight", permute(weight, CONV_AXES));
    graph.node("ConvTranspose", [graph.input("gradY", feed.shape), w], attributes, "gradX");
    graph.output("gradX", [n, weight.shape[3], ...space.map((size) => size * stride)]);
    return { graph, feeds: { gradY: feed }, read: { gradX: last } };
  },

  convTranspose3d: ({ stride, padding }, { x, weight }) => {
    const graph = new OnnxGraph();
    const feed = channelsFirst(x);
    const [n, , ...space] = feed.shape;
    const kernel = weight.shape[0];
    const w = graph.constant("weight", permute(weight, CONV_TRANSPOSE_AXES));
    graph.node("ConvTranspose", [graph.input("x", feed.shape), w], convAttributes(kernel, stride, padding), "y");
    graph.output("y", [n, weight.shape[4], ...space.map((size) => (size - 1) * stride - 2 * padding + kernel)]);
    return { graph, feeds: { x: feed }, read: { y: last } };
  },

  groupNorm: ({ groups, eps, silu }, { x, gamma, beta }) => {
    const graph = new OnnxGraph();
    const feed = channelsFirst(x);
    const name = graph.input("x", feed.shape);
    const y = groupNorm(graph, name, feed.shape, "norm", gamma, beta, groups, eps, silu);
    graph.node("Identity", [y], {}, "y");
    graph.output("y", feed.shape);
    return { graph, feeds: { x: feed }, read: { y: last } };
  },

  matmul: (_, { a, b }) => {
    const graph = new OnnxGraph();
    // A single right factor is a weight, as in a linear layer.
    const isWeight = b.shape[0] === 1;
    const right = isWeight ? graph.constant("b", { shape: b.shape.slice(1), data: b.data }) : graph.input("b", b.shape);
    graph.node("MatMul", [graph.input("a", a.shape), right], {}, "y");
    graph.output("y", [...a.shape.slice(0, 2), b.shape[2]]);
    return { graph, feeds: isWeight ? { a } : { a, b }, read: { y: asIs } };
  },

  matmulGrad: (_, { a, b, gradY }) => {
    const graph = new OnnxGraph();
    const transposed = (name) => graph.node("Transpose", [name], { perm: [0, 2, 1] });
    const [left, right, outer] = Object.entries({ a, b, gradY }).map(([name, { shape }]) => graph.input(name, shape));
    graph.node("MatMul", [outer, transposed(right)], {}, "gradA");
    graph.node("MatMul", [transposed(left), outer], {}, "gradB");
    graph.output("gradA", a.shape);
    graph.output("gradB", b.shape);
    return { graph, feeds: { a, b, gradY }, read: { gradA: asIs, gradB: asIs } };
  },

  attention: ({ scale, heads }, { qkv, pairBias }) => {
    const graph = new OnnxGraph();
    const [n, tokens, width] = qkv.shape;
    const parts = graph.node("Split", [graph.input("qkv", qkv.shape)], { axis: 2, num_outputs: 3 }, ["q", "k", "v"]);
    // Of one head the parts are the matrices; of several their channels are cut first.
    const cut = graph.integers("heads", [n, tokens, heads, width / 3 / heads]);
    const byHead = (name) => graph.node("Transpose", [graph.node("Reshape", [name, cut])], { perm: [0, 2, 1, 3] });
    const [q, k, v] = heads > 1 ? parts.map(byHead) : parts;
    const perm = heads > 1 ? [0, 1, 3, 2] : [0, 2, 1];
    const scores = graph.node("MatMul", [q, graph.node("Transpose", [k], { perm })]);
    const scaled = graph.node("Mul", [scores, graph.scalar("scale", scale)]);
    const biased = pairBias ? graph.node("Add", [scaled, graph.input("pairBias", pairBias.shape)]) : scaled;
    const y = graph.node("MatMul", [graph.node("Softmax", [biased], { axis: -1 }), v], {}, heads > 1 ? "byHead" : "y");
    if (heads > 1) {
      const tokensFirst = graph.node("Transpose", [y], { perm: [0, 2, 1, 3] });
      graph.node("Reshape", [tokensFirst, graph.integers("joined", [n, tokens, width / 3])], {}, "y");
    }
    graph.output("y", [n, tokens, width / 3]);
    return { graph, feeds: pairBias ? { qkv, pairBias } : { qkv }, read: { y: asIs } };
  },

  rotate: (_, { x, matrix }) => {
    const graph = new OnnxGraph();
    const feed = channelsFirst(x);
    const [n, , size] = feed.shape;
    const points = graph.constant("points", { shape: [size ** 3, 3], data: gridPoints(size) });
    // R^-1 p as a row is p R; all axes have one length, so it may as well be in coordinates from -1 to 1.
    const source = graph.node("MatMul", [points, graph.input("matrix", [3, 3])]);
    const shaped = graph.node("Reshape", [source, graph.integers("shape", [1, size, size, size, 3])]);
    const grid = graph.node("Expand", [shaped, graph.integers("batch", [n, size, size, size, 3])]);
    const attributes = { mode: "linear", padding_mode: "zeros", align_corners: 1 };
    graph.node("GridSample", [graph.input("x", feed.shape), grid], attributes, "y");
    graph.output("y", feed.shape);
    return { graph, feeds: { x: feed, matrix }, read: { y: last } };
  },

  variance: (_, { x }) => {
    const graph = new OnnxGraph();
    const [rows, n, ...rest] = x.shape;
    const width = rest.reduce((product, value) => product * value, 1);
    const name = graph.input("x", [rows, n, width]);
    graph.node("ReduceMean", [name, graph.integers("rows", [0])], { keepdims: 0 }, "mean");
    const difference = graph.node("Sub", [name, "mean"]);
    const square = graph.node("Mul", [difference, difference]);
    graph.node("ReduceSum", [square, graph.integers("others", [0, 2])], { keepdims: 0 }, "m2");
    graph.output("mean", [n, width]);
    graph.output("m2", [n]);
    return { graph, feeds: { x: { shape: [rows, n, width], data: x.data } }, read: { mean: asIs, m2: asIs } };
  },

  unet: ({ groups = UNET_GROUPS }, inputs) => {
    const graph = new OnnxGraph();
    const feed = channelsFirst(inputs.x);
    const layers = unetLayers(graph, inputs, groups);
    const y = unetU(layers, (name) => name in inputs, { name: graph.input("x", feed.shape), shape: feed.shape });
    graph.node("Identity", [y.name], {}, "y");
    graph.output("y", y.shape);
    return { graph, feeds: { x: feed }, read: { y: last } };
  },
};

function convAttributes(kernel, stride, padding) {
  const three = (value) => [value, value, value];
  return { kernel_shape: three(kernel), strides: three(stride), pads: Array(6).fill(padding) };
}

/** As PyTorch exports it: an instance norm of the groups, then the affine map of the channels. */
function groupNorm(graph, x, shape, label, gamma, beta, groups, eps, silu) {
  const [n, channels] = shape;
  const value = (name, length, number) => {
    return graph.constant(`${label}.${name}`, { shape: [length], data: new Float32Array(length).fill(number) });
  };
  const perChannel = (name, { data }) => graph.constant(`${label}.${name}`, { shape: [channels, 1, 1, 1], data });
  const grouped = graph.node("Reshape", [x, graph.integers(`${label}.grouped`, [n, groups, -1])]);
  const unit = [value("one", groups, 1), value("zero", groups, 0)];
  const normed = graph.node("InstanceNormalization", [grouped, ...unit], { epsilon: { float: eps } });
  const shaped = graph.node("Reshape", [normed, graph.integers(`${label}.shape`, shape)]);
  const scaled = graph.node("Mul", [shaped, perChannel("gamma", gamma)]);
  const y = graph.node("Add", [scaled, perChannel("beta", beta)]);
  return silu ? graph.node("Mul", [y, graph.node("Sigmoid", [y])]) : y;
}

/** Activations are { name, shape }, channels first. */
function unetLayers(graph, inputs, groups) {
  const weighted = (name, axes) => [
    graph.constant(`${name}.weight`, permute(inputs[`${name}.weight`], axes)),
    graph.constant(`${name}.bias`, inputs[`${name}.bias`]),
  ];
  return {
    conv: (name, { name: x, shape: [n, , ...space] }, kernel, stride) => ({
      name: graph.node("Conv", [x, ...weighted(name, CONV_AXES)], convAttributes(kernel, stride, kernel >> 1)),
      shape: [n, inputs[`${name}.bias`].data.length, ...space.map((size) => size / stride)],
    }),
    convTranspose: (name, { name: x, shape: [n, , ...space] }) => ({
      name: graph.node("ConvTranspose", [x, ...weighted(name, CONV_TRANSPOSE_AXES)], convAttributes(4, 2, 1)),
      shape: [n, inputs[`${name}.bias`].data.length, ...space.map((size) => 2 * size)],
    }),
    normSilu: (name, { name: x, shape }) => ({
      name: groupNorm(graph, x, shape, name, inputs[`${name}.weight`], inputs[`${name}.bias`], groups, NORM_EPS, true),
      shape,
    }),
    concat: (a, b) => ({
      name: graph.node("Concat", [a.name, b.name], { axis: 1 }),
      shape: [a.shape[0], a.shape[1] + b.shape[1], ...a.shape.slice(2)],
    }),
    add: (a, b) => ({ name: graph.node("Add", [a.name, b.name]), shape: a.shape }),
  };
}

/** Voxels' places in coordinates from -1 to 1, rows of x, y, z, with x running fastest. */
function gridPoints(size) {
  const at = (i) => (2 * i) / (size - 1) - 1;
  const points = new Float32Array(3 * size ** 3);
  for (let i = 0; i < size ** 3; i++) {
    points[3 * i] = at(i % size);
    points[3 * i + 1] = at(Math.floor(i / size) % size);
    points[3 * i + 2] = at(Math.floor(i / size ** 2));
  }
  return points;
}
