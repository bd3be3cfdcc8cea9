// Gradients of the operations on chains, and what they refuse.
import { describe, expect, it } from "vitest";
import { elementCount, type Tensor } from "../../src/gpu/tensor.ts";
import { Graph } from "../../src/graph/graph.ts";
import {
  centre,
  endpoint,
  linear,
  modulate,
  PAIR_TABLE_ROWS,
  pairBias,
  pairBins,
  pairEmbedding,
  repeat,
  reshape,
  scaleRows,
} from "../../src/graph/operations.ts";
import { Plan } from "../../src/graph/plan.ts";
import { randomArray, testGpu } from "../harness.ts";
import { expectGradients, netData, runNet, type Net } from "./netRuns.ts";

const [CHAINS, SIDE, WIDTH] = [2, 5, 6];

const constant = (shape: readonly number[], values: ArrayLike<number>) => ({
  shape,
  values: Float32Array.from(values),
});
/** A token of the first chain and two of the second do not count. */
const MASK = constant([CHAINS, SIDE], [1, 1, 1, 1, 0, 1, 1, 1, 0, 0]);

/** Vectors of a conditioning, gates of a residual connection: two registers in front. */
const GATED: Net = {
  parameters: { scale: [3, WIDTH], shift: [3, WIDTH], gate: [3, WIDTH], inner: [WIDTH, WIDTH] },
  constants: { cond: constant([CHAINS + 1, 3], randomArray(9, 3)), mask: MASK },
  input: [CHAINS, SIDE, WIDTH],
  output: [CHAINS, SIDE, WIDTH],
  build(graph, x, p) {
    const vector = (name: string) => linear(graph, { label: name, x: p("cond"), weight: p(name) });
    const of = { registers: 2, mask: p("mask") };
    const y = modulate(graph, { label: "ada", x, scale: vector("scale"), shift: vector("shift"), ...of });
    const inner = linear(graph, { label: "inner", x: y, weight: p("inner") });
    const sum = modulate(graph, { label: "sum", x: inner, scale: vector("gate"), residual: x, ...of });
    // Neither mask nor registers.
    return modulate(graph, { label: "last", x: sum, shift: vector("shift"), residual: y });
  },
};

/** Velocities from pairs, of which some are of no residues. */
const PAIRS: Net = {
  parameters: { table: [PAIR_TABLE_ROWS, 4], velocity: [SIDE * 4, 3] },
  constants: {
    places: constant([CHAINS, SIDE, 3], randomArray(CHAINS * SIDE * 3, 5)),
    before: constant([CHAINS, SIDE, 3], randomArray(CHAINS * SIDE * 3, 6)),
    residues: constant([CHAINS, SIDE], [0, 1, 1, 1, 0, 0, 1, 1, 1, 1]),
    times: constant([CHAINS], [0.25, 0.5]),
  },
  input: [CHAINS, SIDE, SIDE * 4],
  output: [CHAINS, SIDE, 3],
  build(graph, x, p) {
    const [places, residues] = [p("places"), p("residues")];
    const bins = pairBins(graph, { label: "bins", x: places, previous: p("before"), residues });
    const pair = pairEmbedding(graph, { label: "pair", bins, table: p("table") });
    const rows = reshape(graph, pair, [CHAINS, SIDE, SIDE * 4]);
    const sum = modulate(graph, { label: "sum", x: rows, residual: x, mask: p("residues") });
    const velocity = linear(graph, { label: "velocity", x: sum, weight: p("velocity") });
    const end = endpoint(graph, { label: "end", x: places, velocity, residues, times: p("times") });
    return centre(graph, { label: "centred", x: end, residues });
  },
};

/** Two layers' biases of the same pairs: one has its matrix as it is, one scaled. */
const BIASES: Net = {
  parameters: { plain: [WIDTH, 3], scaled: [WIDTH, 3], gain: [WIDTH] },
  input: [CHAINS, SIDE * SIDE, WIDTH],
  output: [CHAINS, 3, SIDE * SIDE],
  build(graph, x, p) {
    const first = pairBias(graph, { label: "first", x, matrix: p("plain") });
    const matrix = scaleRows(graph, { label: "gain", x: p("scaled"), weight: p("gain") });
    const second = pairBias(graph, { label: "second", x, matrix });
    return modulate(graph, { label: "sum", x: first, residual: second });
  },
};

