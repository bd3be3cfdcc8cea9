import { describe, expect, it } from "vitest";
import { uniform } from "../../bench/data.ts";
import { errorUnetU, expectedUnetU, goldenUnetU } from "../../bench/golden/unetU.ts";
import golden from "../../bench/golden/unetU.json" with { type: "json" };
import { unetUFlops, unetUParameters } from "../../bench/unetU.ts";

const tensors = golden.tensors as Record<string, { shape: number[]; norm: number; values: number[] }>;

/** Outputs that agree with the golden in every sample, and in their norms by one other value. */
function agreeing(what: "forward" | "train"): Map<string, Float64Array> {
  const outputs = new Map<string, Float64Array>();
  for (const { output, indices, values } of expectedUnetU(what)) {
    const { shape, norm } = tensors[output]!;
    const array = new Float64Array(shape.reduce((a, b) => a * b, 1));
    let rest = norm ** 2;
    const free = new Set(array.keys());
    for (let i = 0; i < values.length; i++) {
      array[indices![i]!] = values[i]!;
      rest -= values[i]! ** 2;
      free.delete(indices![i]!);
    }
    const [other] = free;
    if (other !== undefined) array[other] = Math.sqrt(Math.max(rest, 0));
    outputs.set(output, array);
  }
  return outputs;
}

describe("the golden of case U", () => {
  it("is of the network that bench/unetU.ts describes", () => {
    const parameters = unetUParameters();
    expect(goldenUnetU.parameters).toBe(142);
    expect(parameters).toHaveLength(142);
    expect(goldenUnetU.flops).toBe(unetUFlops());
    const shapes = Object.fromEntries(parameters.map(({ name, shape }) => [`grad/${name}`, shape]));
    const gradients = Object.entries(tensors).filter(([name]) => name.startsWith("grad/"));
    expect(Object.fromEntries(gradients.map(([name, { shape }]) => [name, shape]))).toEqual(shapes);
  });

  it("was made from the same inputs", () => {
    const spreads = new Map(unetUParameters().map(({ name, spread }) => [name, spread]));
    expect(Object.keys(golden.inputs).length).toBeGreaterThan(3);
    for (const [name, values] of Object.entries(golden.inputs)) {
      expect([...uniform(`unet/U/${name}`, values.length, spreads.get(name) ?? {})]).toEqual(values);
    }
  });

  it("takes each sample from another element", () => {
    for (const { indices, values } of [...expectedUnetU("forward"), ...expectedUnetU("train")]) {
      expect(new Set(Array.from(indices!)).size).toBe(values.length);
    }
  });

  for (const what of ["forward", "train"] as const) {
    it(`finds no error in outputs that agree, and the output that does not (${what})`, () => {
      const outputs = agreeing(what);
      expect(errorUnetU(outputs, what).error).toBeLessThan(1e-8);
      const [name, array] = [...outputs].at(-1)!;
      array[0] = array[0]! * 1.01;
      const sampled = errorUnetU(outputs, what);
      expect(sampled.output).toBe(name);
      expect(sampled.error).toBeGreaterThan(1e-5);
      outputs.set(name, array.fill(NaN));
      expect(errorUnetU(outputs, what)).toEqual({ output: name, error: Infinity });
      outputs.delete(name);
      expect(errorUnetU(outputs, what)).toEqual({ output: name, error: Infinity });
    });
  }

  it("sees what is wrong between the samples by the norm", () => {
    const outputs = agreeing("forward");
    const sampled = new Set(Array.from(expectedUnetU("forward")[0]!.indices!));
    const y = outputs.get("y")!;
    for (const i of y.keys()) if (!sampled.has(i)) y[i] = 0;
    expect(errorUnetU(outputs, "forward").error).toBeGreaterThan(0.5);
  });
});
