import { afterAll } from "vitest";
import { BufferUsage } from "../../src/gpu/gpu.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { initialise } from "../../src/models/initialise.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig, type VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import { readStatus, STATUS_BYTES, Trainer } from "../../src/training/trainer.ts";
import { testGpu } from "../harness.ts";
import { molecules } from "./molecules.ts";

/** A small network with attention and dropout. */
export const config: VoxelConfig = voxels.check({
  ...presets.tiny!,
  grid: 8,
  resolution: 1,
  channels: [4, 8],
  attention: [false, true],
  middleAttention: true,
  batch: 4,
  microBatch: 4,
  groups: 2,
  dropout: 0.2,
});
export const parameters = unetParameters(unetConfig(config));
/** What it is trained on. */
export const data = molecules(20, 1);

/** A store of fresh parameters and its trainer. */
export interface Started {
  readonly store: ParameterStore;
  readonly trainer: Trainer;
}

/** Makes trainers, which are freed after the tests of a file. */
export function useTrainers(): (given?: VoxelConfig) => Promise<Started> {
  const made: { destroy(): void }[] = [];
  afterAll(() => {
    for (const item of made) item.destroy();
  });
  return async (given = config) => {
    const gpu = await testGpu();
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, given.seed);
    const trainer = await Trainer.create(gpu, voxels, given, store, data);
    made.push(trainer, store);
    return { store, trainer };
  };
}

/** Runs steps, and reads what they say. */
export async function steps(trainer: Trainer, from: number, count: number) {
  const gpu = await testGpu();
  const staging = gpu.createBuffer("staging", count * STATUS_BYTES, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
  for (let i = 0; i < count; i++) trainer.run(from + i, { buffer: staging, offset: i * STATUS_BYTES });
  await gpu.map(staging);
  const bytes = staging.getMappedRange().slice(0);
  gpu.destroyBuffer(staging);
  return readStatus(bytes).map(({ gradNorm, failed, ...row }) => ({ ...row, norm: gradNorm, flag: failed }));
}