describe("gradients of", () => {
  it.each([
    ["shared vectors and gates", GATED],
    ["pairs and endpoints", PAIRS],
    ["biases of pairs", BIASES],
  ])("%s are central differences of the whole net", async (_, net) => {
    await expectGradients(net);
  });

  it("pairs are bitwise the same twice", async () => {
    const data = netData(PAIRS);
    const [first, second] = [await runNet(PAIRS, ...data), await runNet(PAIRS, ...data)];
    expect(second.grads).toEqual(first.grads);
  });
});

describe("modulate", () => {
  it("refuses vectors without a row of registers, and masks that are neither of tokens nor of pairs", async () => {
    const graph = new Graph((await testGpu()).caps);
    const x = graph.scratch("x", [3, 9, 4]);
    const scale = graph.scratch("scale", [3, 4]);
    expect(() => modulate(graph, { label: "m", x, scale })).toThrow(/3 samples, no multiple of the 2 chains/);
    expect(() => modulate(graph, { label: "m", x, mask: graph.scratch("mask", [3, 4]) })).toThrow(/'mask' must be/);
    expect(() => modulate(graph, { label: "m", x, registers: 10 })).toThrow(/'registers' is 10/);
  });

  it("refuses masks of other chains than vectors, and gradients through copies", async () => {
    const graph = new Graph((await testGpu()).caps);
    const x = graph.scratch("x", [6, 9, 4]);
    const [scale, mask] = [graph.scratch("scale", [4, 4]), graph.scratch("mask", [2, 9])];
    expect(() => modulate(graph, { label: "m", x, scale, mask })).toThrow(/'mask' must be/);
    expect(() => modulate(graph, { label: "m", x: graph.track(x), scale })).toThrow(
      expect.objectContaining({ code: "unsupported", message: expect.stringContaining("2 samples share") as string }),
    );
  });
});

describe("repeat", () => {
  it.each([
    ["of numbers in groups of four", [2, 3, 4]],
    ["and of others", [10, 3]],
  ])("gives copies of each sample one after the other, %s", async (_, shape) => {
    const gpu = await testGpu();
    const graph = new Graph(gpu.caps);
    const values = randomArray(elementCount(shape), 3);
    const y = repeat(graph, { label: "y", x: graph.external("x", shape, gpu.upload("x", values)), copies: 3 });
    expect(y.shape).toEqual([3 * shape[0]!, ...shape.slice(1)]);
    graph.keep(y);
    const plan = await Plan.create(gpu, graph, { label: "repeat" });
    plan.run();
    const each = values.length / shape[0]!;
    const [found] = await plan.read(y);
    expect(found).toEqual(
      Float32Array.from({ length: 3 * values.length }, (_, at) => {
        return values[Math.floor(at / (3 * each)) * each + (at % each)]!;
      }),
    );
    plan.destroy();
  });

  it("refuses gradients, and copies that are no number", async () => {
    const graph = new Graph((await testGpu()).caps);
    const x = graph.scratch("x", [2, 3]);
    expect(() => repeat(graph, { label: "r", x, copies: 0 })).toThrow(/copies is 0/);
    expect(() => repeat(graph, { label: "r", x: graph.track(x), copies: 2 })).toThrow(/no gradient/);
  });
});

describe("endpoint", () => {
  it("refuses coordinates that are no copies of the chains", async () => {
    const graph = new Graph((await testGpu()).caps);
    const [x, velocity] = [graph.scratch("x", [5, 4, 3]), graph.scratch("velocity", [5, 4, 3])];
    const [residues, times] = [graph.scratch("residues", [2, 4]), graph.scratch("times", [2])];
    expect(() => endpoint(graph, { label: "e", x, velocity, residues, times })).toThrow(/5 samples, no multiple/);
  });
});

