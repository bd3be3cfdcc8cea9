import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BufferUsage, type Gpu } from "../../../src/gpu/gpu.ts";
import { ParameterStore } from "../../../src/graph/parameters.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { builtinForceFrames } from "../../../src/molecules/builtinForces.ts";
import type { ForceConfig } from "../../../src/tasks/forces/forceConfig.ts";
import { ForceEvaluator } from "../../../src/tasks/forces/forceEvaluator.ts";
import { ForceTally } from "../../../src/tasks/forces/forceTally.ts";
import { ForceField } from "../../../src/tasks/forces/forceField.ts";
import { forces } from "../../../src/tasks/forces/forces.ts";
import { presets } from "../../../src/tasks/forces/presets.ts";
import { train } from "../../../src/training/loop.ts";
import { readStatus, STATUS_BYTES, Trainer } from "../../../src/training/trainer.ts";
import { Training } from "../../../src/training/training.ts";
import { testGpu } from "../../harness.ts";

const config = forces.check({
  ...presets["forces-tiny"]!,
  ...{ hidden: 16, heads: 2, atomEmbedding: 8, gaussians: 16, distanceEmbedding: 16, directionEmbedding: 8 },
  ...{ batch: 6, microBatch: 6, steps: 6, every: 3, heldout: 5, warmup: 2 },
});
const frames = builtinForceFrames();
const some = frames.filter((_, i) => i % 13 === 0);
const data = forces.open(some, config);

