import { beforeAll, describe, expect, it } from "vitest";
import { measureLatents } from "../../../src/analysis/latents.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { forceLatents } from "../../../src/tasks/forces/forceLatents.ts";
import { testGpu } from "../../harness.ts";
import { smallForceField } from "./smallForces.ts";

describe("the hidden features of a force field", () => {
  let gpu: Gpu;
  let small: Awaited<ReturnType<typeof smallForceField>>;
  beforeAll(async () => {
    gpu = await testGpu();
    small = await smallForceField(gpu);
  });

  it("are invariant in every layer, trained and untrained, and not those of another molecule", async () => {
    const before = gpu.allocatedBytes;
    const measurer = await forceLatents(gpu, small);
    const { layers, rotations, samples } = await measureLatents(measurer, [0, 1, 2, 3]);
    measurer.destroy();
    expect(gpu.allocatedBytes).toBe(before);
    expect([samples, rotations.length]).toEqual([4, 24]);
    const names = ["input", "block0", "final"].flatMap((name) => [`${name}.node`, `${name}.edge`]);
    expect(layers.map(({ name }) => name)).toEqual(expect.arrayContaining([...names, "block0.message"]));
    for (const { name, size, channels, trained, initial } of layers) {
      expect([size, channels], name).toEqual([null, 16]);
      for (const { rotated } of [trained, initial]) {
        for (const { mean } of [rotated.cosine, rotated.centred]) expect(Math.abs(mean - 1), name).toBeLessThan(1e-6);
      }
      const { cosine } = trained.others;
      if (Number.isFinite(cosine.mean)) expect(cosine.mean, name).toBeLessThan(1 - 1e-4);
    }
  });

  it("are those of the layers that are chosen, and of structures that there are", async () => {
    const measurer = await forceLatents(gpu, { ...small, layers: (name) => name === "block0.edge" });
    await measurer.add(2);
    expect(measurer.result().layers.map(({ name }) => name)).toEqual(["block0.edge"]);
    await expect(measurer.add(4)).rejects.toMatchObject({ code: "bad-option" });
    await expect(measurer.add(1, AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    expect(measurer.result().samples).toBe(1);
    measurer.destroy();
    await expect(forceLatents(gpu, { ...small, layers: () => false })).rejects.toMatchObject({ code: "no-data" });
  });
});
