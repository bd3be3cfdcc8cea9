import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { octahedral } from "../../../src/equivariance/groups.ts";
import { measureEquivariance } from "../../../src/equivariance/measure.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { builtinMolecules } from "../../../src/molecules/builtin.ts";
import { measureVoxelModel } from "../../../src/tasks/voxels/measureModel.ts";
import { voxelSamples } from "../../../src/tasks/voxels/modelSamples.ts";
import { voxelModelFile } from "../../../src/tasks/voxels/voxelModelFile.ts";
import { voxels } from "../../../src/tasks/voxels/voxels.ts";
import type { ModelSamples } from "../../../src/training/task.ts";
import { Training } from "../../../src/training/training.ts";
import { training as config } from "../../runs/smallTraining.ts";
import { testGpu } from "../../harness.ts";

describe("voxelSamples", () => {
  let gpu: Gpu;
  let given: Parameters<typeof voxelSamples>[1];
  let held: ModelSamples;
  let before: number;

  beforeAll(async () => {
    gpu = await testGpu();
    const data = voxels.open(builtinMolecules().slice(0, 8), { ...config, heldout: 3 });
    const training = await Training.create(gpu, voxels, { ...config, heldout: 3 }, data);
    const model = voxelModelFile(await training.encodeModel());
    training.destroy();
    await gpu.finish();
    before = gpu.allocatedBytes;
    given = { model, data: data.heldout, seed: 5, precision: "f32" };
    held = await voxelSamples(gpu, given);
  });
  afterAll(() => held.destroy());

  it("gives the samples and predictions of the model's measurement", async () => {
    const { input, output, predict } = held;
    const samples = await Promise.all([0, 1, 2].map((i) => held.sample(i)));
    const found = await measureEquivariance(predict, samples, { group: octahedral, input, output });
    const options = { group: "octahedral", rotations: 24, interpolation: "catmullRom" } as const;
    const measurer = await measureVoxelModel(gpu, { ...given, ...options });
    for (const [i, sample] of samples.entries()) {
      const other = (await measurer.add(i))!;
      expect(sample.input).toEqual(other.input);
      expect(sample.target).toEqual(other.target);
    }
    const expected = measurer.result();
    measurer.destroy();
    if (expected.group !== "octahedral") throw new Error("another group");
    for (const name of ["lossTotal", "lossEquiv", "lossZero", "percentEquiv", "percentEquivStdErr"] as const) {
      expect(found[name] / expected[name], name).toBeCloseTo(1, 4);
    }
  });

  it("refuses samples that there are not, and frees all", async () => {
    await expect(held.sample(3)).rejects.toMatchObject({ code: "bad-option" });
    held.destroy();
    expect(gpu.allocatedBytes).toBe(before);
  });
});