describe("the task of forces", () => {
  let gpu: Gpu;
  const made: { destroy(): void }[] = [];
  beforeAll(async () => {
    gpu = await testGpu();
  });
  afterAll(() => {
    for (const one of made) one.destroy();
  });

  async function started(given: ForceConfig) {
    const parameters = forces.parameters(given);
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, given.seed);
    const trainer = await Trainer.create(gpu, forces, given, store, data.train);
    made.push(trainer, store);
    return { store, trainer };
  }

  async function steps(trainer: Trainer, count: number) {
    const staging = gpu.createBuffer("staging", count * STATUS_BYTES, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    for (let i = 0; i < count; i++) trainer.run(i, { buffer: staging, offset: i * STATUS_BYTES });
    await gpu.map(staging);
    const bytes = staging.getMappedRange().slice(0);
    gpu.destroyBuffer(staging);
    return readStatus(bytes);
  }

  it("trains bitwise the same twice", async () => {
    const [a, b] = [await started(config), await started(config)];
    expect(await steps(b.trainer, 4)).toEqual(await steps(a.trainer, 4));
    const [one, other] = [await a.store.readAll(), await b.store.readAll()];
    for (const [name, values] of one) expect(other.get(name), name).toEqual(values);
  });

  it("has one loss for a batch of molecules of unequal sizes, in however many parts", async () => {
    const whole = await started(config);
    const parts = await started({ ...config, microBatch: 2 });
    const [first] = await steps(whole.trainer, 1);
    const [second] = await steps(parts.trainer, 1);
    expect(second!.loss / first!.loss).toBeCloseTo(1, 5);
    expect(second!.gradNorm / first!.gradNorm).toBeCloseTo(1, 4);
  });

  it.each([
    ["dropout", { dropout: 0.2 }],
    ["attentionDropout", { attentionDropout: 0.3 }],
  ])("drops by %s the same in however many parts, other at every step, nothing in evaluations", async (_, rate) => {
    // No step to speak of, and no rotations: what changes are the masks.
    const given = forces.check({ ...config, ...rate, lr: 1e-30, augment: "none" });
    const [whole, parts] = [await started(given), await started({ ...given, microBatch: 2 })];
    const [first] = await steps(whole.trainer, 1);
    const [second] = await steps(parts.trainer, 1);
    expect(second!.loss / first!.loss).toBeCloseTo(1, 5);
    expect(second!.gradNorm / first!.gradNorm).toBeCloseTo(1, 4);
    const once = { ...given, batch: data.train.count, microBatch: data.train.count };
    const [one, two] = await steps((await started(once)).trainer, 2);
    expect(Math.abs(two!.loss / one!.loss - 1)).toBeGreaterThan(1e-4);
    const rows = [];
    for (const of of [given, config]) {
      const evaluation = await forces.evaluator(gpu, { config: of, store: whole.store, heldout: data.heldout });
      made.push(evaluation);
      rows.push(await evaluation.evaluate());
    }
    expect(rows[0]).toEqual(rows[1]);
  });

  it.each([
    ["dropout", -0.1],
    ["dropout", NaN],
    ["attentionDropout", 1],
  ])("refuses %s of %d", (name, rate) => {
    expect(() => forces.check({ ...config, [name]: rate })).toThrow(`${name} is ${rate}`);
  });

  it("learns", async () => {
    const given = { ...config, steps: 60, lr: 1e-3, clip: 10, augment: "so3" as const };
    const { trainer } = await started(given);
    const losses = (await steps(trainer, 60)).map(({ loss }) => loss);
    const mean = (from: number) => losses.slice(from, from + 10).reduce((sum, loss) => sum + loss, 0) / 10;
    expect(mean(50)).toBeLessThan(0.8 * mean(0));
  });

  function evaluator(group: "octahedral" | "so3", rotations: number, store: ParameterStore, chunk?: number) {
    return ForceEvaluator.create(gpu, {
      ...{ config, structures: data.heldout, group, rotations, seed: 3, precision: "f32", chunk },
      parameters: (graph) => store.bind(graph, { constants: "weights" }),
    });
  }

  it("agrees with the closed form under the rotations of the cube, and within its error under all", async () => {
    const { store } = await started(config);
    const cube = await evaluator("octahedral", 24, store);
    const all = await evaluator("so3", 200, store, 40);
    made.push(cube, all);
    const places = Uint32Array.from({ length: data.heldout.count }, (_, i) => i);
    for (const one of [cube, all]) {
      const sums = new ForceTally({ group: one === cube ? "octahedral" : "so3", rotations: one === cube ? 24 : 200 });
      for await (const found of one.results(places)) sums.add(found);
      const { forces: sampled, exact, energy } = sums.decompositions();
      expect(sampled.lossEquiv).toBeGreaterThan(0.01 * sampled.lossTotal);
      if (one === cube) {
        expect(sampled.lossEquiv / exact.lossEquiv).toBeCloseTo(1, 4);
        expect(sampled.lossTotal / exact.lossTotal).toBeCloseTo(1, 4);
      } else {
        // Of 5 structures and 200 rotations.
        expect(Math.abs(sampled.lossEquiv / exact.lossEquiv - 1)).toBeLessThan(0.2);
      }
      // Energies are invariant.
      expect(energy.percentEquiv).toBeLessThan(1e-6);
    }
  });

  it("does not depend on how many rotations go into a replay", async () => {
    const { store } = await started(config);
    const rows = [];
    for (const chunk of [undefined, 25, 7]) {
      const one = await evaluator("octahedral", 24, store, chunk);
      made.push(one);
      rows.push(await one.evaluate());
    }
    expect(rows[1]).toEqual(rows[0]);
    expect(rows[2]).toEqual(rows[0]);
  });

  it("loads and predicts what it trained, in eV", async () => {
    const training = await Training.create(gpu, forces, config, data);
    made.push(training);
    let row: Record<string, unknown> = {};
    for await (const event of train(training)) if (event.type === "eval") row = { ...event.row };
    expect(Object.keys(row)).toEqual(
      expect.arrayContaining(["energyMae", "forceMae", "percentEquivEnergy", "percentEquivExact"]),
    );
    const model = await ForceField.load(gpu, await training.encodeModel(6));
    expect(model.step).toBe(6);
    const molecules = Array.from(data.heldout.sourceIndex, (i) => some[i]!);
    const predicted = await model.predict(molecules);
    // A turned copy has the same energy; its forces need not turn.
    const turned = molecules.map((molecule) => ({
      ...molecule,
      positions: molecule.positions.map((_, at, p) => [-p[at + 1]!, p[at - 1]!, p[at]!][at % 3]!),
    }));
    (await model.predict(turned)).forEach(({ energy }, i) => expect(energy).toBeCloseTo(predicted[i]!.energy, 4));
    const alone = await model.predict([molecules[2]!]);
    expect(alone[0]!.energy).toBeCloseTo(predicted[2]!.energy, 5);
    const off = predicted.map(({ energy }, i) => Math.abs(energy - molecules[i]!.energy!));
    const mae = (1000 * off.reduce((sum, e) => sum + e, 0)) / off.length;
    expect(mae / (row.energyMae as number)).toBeCloseTo(1, 3);
    const bare = { elements: Uint8Array.of(6), positions: new Float64Array(3) };
    await expect(model.predict([bare])).rejects.toMatchObject({ code: "bad-molecule" });
    model.destroy();
    await expect(model.predict(molecules)).rejects.toMatchObject({ code: "destroyed" });
  });
});
