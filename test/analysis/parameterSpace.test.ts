import { beforeAll, describe, expect, it } from "vitest";
import {
  parameterSpace,
  parameterSpaceCost,
  type ParameterSpace,
  type ParameterSpaceOptions,
} from "../../src/analysis/parameterSpace.ts";
import { projectWeights } from "../../src/analysis/perpendicular.ts";
import { decomposeSums } from "../../src/equivariance/estimators.ts";
import { tinyConvTerms } from "./tinyConvTerms.ts";

/** L_equiv at theta(s), also beyond the line's ends. */
function lossEquivOf(terms: ReturnType<typeof tinyConvTerms>) {
  const projected = projectWeights(terms.layout, terms.weights);
  return async (s: number) => {
    const at = projected.map((value, i) => value + s * (terms.weights[i]! - value));
    return decomposeSums(await terms.sums(at), terms.sampling).lossEquiv;
  };
}

describe.each(["k4s2", "k2s2"] as const)("the line to the projected weights of a %s net", (down) => {
  const terms = tinyConvTerms(down);
  let result: ParameterSpace;
  beforeAll(async () => {
    result = await parameterSpace(terms);
  });

  it("goes from no L_equiv at all to the model's own losses", async () => {
    expect(result.line[0]!.s).toBe(0);
    expect(result.line[0]!.lossEquiv / result.line[0]!.lossTotal).toBeLessThan(1e-28);
    const own = decomposeSums(await terms.sums(terms.weights), terms.sampling);
    expect(result.line.at(-1)).toEqual({ s: 1, ...own });
    expect(own.percentEquiv).toBeGreaterThan(1);
    for (const { lossTotal, lossMean, lossEquiv, lossEquivStdErr } of result.line) {
      expect(lossMean + lossEquiv).toBeCloseTo(lossTotal, 14);
      expect(lossEquivStdErr).toBeLessThan(lossEquiv + 1e-20);
    }
    expect(result).toMatchObject({ samples: 3, rotations: 24, interrupted: false });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it("has L_equiv quadratic near them, with half the second difference as its coefficient", async () => {
    const fit = result.fit!;
    expect(fit).toMatchObject({ exact: true, slope: 0, tolerance: 0.1 });
    const lossEquiv = lossEquivOf(terms);
    const h = 1e-3;
    const difference = ((await lossEquiv(h)) - 2 * (await lossEquiv(0)) + (await lossEquiv(-h))) / (2 * h * h);
    expect(Math.abs(fit.curvature / difference - 1)).toBeLessThan(1e-3);
    expect(fit.curvatureChange / fit.curvature).toBeLessThan(0.02);
    const near = await parameterSpace(terms, { points: [0, h, 2 * h, 3 * h, 1] });
    expect(Math.abs(near.fit!.curvature / difference - 1)).toBeLessThan(1e-6);
  });

  it("says up to where the fit holds, by its own numbers", () => {
    const { fit, line } = result;
    const misses = line.slice(1).map(({ s, lossEquiv }) => Math.abs(fit!.curvature * s * s - lossEquiv) / lossEquiv);
    const wrong = misses.findIndex((miss) => miss > 0.1);
    expect(misses[0]).toBeLessThan(0.1);
    expect(fit!.holdsTo).toBe(wrong < 0 ? 1 : line[wrong]!.s);
    expect(fit!.failsAt).toBe(wrong < 0 ? null : line[wrong + 1]!.s);
    fit!.fitted.forEach((value, i) => expect(value).toBeCloseTo(fit!.curvature * line[i]!.s ** 2, 14));
  });

  it("has the error of the coefficient from the samples' own", async () => {
    const own: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { fit, samples } = await parameterSpace(terms, { from: i, to: i + 1, points: [0, 0.01, 0.02, 0.04, 1] });
      expect(samples).toBe(1);
      expect(fit!.curvatureStdErr).toBe(NaN);
      own.push(fit!.curvature);
    }
    const { curvature, curvatureStdErr } = (await parameterSpace(terms, { points: [0, 0.01, 0.02, 0.04, 1] })).fit!;
    const mean = own.reduce((sum, value) => sum + value / 3, 0);
    expect(curvature).toBeCloseTo(mean, 10);
    const variance = own.reduce((sum, value) => sum + (value - mean) ** 2 / 2, 0);
    expect(curvatureStdErr).toBeCloseTo(Math.sqrt(variance / 3), 10);
  });
});

describe("the line of a k3s2 net, which no kernels make equivariant", () => {
  const terms = tinyConvTerms("k3s2");

  it("has an offset and a slope, and the curvature beside them", async () => {
    const lossEquiv = lossEquivOf(terms);
    const h = 1e-4;
    const [before, at, after] = [await lossEquiv(-h), await lossEquiv(0), await lossEquiv(h)];
    const { fit, line } = await parameterSpace(terms, { points: [0, h, 2 * h, 3 * h, 0.5, 1] });
    expect(line[0]!.percentEquiv).toBeGreaterThan(1e-6);
    expect(fit).toMatchObject({ exact: false, offset: at });
    expect(Math.abs(fit!.slope / ((after - before) / (2 * h)) - 1)).toBeLessThan(1e-4);
    expect(Math.abs(fit!.curvature / ((after - 2 * at + before) / (2 * h * h)) - 1)).toBeLessThan(1e-4);
    expect(fit!.holdsTo).toBeGreaterThanOrEqual(3 * h);
  });
});

describe("parameterSpace", () => {
  const terms = tinyConvTerms("k2s2", 2);

  it("says beforehand what it costs, and how far it is", async () => {
    const seen: [number, number][] = [];
    terms.asked.length = 0;
    const options = {
      points: [0, 0.1, 0.2, 0.5, 1],
      onProgress: (done: number, of: number) => void seen.push([done, of]),
    };
    expect(parameterSpaceCost(terms, options)).toEqual({ evaluations: 5, predictions: 5 * 2 * 24 });
    expect(parameterSpaceCost(terms, { from: 1 })).toEqual({ evaluations: 12, predictions: 12 * 24 });
    await parameterSpace(terms, options);
    expect(terms.asked.length).toBe(5);
    expect(seen).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]));
    // Biases and linear layers stay; the model's own weights are not written.
    const mix = terms.layout.find(({ name }) => name === "mix.weight")!.offset;
    expect(terms.asked.every((weights) => weights[mix] === terms.weights[mix])).toBe(true);
    expect(terms.asked[0]).not.toEqual(terms.weights);
  });

  it("gives what is known when its signal is raised", async () => {
    const stoppedAfter = async (points: number) => {
      const controller = new AbortController();
      const onProgress = (done: number) => (done === points ? controller.abort() : undefined);
      return parameterSpace(terms, { signal: controller.signal, onProgress });
    };
    const early = await stoppedAfter(2);
    expect(early).toMatchObject({ fit: null, samples: 2, interrupted: true });
    expect(early.line.map(({ s }) => s)).toEqual([0, 1 / 64]);
    const late = await stoppedAfter(5);
    expect(late).toMatchObject({ interrupted: true, fit: { exact: true, holdsTo: 1 / 8, failsAt: null } });
    const controller = new AbortController();
    controller.abort();
    const none = await parameterSpace(terms, { signal: controller.signal });
    expect(none).toMatchObject({ line: [], fit: null, samples: 0, interrupted: true });
    expect(none.norms.ratio).toBeGreaterThan(0);
    const broken = { ...terms, sums: () => Promise.reject(new Error("broken")) };
    await expect(parameterSpace(broken)).rejects.toThrow("broken");
  });

  it.each<[ParameterSpaceOptions]>([
    [{ points: [0, 0.5, 1] }],
    [{ points: [0.1, 0.2, 0.5, 1] }],
    [{ points: [0, 0.5, 0.2, 1] }],
    [{ points: [0, 0.2, 0.5, 2] }],
    [{ points: [0, NaN, 0.5, 1] }],
    [{ tolerance: 0 }],
  ])("refuses %j", async (options) => {
    await expect(parameterSpace(terms, options)).rejects.toMatchObject({ code: "bad-option" });
  });

  it("refuses a net without kernels that the projection changes", async () => {
    const layout = terms.layout.map((slot) => ({ ...slot, kind: "linear" as const }));
    await expect(parameterSpace({ ...terms, layout })).rejects.toMatchObject({ code: "unsupported" });
  });
});
