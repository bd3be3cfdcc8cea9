import { describe, expect, it } from "vitest";
import { huber } from "../../../src/equivariance/losses.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { measureVoxelModel } from "../../../src/tasks/voxels/measureModel.ts";

describe("measureVoxelModel", () => {
  it("refuses another loss than the squared error under all rotations, before it loads anything", async () => {
    type Options = Parameters<typeof measureVoxelModel>[1];
    const options = { group: "so3", loss: huber() } as unknown as Options;
    await expect(measureVoxelModel(undefined as unknown as Gpu, options)).rejects.toMatchObject({
      code: "bad-option",
      message: "the loss is huber, and percentPose is of the squared error",
    });
  });
});