describe("pairBias", () => {
  it("adds the gradients of x on the way, and leaves out those that nobody asks for", async () => {
    const graph = new Graph((await testGpu()).caps);
    const [x, fixed] = [graph.track(graph.scratch("x", [2, 9, 4])), graph.scratch("fixed", [4, 2])];
    const trained = graph.track(graph.scratch("trained", [4, 2]));
    const gradient = (y: Tensor) => ({ output: y, gradOutput: graph.scratch("gradY", y.shape) });
    const ends = [fixed, trained].map((matrix, i) => gradient(pairBias(graph, { label: `bias${i}`, x, matrix })));
    graph.backward(ends[0]!.output, ends[0]!.gradOutput, [ends[1]!]);
    const shaders = graph.commands.flatMap((c) => (c.kind === "dispatch" ? [c.dispatch.shader.name] : [c.kind]));
    expect(shaders).not.toContain("add");
    expect(graph.gradOf(x)?.shape).toEqual(x.shape);
    expect(graph.gradOf(trained)?.shape).toEqual(trained.shape);
    expect(graph.gradOf(fixed)).toBeUndefined();
    const only = graph.track(graph.scratch("only", [4, 2]));
    const rows = graph.scratch("rows", [2, 9, 4]);
    const last = gradient(pairBias(graph, { label: "last", x: rows, matrix: only }));
    graph.backward(last.output, last.gradOutput);
    expect(graph.gradOf(only)?.shape).toEqual([4, 2]);
    expect(graph.gradOf(rows)).toBeUndefined();
  });

  it("counts a multiply-add for each pair, column and head, and twice that backward", async () => {
    const graph = new Graph((await testGpu()).caps);
    const [x, matrix] = [graph.track(graph.scratch("x", [2, 70, 4])), graph.track(graph.scratch("m", [4, 9]))];
    const y = pairBias(graph, { label: "bias", x, matrix });
    const flops = () => graph.commands.reduce((sum, c) => sum + (c.kind === "dispatch" ? c.dispatch.flops : 0), 0);
    expect(flops()).toBe(2 * 2 * 70 * 4 * 9);
    const forward = flops();
    graph.backward(y, graph.scratch("gradY", y.shape));
    // The sum of the two blocks of each sample is counted too.
    expect(flops() - forward).toBe(2 * forward + 4 * 36);
  });

  it("refuses matrices of other columns, and pairs that are no rows", async () => {
    const graph = new Graph((await testGpu()).caps);
    const x = graph.scratch("x", [2, 9, 4]);
    const refused = (rows: Tensor, matrix: readonly number[]) => () =>
      pairBias(graph, { label: "bias", x: rows, matrix: graph.scratch("matrix", matrix) });
    expect(refused(x, [5, 2])).toThrow(/bias: 'matrix' must have shape \[4, 2\]/);
    expect(refused(x, [4])).toThrow(/x must be \[b, pairs, P\]/);
    expect(refused(graph.scratch("x", [9, 4]), [4, 2])).toThrow(/x must be \[b, pairs, P\]/);
  });
});

describe("pairs", () => {
  it("refuse tables of other rows, and coordinates that are none", async () => {
    const graph = new Graph((await testGpu()).caps);
    const residues = graph.scratch("residues", [1, 4]);
    const x = graph.scratch("x", [1, 4, 2]);
    expect(() => pairBins(graph, { label: "p", x, residues })).toThrow(/x must be \[b, S, 3\]/);
    const [places, present] = [graph.scratch("places", [1, 4, 3]), graph.scratch("present", [1])];
    expect(() => pairBins(graph, { label: "p", x: places, residues, present })).toThrow(/'present' needs 'previous'/);
    const bins = graph.scratch("bins", [1, 4, 4], "u32");
    const table = graph.scratch("table", [318, 4]);
    expect(() => pairEmbedding(graph, { label: "p", bins, table })).toThrow(/must be \[319, C\]/);
  });
});
