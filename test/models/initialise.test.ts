import { expect, it } from "vitest";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { initialise } from "../../src/models/initialise.ts";
import type { ModelParameter } from "../../src/models/parameter.ts";
import { testGpu } from "../harness.ts";

it("weights start constant, uniform or normal, as their parameter says, and as the seed does", async () => {
  const of = (name: string, init: ModelParameter["init"]): ModelParameter => {
    return { name, kind: "vector", shape: [4000], trained: true, init };
  };
  const parameters = [of("a", { constant: 3 }), of("b", { bound: 0.5 }), of("c", { deviation: 0.5 })];
  const store = new ParameterStore(await testGpu(), parameters, ["weights"]);
  const started = async (seed: number) => {
    initialise(store, parameters, seed);
    return store.readAll();
  };
  const first = await started(1);
  const [a, b, c] = ["a", "b", "c"].map((name) => first.get(name)!);
  const moment = (values: Float32Array, power: number) =>
    values.reduce((sum, x) => sum + x ** power, 0) / values.length;
  expect(new Set(a)).toEqual(new Set([3]));
  expect(Math.max(...b!.map(Math.abs))).toBeLessThanOrEqual(0.5);
  expect(moment(b!, 2)).toBeCloseTo(0.25 / 3, 2);
  expect(Math.max(...c!.map(Math.abs))).toBeGreaterThan(1);
  expect(moment(c!, 1)).toBeCloseTo(0, 1);
  expect(moment(c!, 2)).toBeCloseTo(0.25, 1);
  expect(moment(c!, 4) / moment(c!, 2) ** 2).toBeCloseTo(3, 0);
  expect(await started(1)).toEqual(first);
  expect((await started(2)).get("c")).not.toEqual(c);
  store.destroy();
});
