import { beforeAll, describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { adapterId } from "../../src/gpu/tuning.ts";
import { Graph } from "../../src/graph/graph.ts";
import * as operations from "../../src/graph/operations.ts";
import { Plan } from "../../src/graph/plan.ts";
import { conv3d, conv3dGradInput, conv3dGradWeight } from "../../src/kernels/conv3d/conv3d.ts";
import type { CallShape } from "../../src/kernels/kernel.ts";
import { kernelWithVariants } from "../../src/kernels/list.ts";
import { compare } from "../../src/tuning/trial.ts";
import { choiceOf, countCalls, tune } from "../../src/tuning/tune.ts";
import { emptyTuning, parseTuning, withChoices } from "../../src/tuning/tuning.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { withCaps } from "../kernels/capsOf.ts";
import { abs, rounding } from "../kernels/linearOperators.ts";
import * as twin from "../../src/reference/conv3d.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

describe("compare", () => {
  const reference = Float32Array.of(1, -2, 3, 0);

  it("measures the largest error against the largest magnitude", () => {
    expect(compare(Float32Array.of(1, -2, 3, 0), reference, 1e-6)).toEqual({ error: 0, allowed: 3e-6 });
    const { error, allowed } = compare(Float32Array.of(1, -2.5, 3, 0), reference, 1e-6);
    expect(error).toBeGreaterThan(allowed);
  });

  it("lets no NaN through, on either side", () => {
    for (const [values, against] of [
      [Float32Array.of(1, NaN, 3, 0), reference],
      [reference, Float32Array.of(1, -2, NaN, 0)],
    ] as const) {
      const { error, allowed } = compare(values, against, 1);
      expect(error <= allowed).toBe(false);
    }
  });
});

describe("tune", () => {
  /** A convolution and a group norm with gradients. */
  function network(caps: GpuCaps) {
    const graph = new Graph(caps);
    const place = (name: string, shape: number[], seed: number) => {
      const view = gpu.upload(
        name,
        randomArray(
          shape.reduce((a, b) => a * b, 1),
          seed,
        ),
      );
      return { view, tensor: graph.external(name, shape, view) };
    };
    const parameter = (name: string, shape: number[], seed: number) => {
      const view = gpu.upload(
        name,
        randomArray(
          shape.reduce((a, b) => a * b, 1),
          seed,
        ),
      );
      const grad = gpu.upload(`${name} grad`, new Float32Array(shape.reduce((a, b) => a * b, 1)));
      return { tensor: graph.parameter(name, shape, view, grad), view, grad };
    };
    const x = place("x", [2, 6, 6, 6, 4], 1);
    const weight = parameter("weight", [3, 3, 3, 4, 8], 2);
    const gamma = parameter("gamma", [8], 3);
    const beta = parameter("beta", [8], 4);
    const gradY = place("gradY", [2, 6, 6, 6, 8], 5);
    const conv = operations.conv3d(graph, { label: "conv", x: x.tensor, weight: weight.tensor, stride: 1, padding: 1 });
    const y = operations.groupNorm(graph, {
      label: "norm",
      x: conv,
      gamma: gamma.tensor,
      beta: beta.tensor,
      groups: 2,
      silu: true,
    });
    graph.keep(y);
    graph.backward(y, gradY.tensor);
    const views = [x.view, gradY.view, ...[weight, gamma, beta].flatMap(({ view, grad }) => [view, grad])];
    const destroy = () => views.forEach(({ buffer }) => gpu.destroyBuffer(buffer));
    return { graph, y, grads: [weight.grad, gamma.grad, beta.grad], destroy };
  }

  async function runNetwork(caps: GpuCaps) {
    const { graph, y, grads, destroy } = network(caps);
    const plan = await Plan.create(gpu, graph, { label: "network" });
    try {
      plan.run();
      const read = await gpu.read(plan.view(y), ...grads);
      return { calls: [...plan.calls.values()], values: read.map((bytes) => new Float32Array(bytes)) };
    } finally {
      plan.destroy();
      destroy();
    }
  }

  it("finds variants that the next plan runs, with the same results and gradients", async () => {
    const before = gpu.allocatedBytes;
    const plain = await runNetwork(gpu.caps);
    expect(plain.calls.map(({ kernel }) => kernel)).toEqual([
      "conv3d",
      "groupNorm",
      "groupNormGrad",
      "conv3dGradWeight",
    ]);
    const calls = countCalls([{ plan: { calls: new Map(plain.calls.entries()) } }]);
    const { results, left } = await tune(gpu, {
      calls: calls.filter(({ call }) => /^(conv3d|groupNormGrad)$/.test(call.kernel)),
    });
    expect({ left, count: results.length }).toEqual({ left: 0, count: 2 });
    for (const { outcome, wrong, refused, fallbackMs } of results) {
      expect(["faster", "kept", "unsure"]).toContain(outcome);
      expect({ wrong, refused }).toEqual({ wrong: [], refused: [] });
      expect(fallbackMs).toBeGreaterThan(0);
    }
    expect(gpu.allocatedBytes).toBe(before);

    // As from a file. Whatever was the fastest just now, another variant of each call is to run as well.
    const adapter = adapterId(gpu.info);
    const found = withChoices(
      emptyTuning(adapter),
      new Map(results.map((result) => [result.call.key, choiceOf(result)])),
    );
    const others = results.map(({ call }) => {
      const { variants } = kernelWithVariants(call.kernel);
      const variant = variants.of(gpu.caps, call.shape, call.dtype).find(({ name }) => name !== call.fallback)!.name;
      return [call.key, { variant, ms: 1, fallback: call.fallback, fallbackMs: 2 }] as const;
    });
    for (const tuning of [found, withChoices(found, new Map(others))]) {
      const { choices } = parseTuning(JSON.parse(JSON.stringify(tuning)), adapter);
      const names = Object.fromEntries(Object.entries(choices).map(([key, { variant }]) => [key, variant]));
      const tuned = await runNetwork({ ...gpu.caps, choices: names });
      for (const [i, { key, variant, fallback }] of tuned.calls.entries()) {
        expect(variant).toBe(names[key] ?? fallback);
        expect(key).toBe(plain.calls[i]!.key);
      }
      tuned.values.forEach((values, i) => {
        const largest = plain.values[i]!.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        expectClose(values, plain.values[i]!, 1e-5 * largest, `output ${i}`);
      });
    }
    expect(others.length).toBe(2);
  });

  it("leaves gradients right by the float64 twin with any choice", async () => {
    const shape = [2, 5, 6, 7, 6];
    const weightShape = [3, 3, 3, 6, 10];
    const [x, weight, gradY] = [
      { shape, data: randomArray(2 * 5 * 6 * 7 * 6, 1) },
      { shape: weightShape, data: randomArray(27 * 60, 2) },
      { shape: [2, 5, 6, 7, 10], data: randomArray(2 * 5 * 6 * 7 * 10, 3) },
    ];
    const sizes = "2x5x6x7x6 -> 5x6x7x10, k3 s1 p1";
    const turned = "2x5x6x7x10 -> 5x6x7x6, k3 s1 p1 flipped";
    const base = { batch: 2, inD: 5, inH: 6, inW: 7, outD: 5, outH: 6, outW: 7, kernel: 3, stride: 1, pad: 1 };
    const last = (kernel: string, more: CallShape) =>
      kernelWithVariants(kernel)
        .variants.of(gpu.caps, { ...base, ...more }, "f32")
        .at(-1)!.name;
    const choices = {
      [`conv3d ${sizes}`]: last("conv3d", { inC: 6, outC: 10, exchanged: 0, flipped: 0 }),
      [`conv3d ${turned}`]: last("conv3d", { inC: 10, outC: 6, exchanged: 1, flipped: 1 }),
      [`conv3dGradWeight ${sizes}`]: last("conv3dGradWeight", {
        inC: 6,
        outC: 10,
        exchanged: 0,
        flipped: 0,
        transposed: 0,
      }),
    };
    const ran: string[] = [];
    const out = await runKernels(
      gpu,
      { x, weight, gradY },
      {
        y: { shape: gradY.shape },
        gradX: { shape },
        gradWeight: { shape: weightShape, init: new Float32Array(27 * 60) },
      },
      (graph, t) => {
        const ctx = withCaps(graph, { choices });
        const watched = {
          ...ctx,
          dispatch: (d: Parameters<typeof ctx.dispatch>[0]) => {
            if (d.call) ran.push(`${d.call.key}: ${d.call.variant}`);
            ctx.dispatch(d);
          },
        };
        conv3d(watched, { label: "y", x: t.x, weight: t.weight, y: t.y, stride: 1, padding: 1 });
        conv3dGradInput(watched, {
          label: "gx",
          gradY: t.gradY,
          weight: t.weight,
          gradX: t.gradX,
          stride: 1,
          padding: 1,
        });
        conv3dGradWeight(watched, {
          label: "gw",
          x: t.x,
          gradY: t.gradY,
          gradWeight: t.gradWeight,
          stride: 1,
          padding: 1,
        });
      },
    );
    expect(ran.sort()).toEqual(
      Object.entries(choices)
        .map((entry) => entry.join(": "))
        .sort(),
    );
    const forward = (a: twin.Array64, w: twin.Array64) => twin.conv3d(a, w, gradY.shape, 1, 1);
    expectClose(out.y, forward(x, weight), rounding(27 * 6, forward(abs(x), abs(weight))), "y");
    const gradX = (g: twin.Array64, w: twin.Array64) => twin.conv3dGradInput(g, w, shape, 1, 1);
    expectClose(out.gradX, gradX(gradY, weight), rounding(27 * 10, gradX(abs(gradY), abs(weight))), "gradX");
    const gradWeight = (a: twin.Array64, g: twin.Array64) => twin.conv3dGradWeight(a, g, weightShape, 1, 1);
    expectClose(out.gradWeight, gradWeight(x, gradY), rounding(420, gradWeight(abs(x), abs(gradY))), "gradWeight");
  });
});
