import { describe, expect, it } from "vitest";
import { packMolecules } from "../../src/molecules/dataset.ts";
import type { Molecule } from "../../src/molecules/molecule.ts";
import { measurableSamples, prepareRunData } from "../../src/runs/runData.ts";
import { RUN_CONFIG_FORMAT, type RunConfig } from "../../src/training/runConfig.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import type { VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";

/** Molecules of one carbon and one hydrogen, told apart by their distance; the last has gold, without a channel. */
const molecules: Molecule[] = Array.from({ length: 12 }, (_, i) => ({
  elements: Uint8Array.of(6, i === 11 ? 79 : 1),
  positions: Float64Array.of(0, 0, 0, 1 + 0.1 * i, 0, 0),
}));
const training = { ...presets.tiny!, heldout: 3, seed: 9 };
const sha256 = "a".repeat(64);
const config: RunConfig<VoxelConfig> = {
  format: RUN_CONFIG_FORMAT,
  version: "0.1.0",
  task: voxels.name,
  training,
  data: { source: "x.xyz", sha256, splitSeed: 9, training: 8, heldout: 3, skipped: 1 },
  adapter: "",
};

const fileOf = (hash: string) => ({ molecules, sha256: hash, records: molecules.length, leftOut: [], remarks: [] });

describe("the molecules that a model is measured on", () => {
  it("are the held-out ones of the file it was trained on", async () => {
    const { heldout, train } = await prepareRunData(voxels, fileOf(sha256), training);
    const found = await measurableSamples(voxels, fileOf(sha256), config);
    expect(found).toMatchObject({ heldoutOnly: true, packed: heldout, skipped: { unknownElement: 1 } });
    expect([...heldout.sourceIndex].some((i) => train.sourceIndex.includes(i))).toBe(false);
  });

  it("are all that fit of another file, in its order", async () => {
    const found = await measurableSamples(voxels, fileOf("b".repeat(64)), config);
    expect(found.heldoutOnly).toBe(false);
    expect([...found.packed.sourceIndex]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(found.packed).toEqual(packMolecules(molecules, training).packed);
    expect(found.packed.offsets).toEqual(Uint32Array.from({ length: 12 }, (_, i) => 2 * i));
    const one = () => packMolecules(molecules.slice(11), training);
    expect(one).toThrow(expect.objectContaining({ code: "no-data", message: expect.stringContaining("Au") }));
  });

  it("are refused where the file no longer divides as it did", async () => {
    const other = { ...config, data: { ...config.data, training: 9 } };
    const refused = measurableSamples(voxels, fileOf(sha256), other);
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: "bad-file" }));
  });
});
