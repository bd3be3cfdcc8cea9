import { beforeAll, describe, expect, it } from "vitest";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { Graph } from "../../src/graph/graph.ts";
import {
  concatChannels,
  conv3d,
  gelu,
  groupNorm,
  layerNorm,
  linear,
  reshape,
  rmsNorm,
  sigmoid,
  silu,
} from "../../src/graph/operations.ts";
import { Plan } from "../../src/graph/plan.ts";
import { relativeError, testGpu } from "../harness.ts";
import { expectGradients, netData, runNet, type Net } from "./netRuns.ts";

describe("graph", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  /** A small net that uses one tensor four times: residual, concatenation (both sides' convolution) and shortcut. */
  function net(graph: Graph, x: Tensor, p: (name: string) => Tensor): Tensor {
    const a = conv3d(graph, { label: "a", x, weight: p("a"), bias: p("ab"), stride: 1, padding: 1 });
    const h = groupNorm(graph, { label: "n", x: a, gamma: p("g"), beta: p("be"), groups: 2, silu: true });
    const b = conv3d(graph, { label: "b", x: h, weight: p("b"), addend: a, stride: 1, padding: 1 });
    const c = concatChannels(graph, { label: "c", a, b });
    const tokens = reshape(graph, c, [2, 64, 8]);
    const normed = layerNorm(graph, { label: "ln", x: tokens, weight: p("lw"), bias: p("lb") });
    const active = silu(graph, { label: "s", x: rmsNorm(graph, { label: "rn", x: normed, weight: p("rw") }) });
    const gated = sigmoid(graph, { label: "o", x: gelu(graph, { label: "e", x: active }) });
    const mixed = linear(graph, { label: "l", x: gated, weight: p("l") });
    const back = reshape(graph, mixed, [2, 4, 4, 4, 4]);
    return conv3d(graph, { label: "d", x: back, weight: p("d"), addend: a, stride: 1, padding: 0 });
  }

  const shapes: Record<string, number[]> = {
    a: [3, 3, 3, 3, 4],
    ab: [4],
    g: [4],
    be: [4],
    b: [3, 3, 3, 4, 4],
    lw: [8],
    lb: [8],
    rw: [8],
    l: [8, 4],
    d: [1, 1, 1, 4, 4],
  };
  const NET: Net = { parameters: shapes, input: [2, 4, 4, 4, 3], output: [2, 4, 4, 4, 4], build: net };

  it("adds up every path of a gradient", async () => {
    await expectGradients(NET);
  });

  it("gives bitwise the same in two plans", async () => {
    const data = netData(NET);
    const [first, second] = [await runNet(NET, ...data), await runNet(NET, ...data)];
    expect(second.loss).toBe(first.loss);
    for (const name of Object.keys(shapes)) expect(second.grads[name]).toEqual(first.grads[name]);
  });

  it("accumulates parameter gradients over parts of a batch", async () => {
    const [weights, x, target] = netData(NET);
    const whole = await runNet(NET, weights, x, target);
    const twice = (part: number, data: Float32Array) => {
      const half = data.slice((part * data.length) / 2, ((part + 1) * data.length) / 2);
      return Float32Array.of(...half, ...half);
    };
    // Each half, given twice, counts twice: the mean over both halves is the whole.
    const parts = await Promise.all([0, 1].map((part) => runNet(NET, weights, twice(part, x), twice(part, target))));
    for (const name of Object.keys(shapes)) {
      const sum = parts[0]!.grads[name]!.map((g, i) => (g + parts[1]!.grads[name]![i]!) / 2);
      expect(relativeError(sum, whole.grads[name]!), name).toBeLessThan(1e-5);
    }
  });

  it("refuses shapes that do not fit, naming the operation", () => {
    const graph = new Graph(gpu.caps);
    const x = graph.scratch("x", [1, 4, 4, 4, 3]);
    const weight = graph.scratch("w", [3, 3, 3, 5, 4]);
    expect(() => conv3d(graph, { label: "unet/stem", x, weight, stride: 1, padding: 1 })).toThrow(/^unet\/stem.*3.*5/);
    expect(() => reshape(graph, x, [7])).toThrow(/192|\[7\]/);
    expect(() => graph.scratch("empty", [0, 3])).toThrow(/positive/);
    const view = { buffer: { size: 8 } as GPUBuffer, offset: 0, size: 8 };
    expect(() => graph.external("short", [3], view)).toThrow(/12 bytes, its buffer range has 8/);
  });

  it("refuses a trained parameter in the place of an activation", () => {
    const graph = new Graph(gpu.caps);
    const view = { buffer: { size: 4096 } as GPUBuffer, offset: 0, size: 4096 };
    const p = graph.parameter("p", [1, 2, 2, 2, 4], view, view);
    const weight = graph.parameter("w", [1, 1, 1, 4, 4], view, view);
    const y = conv3d(graph, { label: "c", x: p, weight, stride: 1, padding: 0 });
    expect(() => graph.backward(y, graph.scratch("g", y.shape))).toThrow(/'p' is used where an activation belongs/);
  });

  it("stores activations and their gradients in half precision where it is told to, all else in f32", () => {
    const build = (precision: "f32" | "f16") => {
      const graph = new Graph({ ...gpu.caps, f16: true }, { precision });
      const view = { buffer: { size: 1 << 20 } as GPUBuffer, offset: 0, size: 1 << 20 };
      const parameters = Object.entries(shapes).map(([name, shape]) => [
        name,
        graph.parameter(name, shape, view, view),
      ]);
      const bound = Object.fromEntries(parameters) as Record<string, Tensor>;
      const y = net(graph, graph.track(graph.scratch("x", [2, 4, 4, 4, 3])), (name) => bound[name]!);
      graph.backward(y, graph.scratch("gradY", y.shape, y.dtype));
      const tensors = graph.commands.flatMap((c) => (c.kind === "dispatch" ? Object.values(c.dispatch.bindings) : []));
      return new Map(tensors.map((tensor) => [`${tensor.label} ${tensor.shape}`, tensor.dtype]));
    };
    const [single, half] = [build("f32"), build("f16")];
    // What stands for sums in parts that are not there is bound in half precision alone.
    expect([...half.keys()].filter((name) => !/ no sums /.test(name))).toEqual([...single.keys()]);
    expect(new Set(single.values())).toEqual(new Set(["f32"]));
    for (const [name, dtype] of half) {
      // Grids and tokens but those that the caller gave; what stands for an addend that is not there goes with the
      // output.
      if (!/ no addend /.test(name)) {
        expect(dtype, name).toBe(/^(?!x ).* (2,4,4,4|1,1,2,64|2,64),\d$/.test(name) ? "f16" : "f32");
      }
    }
  });

  it("refuses half precision where the adapter lacks it, and gradients of another type", () => {
    const lacking = () => new Graph({ ...gpu.caps, f16: false }, { precision: "f16" });
    expect(lacking).toThrow(expect.objectContaining({ code: "unsupported", fix: expect.stringContaining("doctor") }));
    const graph = new Graph({ ...gpu.caps, f16: true }, { precision: "f16" });
    const x = graph.track(graph.activation("x", [4]));
    expect(() => graph.backward(x, graph.scratch("g", [4]))).toThrow(/'x' is f16, its gradient 'g' f32/);
  });

  it("refuses half precision that a shader does not know, and f32 where it reads f16", async () => {
    const code = (type: string) => `enable f16;
alias T = ${type};
@group(0) @binding(0) var<storage, read_write> a: array<T>;
@compute @workgroup_size(1) fn main() { a[0] = T(1); }`;
    for (const [type, dtype] of [
      ["f32", "f16"],
      ["f16", "f32"],
    ] as const) {
      const graph = new Graph(gpu.caps);
      const shader = { name: "one", code: code(type) };
      const bindings = { a: graph.scratch("x", [4], dtype) };
      graph.dispatch({ label: "one", shader, bindings, workgroups: [1, 1, 1], flops: 0, bytes: 0 });
      await expect(Plan.create(gpu, graph, { label: "test" })).rejects.toThrow(/'a' holds (no )?f16, 'x' is f(16|32)/);
    }
  });

  it("refuses one tensor bound twice in a dispatch, an alias too", async () => {
    const graph = new Graph(gpu.caps);
    const x = graph.scratch("x", [4, 4]);
    const shader = {
      name: "two",
      code:
        "@group(0) @binding(0) var<storage, read> a: array<f32>;\n" +
        "@group(0) @binding(1) var<storage, read_write> b: array<f32>;\n" +
        "@compute @workgroup_size(1) fn main() { b[0] = a[0]; }",
    };
    graph.dispatch({
      label: "two",
      shader,
      bindings: { a: x, b: graph.alias(x, [16]) },
      workgroups: [1, 1, 1],
      flops: 0,
      bytes: 0,
    });
    await expect(Plan.create(gpu, graph, { label: "test" })).rejects.toThrow(/bound as 'a' and as 'b'/);
  });
});
