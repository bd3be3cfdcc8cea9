import type { AdapterClass, GpuCaps, SubgroupMatrixShape } from "../../src/gpu/caps.ts";

const caps = (
  adapterClass: AdapterClass,
  lanes: number,
  invocations: number,
  ...subgroupMatrices: SubgroupMatrixShape[]
): GpuCaps => ({
  ...{ adapterClass, subgroups: true, subgroupMinSize: lanes, subgroupMaxSize: lanes, f16: true },
  ...{ maxWorkgroupInvocations: invocations, maxBindingBytes: 2 ** 27, subgroupMatrices },
});

const shape = (m: number, n: number, k: number): SubgroupMatrixShape => ({ m, n, k });

/** Adapters with subgroup matrices of the shapes that are known of, with WebGPU's minimum of other things. */
export const MATRIX_ADAPTERS: Readonly<Record<string, GpuCaps>> = {
  NVIDIA: caps("discrete", 32, 256, shape(16, 8, 8), shape(16, 8, 16), shape(16, 16, 16)),
  "NVIDIA with small workgroups": caps("discrete", 32, 128, shape(16, 16, 16)),
  "NVIDIA, 16x8x16": caps("discrete", 32, 256, shape(16, 8, 16)),
  "NVIDIA, 16x8x8": caps("discrete", 32, 256, shape(16, 8, 8)),
  "AMD, wave 64": caps("discrete", 64, 256, shape(16, 16, 16)),
  Intel: caps("integrated", 16, 256, shape(8, 16, 16)),
  "Intel, 8 lanes": caps("integrated", 8, 256, shape(8, 8, 16)),
  Apple: caps("apple", 32, 256, shape(8, 8, 8)),
  unknown: caps("unknown", 32, 256, shape(32, 32, 16)),
  "of 128 lanes": caps("unknown", 128, 256, shape(16, 16, 16)),
  lavapipe: caps("software", 8, 1024, shape(8, 8, 8)),
};

/** Adapters but for those that emulate matrices. */
export const MATRIX_GPUS = Object.values(MATRIX_ADAPTERS).filter(({ adapterClass }) => adapterClass !== "software");
