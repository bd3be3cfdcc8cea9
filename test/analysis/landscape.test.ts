import { describe, expect, it } from "vitest";
import { landscape, landscapeCost } from "../../src/analysis/landscape.ts";
import { TERMS, type LossTerms } from "../../src/analysis/lossTerms.ts";
import { vectorNet } from "./vectorNet.ts";

const terms = vectorNet({ rotations: 5 });

/** Counts gradients, and raises a signal after some of them. */
function watched(limit = Infinity): { terms: LossTerms; signal: AbortSignal; gradients: () => number } {
  const controller = new AbortController();
  let gradients = 0;
  const gradient: LossTerms["gradient"] = async (...call) => {
    const result = await terms.gradient(...call);
    if (++gradients === limit) controller.abort();
    return result;
  };
  return { terms: { ...terms, gradient }, signal: controller.signal, gradients: () => gradients };
}

describe("landscape", () => {
  it("costs what was said beforehand, and tells how far it is", async () => {
    const { terms, gradients } = watched();
    const options = { products: 6, probes: 3, density: { steps: 4 }, vectors: 2 };
    const cost = landscapeCost(terms, options);
    const seen: [number, number][] = [];
    const result = await landscape(terms, { ...options, onProgress: (...progress) => seen.push(progress) });
    // 6 + 4 + 4 of the probes, one for the residual, one with the second step.
    expect(cost).toMatchObject({ products: 3 * 16, gradients: 3 * 32 });
    expect(gradients()).toBe(cost.gradients);
    expect(seen).toEqual(Array.from({ length: 48 }, (_, i) => [i + 1, 48]));
    expect(TERMS.map((term) => result[term]!.gradients)).toEqual([32, 32, 32]);
    expect(result).toMatchObject({ matrix: "hessian", interrupted: false });
    expect(cost.bytes).toBe(8 * terms.weights.length * (6 + 8 + 3 * 2));
  });

  it("has traces that add up as the terms do", async () => {
    const { total, mean, equiv } = await landscape(terms, { products: 3, probes: 4 });
    expect(total!.trace).toBeCloseTo(mean!.trace + equiv!.trace, 5);
    expect(total!.trace).not.toBeCloseTo(mean!.trace, 2);
    expect(total!.traceOverMax).toBe(total!.trace / total!.lambdaMax);
  });

  it("gives the same figures for the same seed", async () => {
    const options = { terms: ["equiv"], products: 4, probes: 2 } as const;
    const [first, second, other] = [
      await landscape(terms, options),
      await landscape(terms, options),
      await landscape(terms, { ...options, seed: 5 }),
    ];
    expect(second).toEqual(first);
    expect(other.equiv!.trace).not.toBe(first.equiv!.trace);
    expect(Object.keys(first).sort()).toEqual(["equiv", "interrupted", "matrix", "rotations", "samples"]);
  });

  it("takes Gauss-Newton's matrix, which costs no gradients of differences", async () => {
    const { terms, gradients } = watched();
    const result = await landscape(terms, { matrix: "gaussNewton", terms: ["total", "equiv"], products: 5, probes: 2 });
    expect(gradients()).toBe(0);
    expect(result.total!.lambdaMin).toBeGreaterThan(-1e-12);
    expect(result.total!.products).toBe(7);
    expect(result.mean).toBeUndefined();
  });

  it("is JSON but for the vectors", async () => {
    const result = await landscape(terms, { terms: ["mean"], products: 3, probes: 1, density: {} });
    const copy = JSON.parse(JSON.stringify(result)) as typeof result;
    expect(copy.mean!.lambdaMax).toBe(result.mean!.lambdaMax);
    expect(copy.mean!.density!.values).toEqual(result.mean!.density!.values);
    expect(copy.mean!.traceStdErr).toBeNull();
  });
});

describe("a signal", () => {
  it("leaves what is known of the term that it stopped and of those before", async () => {
    // 13 products each: the second term is stopped at its fifth.
    const { terms, signal } = watched(2 * (13 + 5));
    const whole = await landscape(vectorNet({ rotations: 5 }), { products: 10, probes: 2 });
    const result = await landscape(terms, { products: 10, probes: 2, signal });
    expect(result.interrupted).toBe(true);
    expect(result.total).toEqual(whole.total);
    expect(result.mean).toMatchObject({ interrupted: true, products: 5, lambdaMaxResidual: NaN, traceStdErr: NaN });
    expect(result.mean!.lambdaMax).toBeLessThanOrEqual(whole.mean!.lambdaMax);
    expect(result.mean!.lambdaMax).toBeGreaterThan(0);
    expect(result.equiv).toBeUndefined();
  });

  it("that is raised already leaves nothing, and no gradient is taken", async () => {
    const { terms, gradients } = watched();
    const result = await landscape(terms, { signal: AbortSignal.abort() });
    const { samples, sampling } = terms;
    expect(result).toEqual({ matrix: "hessian", samples, rotations: sampling.rotations, interrupted: true });
    expect(gradients()).toBe(0);
  });

  it("does not hide other errors", async () => {
    const failing = { ...terms, gradient: () => Promise.reject(new Error("lost")) };
    const controller = new AbortController();
    await expect(landscape(failing, { signal: controller.signal })).rejects.toThrow("lost");
  });
});

it("refuses what there is not", async () => {
  await expect(landscape(terms, { terms: ["all" as "total"] })).rejects.toThrow(/^terms\[0\] is "all"/);
  await expect(landscape(terms, { matrix: "fisher" as "hessian" })).rejects.toThrow(/^matrix is "fisher"/);
  await expect(landscape({} as LossTerms)).rejects.toThrow(/^terms is a plain object/);
});
