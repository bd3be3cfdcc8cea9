import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fullOctahedral } from "../../../src/equivariance/cubeGroups.ts";
import { octahedral } from "../../../src/equivariance/groups.ts";
import { measureEquivariance } from "../../../src/equivariance/measure.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { forceSamples } from "../../../src/tasks/forces/forceSamples.ts";
import { measureForceField } from "../../../src/tasks/forces/measureModel.ts";
import type { ModelSamples } from "../../../src/training/task.ts";
import { testGpu } from "../../harness.ts";
import { smallForceField } from "./smallForces.ts";

describe("forceSamples", () => {
  let gpu: Gpu;
  let given: Parameters<typeof forceSamples>[1];
  let held: ModelSamples;
  beforeAll(async () => {
    gpu = await testGpu();
    given = { ...(await smallForceField(gpu)), seed: 1, precision: "f32" };
    held = await forceSamples(gpu, given);
  });
  afterAll(() => held.destroy());

  const measured = async (group: () => ReturnType<typeof octahedral>) => {
    const samples = await Promise.all([0, 1, 2, 3].map((i) => held.sample(i)));
    const { input, output, predict } = held;
    return measureEquivariance(predict, samples, { group, twirl: group().order, input, output });
  };

  it("gives structures of unequal sizes and predictions of the model's measurement", async () => {
    const options = { group: "octahedral", rotations: 24, interpolation: "catmullRom" } as const;
    const measurer = await measureForceField(gpu, { ...given, ...options });
    for (let i = 0; i < 4; i++) await measurer.add(i);
    const expected = measurer.result();
    measurer.destroy();
    if (expected.kind !== "decomposition") throw new Error("not a decomposition");
    const found = await measured(octahedral);
    for (const name of ["lossTotal", "lossEquiv", "lossZero", "percentEquivStdErr"] as const) {
      expect(found[name] / expected[name], name).toBeCloseTo(1, 4);
    }
  });

  it("is measured under reflections too", async () => {
    const [rotations, all] = [await measured(octahedral), await measured(fullOctahedral)];
    // The inversion turns every force around: that much the network has built in.
    expect(all.lossEquiv / rotations.lossEquiv).toBeCloseTo(1, 4);
  });

  it("refuses samples that there are not", async () => {
    await expect(held.sample(4)).rejects.toMatchObject({ code: "bad-option" });
  });
});
