import { beforeAll, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { flowNetParameters } from "../../src/models/flowNetLayout.ts";
import { centre } from "../../src/reference/flow.ts";
import { chainNoise } from "../../src/reference/flowStep.ts";
import { FlowPaths } from "../../src/tasks/flow/flowPaths.ts";
import { NetField } from "../../src/tasks/flow/netField.ts";
import { samplingTimes, stepCoefficients } from "../../src/tasks/flow/samplingSchedule.ts";
import { testGpu } from "../harness.ts";
import { FlowGolden } from "./flowGolden.ts";

const golden = new FlowGolden("tiny");
const numbers = [0, 1, 2];
const SEED = 5;
const STEP_STREAM = 4097;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Sampling with the file's net, of its chains. */
async function goldenPaths(eta: number) {
  const store = new ParameterStore(gpu, flowNetParameters(golden.config), ["weights"]);
  golden.load(store);
  const { config, places, lengths } = golden;
  const field = new NetField(gpu, {
    ...{ config, chains: lengths.length, places },
    parameters: (graph) => store.bind(graph, { constants: "weights" }),
  });
  const sizes = { chains: lengths.length, side: golden.side };
  const paths = await FlowPaths.create(gpu, { ...sizes, field, precision: "f32", seed: SEED, eta });
  const residues = field.place(lengths);
  return {
    ...{ paths, residues, sizes },
    destroy: () => {
      paths.destroy();
      field.destroy();
      store.destroy();
    },
  };
}

const withRegisters = (name: string) => golden.withRegisters(golden.get(name), 3);

/** The largest difference from numbers of the file, over its largest one. */
function error(want: ArrayLike<number>, got: ArrayLike<number>): number {
  const placed = golden.withRegisters(want, 3);
  const largest = placed.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return placed.reduce((most, value, at) => Math.max(most, Math.abs(value - got[at]!)), 0) / largest;
}

it("times are an independent module's", () => {
  const times = samplingTimes(8);
  golden.get("sample/times").forEach((want, k) => expect(times[k]).toBeCloseTo(want, 7));
});

it("eight steps without noise are an independent module's", async () => {
  const { paths, residues, destroy } = await goldenPaths(0);
  const all = golden.get("sample/x");
  const each = all.length / 9;
  const wanted = (k: number) => all.subarray(k * each, (k + 1) * each);
  const x = golden.withRegisters(wanted(0), 3);
  paths.resume(numbers, residues, { x, previous: new Float32Array(x.length) });
  const times = samplingTimes(8);
  for (let index = 0; index < 8; index++) {
    paths.step({ index, t: times[index]!, next: times[index + 1]! });
    const now = await paths.read();
    expect(error(wanted(index + 1), now.x), `step ${index}`).toBeLessThan(1.5e-5);
  }
  destroy();
});

it("a step with noise is an independent module's, the noise exchanged for its", async () => {
  const [t, dt, eta] = Array.from(golden.get("sde/t_dt_eta")) as [number, number, number];
  const { paths, residues, sizes, destroy } = await goldenPaths(eta);
  paths.resume(numbers, residues, { x: withRegisters("in/xt"), previous: withRegisters("in/xsc") });
  const index = 3;
  paths.step({ index, t, next: t + dt });
  const { x } = await paths.read();
  const step = { seedLo: SEED, seedHi: 0, step: index, sample: 0 };
  const ours = centre(sizes, chainNoise(sizes, numbers, STEP_STREAM, step), residues);
  const theirs = centre(sizes, withRegisters("sde/eps"), residues);
  const [, , weight] = stepCoefficients(t, t + dt, eta);
  const exchanged = x.map((value, at) => value + weight * (theirs[at]! - ours[at]!));
  expect(error(golden.get("sde/x"), exchanged)).toBeLessThan(1.5e-5);
  // The noise counts.
  expect(error(golden.get("sde/x"), x)).toBeGreaterThan(0.1);
  destroy();
});
