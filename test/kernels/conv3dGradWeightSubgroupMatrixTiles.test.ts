// Tiles of conv3dGradWeightSubgroupMatrix.wgsl for the matrices of all adapters, by reckoning alone.
import conv3dGradWeightSubgroupMatrixShader from "../../shaders/conv3d/conv3dGradWeightSubgroupMatrix.wgsl";
import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Dispatch } from "../../src/gpu/dispatch.ts";
import {
  gradWeightSubgroupMatrixBytes,
  gradWeightSubgroupMatrixInvocations,
  gradWeightSubgroupMatrixName,
  gradWeightSubgroupMatrixTiles,
} from "../../src/kernels/conv3d/conv3dGradWeightSubgroupMatrixTiles.ts";
import { F32, nameOf, type Case, type Kinds } from "./conv3dCases.ts";
import { dispatchesOf, HALF, tilesOf } from "./gradWeightDispatches.ts";
import { MATRIX_ADAPTERS, MATRIX_GPUS } from "./subgroupMatrixCaps.ts";
import { networkShapes } from "./networkShapes.ts";
import { declaredBytes } from "./shaderChecks.ts";

describe("tiles of conv3dGradWeightSubgroupMatrix", () => {
  it("are some for every shape of matrices, with their own names, within WebGPU's minimum of workgroup memory", () => {
    const known = new Map<string, number>();
    for (const [name, caps] of Object.entries(MATRIX_ADAPTERS)) {
      for (const { sizes, stride, pad, transposed } of networkShapes()) {
        if (transposed) continue;
        const tiles = gradWeightSubgroupMatrixTiles(caps, sizes, stride, pad);
        const names = tiles.map(gradWeightSubgroupMatrixName);
        expect(names.length, name).toBeGreaterThan(0);
        expect(new Set(names).size, name).toBe(names.length);
        for (const tile of tiles) {
          const more = { KERNEL: sizes.kernel, STRIDE: stride, LOADS_X: 1, LOADS_G: 1, X_F16: true, Y_F16: true };
          const constants = { ...tile, ...more };
          const key = JSON.stringify(constants);
          if (!known.has(key)) known.set(key, declaredBytes(conv3dGradWeightSubgroupMatrixShader, constants));
          expect(gradWeightSubgroupMatrixBytes(tile, sizes.kernel, stride), key).toBe(known.get(key));
          expect(known.get(key)).toBeLessThanOrEqual(16_384);
          expect(gradWeightSubgroupMatrixInvocations(tile)).toBeLessThanOrEqual(caps.maxWorkgroupInvocations);
        }
      }
    }
    expect(known.size).toBeGreaterThan(100);
  });

  it("are the default on GPUs where x and gradY are both f16, and nowhere else", () => {
    const c: Case = { x: [2, 16, 16, 16, 32], kernel: 3, channels: 32, stride: 1, padding: 1 };
    const chosen = (caps: GpuCaps, kinds: Kinds) => dispatchesOf(caps, c, kinds)[0]!.call!.variant;
    for (const caps of MATRIX_GPUS) {
      expect(chosen(caps, HALF)).toMatch(/^subgroup matrix /);
      for (const kinds of [F32, ["f16", "f32"], ["f32", "f16"]] as const) {
        expect(chosen(caps, kinds)).toMatch(/^tiled /);
      }
    }
    const { lavapipe } = MATRIX_ADAPTERS;
    expect(chosen(lavapipe!, HALF)).not.toMatch(/^subgroup matrix /);
    expect(tilesOf(lavapipe!, c).length).toBe(1);
    for (const caps of MATRIX_GPUS) expect(chosen({ ...caps, subgroupMatrices: [] }, HALF)).toMatch(/^tiled /);
  });

  it("make workgroups enough of small grids with many channels, and of large ones with few", () => {
    for (const [size, channels] of [
      [8, 256],
      [16, 64],
      [32, 16],
    ] as const) {
      const c: Case = { x: [4, size, size, size, channels], kernel: 3, channels, stride: 1, padding: 1 };
      const [{ workgroups, constants }] = dispatchesOf(MATRIX_ADAPTERS.NVIDIA!, c, HALF) as [Dispatch];
      const { SUBGROUPS_I, SUBGROUPS_O } = constants as Record<string, number>;
      expect(workgroups[0] * SUBGROUPS_I! * SUBGROUPS_O!, nameOf(c)).toBeGreaterThanOrEqual(512);
    }
  });
});
