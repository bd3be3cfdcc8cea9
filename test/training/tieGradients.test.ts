import { expect, it } from "vitest";
import { initialise } from "../../src/models/initialise.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { unetConfig, type VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import { ParameterStore, PARAMETER_ARRAYS } from "../../src/graph/parameters.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { testGpu } from "../harness.ts";
import { config, data, steps } from "./trainers.ts";

const fields = {
  trivial: {},
  regular: { channels: [24, 24], groups: 1, attention: [false, false], middleAttention: false },
} as const;

it.each(["trivial", "regular"] as const)("training keeps %s fields tied, bitwise", async (kind) => {
  const gpu = await testGpu();
  const given: VoxelConfig = voxels.check({ ...config, ...fields[kind], fields: kind, dropout: 0, microBatch: 2 });
  const parameters = unetParameters(unetConfig(given));
  const store = new ParameterStore(gpu, parameters);
  initialise(store, parameters, given.seed);
  const before = await store.readAll();
  const trainer = await Trainer.create(gpu, voxels, given, store, data);
  try {
    const rows = await steps(trainer, 0, 3);
    expect(rows.every(({ loss, flag }) => Number.isFinite(loss) && flag === 0)).toBe(true);
    for (const array of PARAMETER_ARRAYS) {
      const all = await store.readAll(array);
      for (const { name, trained, orbits } of parameters) {
        if (!trained) continue;
        const [values, { starts, members }] = [all.get(name)!, orbits!()];
        for (let o = 0; o + 1 < starts.length; o++) {
          const orbit = [...members.subarray(starts[o], starts[o + 1])];
          expect(new Set(orbit.map((at) => values[at])).size, `${array} ${name}`).toBe(1);
        }
        if (array === "weights" && name.endsWith("conv1.weight")) expect(values).not.toEqual(before.get(name));
      }
    }
  } finally {
    trainer.destroy();
    store.destroy();
  }
});
