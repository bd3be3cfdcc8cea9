import { describe, expect, it } from "vitest";
import { TERMS, type Term } from "../../src/analysis/lossTerms.ts";
import { decomposeSums } from "../../src/equivariance/estimators.ts";
import { OCTAHEDRAL_ORDER, octahedralInverses, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import { Graph } from "../../src/graph/graph.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { Plan } from "../../src/graph/plan.ts";
import { fromTorch } from "../../src/models/layouts.ts";
import { unet3d } from "../../src/models/unet3d.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { relativeError, testGpu } from "../harness.ts";
import { channelsLast } from "./golden.ts";
import { loadLandscape } from "./landscape.ts";

const golden = loadLandscape();
const [samples, size, , , channels] = channelsLast(golden.inputs).shape as [number, number, number, number, number];
const elements = size ** 3 * channels;
/** Arrays are rounded to float32. */
const ROUNDING = 3e-7;

describe("landscape.safetensors", () => {
  it("holds every trained parameter of its network in the order of ours", () => {
    expect([...golden.weights.keys()]).toEqual(unetParameters(golden.config).map(({ name }) => name));
    const count = [...golden.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    expect(count).toBe(golden.parameters);
    const cut = [...golden.pieces(golden.directions[1]!).values()];
    expect(cut.flatMap(({ data }) => [...data])).toEqual([...golden.directions[1]!]);
  });

  it("has the losses of its own spreads and averaged predictions", () => {
    const squares = (of: (i: number) => number, n: number) =>
      sum(Array.from({ length: elements }, (_, i) => of(n * elements + i) ** 2));
    const sums = golden.spread.map((spread, n) => ({
      spread,
      meanError: squares((i) => golden.twirled.data[i]! - golden.targets.data[i]!, n),
      zeroError: squares((i) => golden.targets.data[i]!, n),
    }));
    const found = decomposeSums(sums, { rotations: OCTAHEDRAL_ORDER, elements });
    expect(found.lossEquiv / golden.losses.equiv).toBeCloseTo(1, 12);
    expect(found.lossMean / golden.losses.mean).toBeCloseTo(1, 6);
    expect(found.lossTotal / golden.losses.total).toBeCloseTo(1, 6);
    // A trained network whose terms both count.
    expect(found.lossTotal).toBeLessThan(0.5 * found.lossZero);
    expect(found.percentEquiv).toBeGreaterThan(1);
  });

  it("has terms that add up to the loss: gradients, products, traces", () => {
    const adds = (of: (term: Term) => Float32Array) => {
      const [total, mean, equiv] = TERMS.map(of) as [Float32Array, Float32Array, Float32Array];
      const added = Array.from(mean, (value, i) => value + equiv[i]!);
      expect(relativeError(added, total)).toBeLessThan(ROUNDING);
      // Not because one of them is nothing.
      expect(norm(equiv)).toBeGreaterThan(1e-3 * norm(total));
    };
    adds((term) => golden.gradient(term));
    for (const kind of ["hessian", "gaussNewton"] as const) {
      for (const i of [0, 1]) adds((term) => golden.products(kind, term)[i]!);
      const { total, mean, equiv } = golden[kind];
      expect((mean.trace + equiv.trace) / total.trace).toBeCloseTo(1, 9);
    }
  });

  it("has symmetric matrices: <a, H b> is <b, H a>", () => {
    const [a, b] = golden.directions as [Float32Array, Float32Array];
    for (const kind of ["hessian", "gaussNewton"] as const) {
      for (const term of TERMS) {
        const [ha, hb] = golden.products(kind, term) as [Float32Array, Float32Array];
        const error = Math.abs(dot(a, hb) - dot(b, ha));
        expect(error, `${kind} ${term}`).toBeLessThan(ROUNDING * norm(a) * norm(hb));
      }
    }
  });

  it("has eigenvalues with the trace, the squares and the extremes of its figures", () => {
    for (const term of TERMS) {
      const values = [...golden.eigenvalues(term)];
      const { lambdaMax, lambdaMin, lambdas, trace, frobeniusSquared } = golden.hessian[term];
      expect(values.length).toBe(golden.parameters);
      expect(values).toEqual([...values].sort((p, q) => p - q));
      expect(sum(values) / trace, term).toBeCloseTo(1, 5);
      expect(dot(values, values) / frobeniusSquared, term).toBeCloseTo(1, 5);
      expect([values.at(-1), values[0]]).toEqual([Math.fround(lambdaMax), Math.fround(lambdaMin)]);
      expect(values.slice(-5).reverse()).toEqual(lambdas.map(Math.fround));
      // Curvature goes down somewhere, or signs would not be seen.
      expect(lambdaMin).toBeLessThan(0);
    }
  });

  it("has products within its figures, and Gauss-Newton matrices without negative curvature", () => {
    for (const kind of ["hessian", "gaussNewton"] as const) {
      for (const term of TERMS) {
        const { lambdaMax, lambdaMin, lambdas, trace } = golden[kind][term];
        golden.directions.forEach((v, i) => {
          const curvature = dot(v, golden.products(kind, term)[i]!) / dot(v, v);
          expect(curvature).toBeGreaterThan(lambdaMin);
          expect(curvature).toBeLessThan(lambdaMax);
        });
        if (kind === "hessian") continue;
        expect(lambdaMin).toBeGreaterThan(-1e-12 * lambdaMax);
        expect(sum(lambdas)).toBeLessThan(trace);
      }
    }
  });

  it("has the averaged predictions that our network makes under our rotations", async () => {
    const { data } = await twirled();
    expect(relativeError(data, channelsLast(golden.twirled).data)).toBeLessThan(1e-5);
  });
});

/** Twirled predictions in our layout, on the GPU. */
async function twirled(): Promise<{ data: Float64Array }> {
  const gpu = await testGpu();
  const parameters = unetParameters(golden.config);
  const store = new ParameterStore(gpu, parameters, ["weights"]);
  for (const { name, kind } of parameters) {
    const { shape, data } = golden.weights.get(name)!;
    store.write(name, fromTorch(kind, shape, data).data);
  }
  const inputs = channelsLast(golden.inputs).data;
  const grids = new Float32Array(OCTAHEDRAL_ORDER * inputs.length);
  const at = (n: number, g: number) => (n * OCTAHEDRAL_ORDER + g) * elements;
  const each = (visit: (n: number, g: number) => void) => {
    for (let n = 0; n < samples; n++) for (let g = 0; g < OCTAHEDRAL_ORDER; g++) visit(n, g);
  };
  each((n, g) => {
    grids.set(rotateGridOctahedral(inputs.subarray(n * elements, (n + 1) * elements), size, channels, g), at(n, g));
  });
  const view = gpu.upload("grids", grids);
  const graph = new Graph(gpu.caps);
  const x = graph.external("grids", [samples * OCTAHEDRAL_ORDER, size, size, size, channels], view);
  const output = graph.keep(
    unet3d(graph, golden.config, x, { parameter: store.bind(graph, { constants: "weights" }) }),
  );
  const plan = await Plan.create(gpu, graph, { label: "landscape" });
  plan.run();
  const [raw] = await plan.read(output);
  plan.destroy();
  store.destroy();
  gpu.destroyBuffer(view.buffer);
  const data = new Float64Array(inputs.length);
  each((n, g) => {
    const prediction = (raw as Float32Array).subarray(at(n, g), at(n, g) + elements);
    rotateGridOctahedral(prediction, size, channels, octahedralInverses[g]!).forEach((value, i) => {
      data[n * elements + i]! += value / OCTAHEDRAL_ORDER;
    });
  });
  return { data };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((total, value, i) => total + value * b[i]!, 0);
}

function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a));
}
