import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { Graph } from "../../src/graph/graph.ts";
import { attention, linear, matmul, queryKeyNorm, reshape, scaleRows, swiglu } from "../../src/graph/operations.ts";
import { testGpu } from "../harness.ts";
import { expectGradients, netData, runNet, type Net } from "./netRuns.ts";

const [N, T, C, HEADS] = [2, 6, 8, 2];

/** A block of a transformer: norms of queries and keys, attention with pair bias and mask, a gate, a SwiGLU layer. */
const TRANSFORMER: Net = {
  parameters: {
    qkv: [C, 3 * C],
    qw: [C / HEADS],
    qb: [C / HEADS],
    kw: [C / HEADS],
    pair: [HEADS, C],
    gate: [C, C],
    out: [C, C],
    up: [C, 4 * C],
    down: [2 * C, C],
    bias: [C],
  },
  constants: {
    // All tokens of the first sample, four of the second's.
    mask: { shape: [N, T], values: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1) },
    ones: { shape: [1, C], values: new Float32Array(C).fill(1) },
  },
  input: [N, T, C],
  output: [N, T, C],
  build(graph, x, p) {
    const projected = linear(graph, { label: "qkv", x, weight: p("qkv") });
    // No bias of keys: it adds the same to all scores of a query, and has no gradient.
    const norms = { queryWeight: p("qw"), queryBias: p("qb"), keyWeight: p("kw") };
    const qkv = queryKeyNorm(graph, { label: "qk", qkv: projected, ...norms, heads: HEADS });
    // A pair bias from outer products: [H, C] with [N, T T, C] of pairs.
    const scores = matmul(graph, { label: "xx", a: x, b: x, transposeB: true, scale: 0.3 });
    const pairs = matmul(graph, { label: "px", a: reshape(graph, scores, [N, T * T, 1]), b: p("ones") });
    const biases = matmul(graph, { label: "pb", a: p("pair"), b: pairs, transposeB: true });
    const pairBias = reshape(graph, biases, [N, HEADS, T, T]);
    const mixed = attention(graph, { label: "att", qkv, heads: HEADS, scale: 0.5, pairBias, mask: p("mask") });
    const gate = matmul(graph, { label: "gate", a: x, b: p("gate"), activation: "sigmoid" });
    const y = matmul(graph, { label: "out", a: mixed, b: p("out"), bias: p("bias"), gate, residual: x });
    const wide = swiglu(graph, { label: "swiglu", x: matmul(graph, { label: "up", a: y, b: p("up") }) });
    return matmul(graph, { label: "down", a: wide, b: p("down"), residual: y });
  },
};

/** Products of every transposition with parameters on both sides, shared by the samples or not, and every epilogue. */
const PRODUCTS: Net = {
  parameters: { a: [4, 5], b: [5, 7], c: [3, 7], d: [N, 3, 4], bias: [7], e: [6, 4] },
  input: [N, 5, 4],
  output: [N, 6, 6],
  build(graph, x, p) {
    // x^T [N, 4, 5] b [5, 7]: shared, with a transposed left factor.
    const first = matmul(graph, { label: "1", a: x, b: p("b"), transposeA: true, bias: p("bias"), activation: "gelu" });
    // c [3, 7] first^T [N, 7, 4]: the left one shared, the right one transposed.
    const second = matmul(graph, { label: "2", a: p("c"), b: first, transposeB: true, activation: "silu" });
    // second^T [N, 4, 3] d [N, 3, 4]: a parameter of each sample.
    const third = matmul(graph, { label: "3", a: second, b: p("d"), transposeA: true, gate: gateOf(graph, x, p("a")) });
    // e [6, 4] third^T [N, 4, 4], scaled; then e^T from the right.
    const fourth = matmul(graph, { label: "4", a: p("e"), b: third, transposeB: true, scale: 0.5 });
    return matmul(graph, { label: "5", a: fourth, b: p("e"), transposeB: true });
  },
};

