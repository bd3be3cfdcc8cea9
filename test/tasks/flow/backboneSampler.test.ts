import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { BackboneSampler, sampleBackbones } from "../../../src/tasks/flow/backboneSampler.ts";
import { FlowModel } from "../../../src/tasks/flow/flowModel.ts";
import { testGpu } from "../../harness.ts";
import { smallFlowModel } from "./smallFlowModel.ts";

let gpu: Gpu;
let model: FlowModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await FlowModel.load(gpu, await smallFlowModel(gpu));
});
afterAll(() => model.destroy());

const short = { steps: 12, eta: 0.3, seed: 4 } as const;
/** Two batches of one length and one of another. */
const lengths = [20, 11, 20, 20, 23, 20];
const options = { ...short, lengths, batch: 3 };

it("makes chains of the lengths asked for, in their order, centred, in Angstrom", async () => {
  const made: [number, number][] = [];
  const chains = await sampleBackbones(model, { ...options, onProgress: (done, total) => made.push([done, total]) });
  expect(chains.map(({ sequence }) => sequence.length)).toEqual(lengths);
  for (const { positions } of chains) {
    const residues = positions.length / 3;
    const squares = positions.reduce((sum, value) => sum + value * value, 0);
    // What the net knows is nothing: the noise shrinks, but stays of its order.
    expect(Math.sqrt(squares / residues)).toBeGreaterThan(1);
    expect(Math.sqrt(squares / residues)).toBeLessThan(100);
    for (const axis of [0, 1, 2]) {
      const sum = positions.reduce((total, value, at) => (at % 3 === axis ? total + value : total), 0);
      expect(Math.abs(sum / residues)).toBeLessThan(1e-4);
    }
  }
  expect(made.at(-1)).toEqual([36, 36]);
  expect(made.map(([done]) => done)).toEqual([...made.map(([done]) => done)].sort((a, b) => a - b));
});

it("takes lengths in turn, of the model's crop where none are given", async () => {
  const { plan } = new BackboneSampler(model, { count: 5, lengths: [30, 12] });
  expect(plan).toEqual({ lengths: [30, 12, 30, 12, 30], steps: 400, eta: 0.45, seed: 0, batch: 8 });
  expect(new BackboneSampler(model, { count: 2 }).plan.lengths).toEqual([20, 20]);
});

it("the same seed gives the same bits, another one other chains", async () => {
  const chains = await sampleBackbones(model, options);
  expect(await sampleBackbones(model, options)).toEqual(chains);
  const others = await sampleBackbones(model, { ...options, seed: 5 });
  expect(others.every(({ positions }, i) => positions[0] !== chains[i]!.positions[0])).toBe(true);
});

it("a chain is the same in whatever batch it is made, and beside whatever others", async () => {
  const chains = await sampleBackbones(model, options);
  for (const batch of [1, 2, 8]) expect(await sampleBackbones(model, { ...options, batch })).toEqual(chains);
  const others = [20, 64, 20, 7, 23, 3];
  const beside = await sampleBackbones(model, { ...options, lengths: others });
  for (const i of [0, 2, 4]) expect(beside[i], `chain ${i}`).toEqual(chains[i]);
  // A longer list begins with the shorter one.
  expect((await sampleBackbones(model, { ...options, lengths: [...lengths, 20] })).slice(0, 6)).toEqual(chains);
});

describe("stopped", () => {
  it("at any step, goes on to the same bits", async () => {
    const whole = await sampleBackbones(model, options);
    let sampler = new BackboneSampler(model, options);
    const stops: number[] = [];
    for (let stop = 5; ; stop += 9) {
      const controller = new AbortController();
      const onProgress = (done: number) => {
        if (done >= stop) controller.abort();
      };
      const error = await sampler.run({ signal: controller.signal, onProgress }).catch((cause: unknown) => cause);
      if (error === undefined) break;
      expect(error).toMatchObject({ code: "aborted" });
      const { done, hand } = sampler.state;
      stops.push(12 * (done.size === 0 ? 0 : done.size <= 3 ? 1 : 2) + (hand?.step ?? 0));
      sampler = new BackboneSampler(model, options, structuredClone({ done, hand }));
    }
    expect(stops.length).toBeGreaterThan(2);
    expect(sampler.chains()).toEqual(whole);
  });

  it("before it began, has nothing but does not throw away what there was", async () => {
    const sampler = new BackboneSampler(model, options);
    await expect(sampler.run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    expect(sampler.chains()).toEqual([]);
    await sampler.run();
    expect(sampler.chains()).toEqual(await sampleBackbones(model, options));
  });

  it("leaves no memory behind, nor does a failure", async () => {
    const before = gpu.allocatedBytes;
    await expect(sampleBackbones(model, { ...options, signal: AbortSignal.abort() })).rejects.toThrow();
    await sampleBackbones(model, options);
    await expect(sampleBackbones(model, { ...short, lengths: [8000], batch: 1 })).rejects.toMatchObject({
      code: expect.stringMatching(/too-large|out-of-memory/) as string,
    });
    expect(gpu.allocatedBytes).toBe(before);
  });
});

describe("refused", () => {
  it.each([
    [{ count: 0 }, "count is 0"],
    [{ lengths: [] }, "the number of lengths is 0"],
    [{ lengths: [20, 1] }, "the length of a chain is 1"],
    [{ steps: 0.5 }, "steps is 0.5"],
    [{ eta: -1 }, "eta is -1"],
    [{ eta: NaN }, "eta is NaN"],
    [{ seed: -3 }, "seed is -3"],
    [{ batch: 0 }, "batch is 0"],
  ])("%o", (wrong, message) => {
    expect(() => new BackboneSampler(model, wrong)).toThrow(message);
  });

  it("what is no model, and a model that was destroyed", async () => {
    expect(() => new BackboneSampler(undefined as never)).toThrow("model is undefined");
    const gone = await FlowModel.load(gpu, await smallFlowModel(gpu));
    gone.destroy();
    await expect(sampleBackbones(gone, options)).rejects.toMatchObject({ code: "destroyed" });
  });

  it("chains that blow up, with what to do", async () => {
    // The first step multiplies x by -99.
    const wild = { ...short, lengths: [20], steps: 3, eta: 1e30 };
    await expect(sampleBackbones(model, wild)).rejects.toMatchObject({ code: "not-finite", fix: /eta 0/ });
  });
});
