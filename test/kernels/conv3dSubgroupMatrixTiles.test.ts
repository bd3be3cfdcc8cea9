// Tiles of conv3dSubgroupMatrix.wgsl for the matrices of all adapters, by reckoning alone.
import conv3dSubgroupMatrixShader from "../../shaders/conv3d/conv3dSubgroupMatrix.wgsl";
import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import { blockGrid, blockSplits, blockWorkgroups, utilisation } from "../../src/kernels/conv3d/conv3dBlocks.ts";
import { convShape } from "../../src/kernels/conv3d/conv3dCall.ts";
import { conv3dVariants, convTranspose3dVariants } from "../../src/kernels/conv3d/conv3dVariants.ts";
import {
  subgroupMatrixBytes,
  subgroupMatrixDivision,
  subgroupMatrixInvocations,
  subgroupMatrixKernel,
  subgroupMatrixTileName,
  subgroupMatrixTiles,
} from "../../src/kernels/conv3d/conv3dSubgroupMatrix.ts";
import { convSizes } from "../../src/kernels/conv3d/conv3dShape.ts";
import { choose } from "../../src/kernels/kernel.ts";
import { problemOf } from "./conv3dCases.ts";
import { MATRIX_ADAPTERS } from "./subgroupMatrixCaps.ts";
import { networkShapes } from "./networkShapes.ts";
import { declaredBytes } from "./shaderChecks.ts";

const NVIDIA = MATRIX_ADAPTERS.NVIDIA!;

describe("tiles for the shapes of networks", () => {
  it("stay within WebGPU's minimum of memory and the adapter's invocations, by what the shader declares", () => {
    const known = new Map<string, number>();
    const declared = (constants: Record<string, number | boolean>) => {
      const key = JSON.stringify(constants);
      if (!known.has(key)) known.set(key, declaredBytes(conv3dSubgroupMatrixShader, constants));
      return known.get(key)!;
    };
    const bad: string[] = [];
    for (const problem of networkShapes()) {
      const { taps, step } = blockGrid(problem, false);
      for (const [name, caps] of Object.entries(MATRIX_ADAPTERS)) {
        for (const exchanged of [false, true]) {
          const tiles = subgroupMatrixTiles(caps, problem, exchanged);
          const names = new Set(tiles.map(subgroupMatrixTileName));
          if (tiles.length === 0 || names.size !== tiles.length) bad.push(`${[...names].join(", ")} on ${name}`);
          for (const tile of tiles) {
            const { constants, division } = subgroupMatrixKernel(problem, tile);
            const { MATRIX_M: m, MATRIX_N: n, MATRIX_K: k } = tile;
            const bytes = declared({ KERNEL: taps, STRIDE: step, WEIGHT_IN: exchanged, X_F16: true, ...constants });
            const fits = bytes === subgroupMatrixBytes(tile, taps, step, exchanged) && bytes <= 16_384;
            const runs = subgroupMatrixInvocations(tile) <= Math.min(256, caps.maxWorkgroupInvocations);
            const listed = caps.subgroupMatrices.some((shape) => shape.m === m && shape.n === n && shape.k === k);
            // Rows of matrices along x, whole ones in a chunk, and every position of a block in one.
            const [z, y, x] = division.block;
            const whole = x % m === 0 && tile.CHUNK % k === 0 && x * y * z === tile.SUBGROUPS_M * tile.TILES_M * m;
            if (!fits || !runs || !listed || !whole) bad.push(`${subgroupMatrixTileName(tile)} on ${name}`);
          }
        }
      }
    }
    expect(bad).toEqual([]);
    expect(known.size).toBeGreaterThan(100);
  });

  it("lay positions along rows that fill matrices, and gather those of narrow grids", () => {
    const layout = (size: number, caps: GpuCaps) => {
      const problem = problemOf({ x: [16, size, size, size, 64], kernel: 3, channels: 64, stride: 1, padding: 1 });
      return subgroupMatrixTileName(subgroupMatrixTiles(caps, problem, false)[0]!);
    };
    expect([32, 8, 4].map((size) => layout(size, NVIDIA))).toEqual([
      "subgroup matrix 16x16x16 16x8x1x64 w128",
      "subgroup matrix 16x16x16 gathered 128x64 w128",
      "subgroup matrix 16x16x16 gathered 64x16 w128",
    ]);
    expect([32, 8, 4].map((size) => layout(size, MATRIX_ADAPTERS.Apple!))).toEqual([
      "subgroup matrix 8x8x8 16x8x1x64 w256",
      "subgroup matrix 8x8x8 8x8x2x64 w256",
      "subgroup matrix 8x8x8 gathered 128x64 w256",
    ]);
  });

  it("waste little, and make workgroups enough of small grids with many channels", () => {
    for (const [size, channels] of [
      [4, 512],
      [8, 512],
      [8, 128],
      [16, 64],
    ] as const) {
      const problem = problemOf({ x: [1, size, size, size, channels], kernel: 3, channels, stride: 1, padding: 1 });
      const division = subgroupMatrixDivision(problem, subgroupMatrixTiles(NVIDIA, problem, false)[0]!);
      expect(utilisation(problem, division)).toBe(1);
      const { splits, channelsPerSplit } = blockSplits(NVIDIA, problem, division);
      expect(splits * blockWorkgroups(problem, division)).toBeGreaterThanOrEqual(128);
      expect(splits * channelsPerSplit).toBeGreaterThanOrEqual(channels);
      expect(channelsPerSplit % division.chunk).toBe(0);
    }
  });
});

describe("matrix variants", () => {
  const shape = convShape(convSizes([1, 32, 32, 32, 64], [1, 32, 32, 32, 64], 3), 1, 1);
  const double = convShape(convSizes([1, 16, 16, 16, 64], [1, 32, 32, 32, 32], 4), 2, 1);
  const calls = [
    [conv3dVariants, shape],
    [convTranspose3dVariants, double],
  ] as const;
  const isMatrix = (name: string) => name.startsWith("subgroup matrix ");

  it("are the default of every adapter that has them but a processor, which lists one", () => {
    for (const [name, caps] of Object.entries(MATRIX_ADAPTERS)) {
      const software = caps.adapterClass === "software";
      for (const [family, of] of calls) {
        expect(isMatrix(choose(caps, family, of, "f16").variant.name), name).toBe(!software);
        const count = family.of(caps, of, "f16").filter((variant) => isMatrix(variant.name)).length;
        if (software) expect(count).toBe(1);
        else expect(count).toBeGreaterThan(1);
      }
    }
  });

  it("are none for activations in f32, nor without matrices of a shape that tiles are made of", () => {
    for (const [family, of] of calls) {
      expect(family.of(NVIDIA, of, "f32").some(({ name }) => isMatrix(name))).toBe(false);
      for (const subgroupMatrices of [[], [{ m: 3, n: 5, k: 7 }], [{ m: 16, n: 4, k: 16 }]]) {
        const variants = family.of({ ...NVIDIA, subgroupMatrices }, of, "f16");
        expect(variants.some(({ name }) => isMatrix(name))).toBe(false);
        expect(variants.length).toBeGreaterThan(1);
      }
    }
  });
});