/** A matrix whose rows have weights, on the left of samples. */
const SCALED: Net = {
  parameters: { w: [4], m: [4, 3] },
  input: [2, 6, 4],
  output: [2, 3, 6],
  build(graph, x, p) {
    const a = scaleRows(graph, { label: "scaled", x: p("m"), weight: p("w") });
    return matmul(graph, { label: "product", a, transposeA: true, b: x, transposeB: true });
  },
};

/** a [4, 5] x [N, 5, 4] */
function gateOf(graph: Graph, x: Tensor, a: Tensor): Tensor {
  return matmul(graph, { label: "g", a, b: x, activation: "sigmoid" });
}

describe("gradients of", () => {
  it.each([
    ["a transformer's block", TRANSFORMER],
    ["products of every kind", PRODUCTS],
    ["a matrix with weighted rows", SCALED],
  ])("%s are central differences of the whole net", async (_, net) => {
    await expectGradients(net);
  });

  it("both are bitwise the same twice", async () => {
    const data = netData(TRANSFORMER);
    const [first, second] = [await runNet(TRANSFORMER, ...data), await runNet(TRANSFORMER, ...data)];
    expect(second.grads).toEqual(first.grads);
  });
});

describe("attention", () => {
  it("has no pair bias beyond one binding: the tensor is refused, with the numbers", async () => {
    const { caps } = await testGpu();
    const graph = new Graph({ ...caps, maxBindingBytes: 2 ** 20 });
    expect(() => graph.scratch("bias", [1, 2, 400, 400])).toThrow(
      expect.objectContaining({ code: "too-large", message: expect.stringMatching(/1280000 bytes.*1048576/) }),
    );
  });

  it("refuses heads that do not divide the channels, and a mask of another shape", async () => {
    const graph = new Graph((await testGpu()).caps);
    const qkv = graph.scratch("qkv", [1, 4, 24]);
    expect(() => attention(graph, { label: "att", qkv, heads: 3, scale: 1 })).toThrow(/'heads' is 3.*C, which is 8/);
    const mask = graph.scratch("mask", [1, 3]);
    expect(() => attention(graph, { label: "att", qkv, scale: 1, mask })).toThrow(/'mask' must have shape \[1, 4\]/);
  });

  it("refuses samples that are no copies of the chains that pair biases and masks are of, and their gradients", async () => {
    const graph = new Graph((await testGpu()).caps);
    const qkv = graph.scratch("qkv", [6, 4, 24]);
    const of = (chains: number) => ({
      pairBias: graph.scratch("bias", [chains, 1, 4, 4]),
      label: "att",
      qkv,
      scale: 1,
    });
    expect(() => attention(graph, of(4))).toThrow(/6 samples, no multiple of the 4 chains that 'pairBias' is of/);
    const mask = graph.scratch("mask", [3, 4]);
    expect(() => attention(graph, { ...of(2), mask })).toThrow(/'mask' must have shape \[2, 4\]/);
    const tracked = { ...of(2), pairBias: graph.track(graph.scratch("bias", [2, 1, 4, 4])) };
    expect(() => attention(graph, tracked)).toThrow(
      expect.objectContaining({ code: "unsupported", message: expect.stringMatching(/3 samples share/) as string }),
    );
  });
});

describe("matmul", () => {
  it("refuses factors that do not fit, naming what is wrong", async () => {
    const graph = new Graph((await testGpu()).caps);
    const [a, b] = [graph.scratch("a", [2, 3, 4]), graph.scratch("b", [2, 5, 6])];
    expect(() => matmul(graph, { label: "p", a, b })).toThrow(/over 4 of a and 5 of b/);
    const other = graph.scratch("b", [3, 4, 6]);
    expect(() => matmul(graph, { label: "p", a, b: other })).toThrow(/axes before the matrices/);
    expect(() => matmul(graph, { label: "p", a, b: graph.scratch("b", [4]) })).toThrow(/'b' must be a matrix/);
    const bias = graph.scratch("bias", [5]);
    expect(() => matmul(graph, { label: "p", a, b: graph.scratch("b", [4, 6]), bias })).toThrow(/'bias'.*\[6\]/);
  });
});
