// matmulSubgroupMatrix.wgsl on adapters with subgroup matrices, and its tiles for the matrices of others.
import matmulSubgroupMatrixShader from "../../shaders/matmul/matmulSubgroupMatrix.wgsl";
import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Dispatch, KernelContext } from "../../src/gpu/dispatch.ts";
import type { DType } from "../../src/gpu/tensor.ts";
import { attention } from "../../src/kernels/attention/attention.ts";
import { attentionGrad } from "../../src/kernels/attention/attentionGrad.ts";
import { attentionVariants } from "../../src/kernels/attention/attentionVariants.ts";
import {
  matmulSubgroupMatrixBytes,
  matmulSubgroupMatrixInvocations,
  matmulSubgroupMatrixName,
  matmulSubgroupMatrixTiles,
  type ProductLayout,
  type MatmulSubgroupMatrixTile,
} from "../../src/kernels/matmul/matmulSubgroupMatrix.ts";
import { relativeError, testGpu } from "../harness.ts";
import { attentionGrad as gradTwin, type AttentionCase } from "../../src/reference/attention.ts";
import { caseOf, CASES, expectTwin, random, run } from "./attentionCases.ts";
import { needsMatrices, roundedTo, type Stored } from "./half.ts";
import { MATRIX_ADAPTERS, MATRIX_GPUS } from "./subgroupMatrixCaps.ts";
import { declaredBytes, shaderErrors } from "./shaderChecks.ts";

/** Has both directions run a tile. */
function choicesOf(c: AttentionCase, tile: MatmulSubgroupMatrixTile): Record<string, string> {
  const name = matmulSubgroupMatrixName(tile);
  const { samples, tokens, channels } = c;
  const shape = { samples, copies: 1, heads: 1, tokens, channels, biased: 0, masked: 0 };
  const key = `${attentionVariants.describe(shape)} f16`;
  return { [`attention ${key}`]: name, [`attentionGrad ${key}`]: name };
}

function tilesOf(caps: GpuCaps, { tokens, channels }: AttentionCase): MatmulSubgroupMatrixTile[] {
  return matmulSubgroupMatrixTiles(caps, { rows: tokens, columns: channels });
}

/** Has them run the first tile that this adapter has as one of that class. */
async function matricesHere(adapterClass: GpuCaps["adapterClass"], c: AttentionCase): Promise<Partial<GpuCaps>> {
  const [tile] = tilesOf({ ...(await testGpu()).caps, adapterClass }, c);
  return { adapterClass, choices: choicesOf(c, tile!) };
}

/** What is dispatched for both directions, without a device. */
function dispatchesOf(caps: GpuCaps, { samples: n, tokens: t, channels: c }: AttentionCase, dtype: Stored): Dispatch[] {
  let id = 0;
  const dispatches: Dispatch[] = [];
  const scratch = (label: string, shape: readonly number[], dtype: DType = "f32") => {
    return { id: id++, label, shape, dtype };
  };
  const ctx: KernelContext = { caps, dispatch: (d) => dispatches.push(d), clear: () => undefined, scratch };
  const [qkv, gradQkv] = [scratch("qkv", [n, t, 3 * c], dtype), scratch("gradQkv", [n, t, 3 * c], dtype)];
  const [y, gradY] = [scratch("y", [n, t, c], dtype), scratch("gradY", [n, t, c], dtype)];
  const logSumExp = scratch("logSumExp", [n, 1, t]);
  attention(ctx, { label: "attention", qkv, y, logSumExp, scale: 1 });
  attentionGrad(ctx, { label: "attentionGrad", qkv, y, logSumExp, gradY, gradQkv, scale: 1 });
  return dispatches;
}

function productsOf(dispatches: readonly Dispatch[]): Dispatch[] {
  return dispatches.filter(({ shader }) => shader === matmulSubgroupMatrixShader);
}

/** Vectors of four along one, both and no dimension; several blocks; three tiles of keys. */
const MORE_CASES = [
  [2, 64, 36, 1],
  [1, 66, 64, 1],
  [2, 52, 20, 1],
  [1, 520, 12, 1],
] as const;

describe("matmulSubgroupMatrix", () => {
  needsMatrices();

  it.each([...CASES, ...MORE_CASES])(
    "follows the twin with small tiles: %d samples, %d tokens, %d channels, values of size %d",
    async (n, t, channels, size) => {
      const c = caseOf(n, t, channels);
      const [qkv, gradY] = random(c, size, "f16");
      expectTwin(c, size, qkv, gradY, await run(c, qkv, gradY, await matricesHere("software", c), "f16"), "f16");
    },
  );

  it("follows the twin with the tiles of GPUs", async () => {
    const c = caseOf(1, 126, 60);
    const [qkv, gradY] = random(c, 1, "f16");
    const caps = await matricesHere("discrete", c);
    expect(Object.values(caps.choices!)[0]).not.toBe(Object.values((await matricesHere("software", c)).choices!)[0]);
    expectTwin(c, 1, qkv, gradY, await run(c, qkv, gradY, caps, "f16"), "f16");
  });

  // Scores' gradients of 2e-6, of which f16 has multiples of 6e-8; those of queries and keys, sums of many, are larger.
  it("keeps gradients of scores that f16 does not", async () => {
    const c = caseOf(1, 530, 8);
    const [qkv, large] = random(c, 1, "f16");
    const gradY = roundedTo(
      "f16",
      large.map((value) => value / 1024),
    );
    const { gradQkv } = await run(c, qkv, gradY, await matricesHere("software", c), "f16");
    expect(relativeError(gradQkv, gradTwin(c, qkv, gradY).gradQkv)).toBeLessThan(4 * 2 ** -11);
  });

  it("keeps samples apart", async () => {
    const c = caseOf(3, 70, 8);
    const caps = await matricesHere("software", c);
    const [qkv, gradY] = random(c, 1, "f16");
    const whole = await run(c, qkv, gradY, caps, "f16");
    const result = await run(c, qkv.slice().fill(NaN, 70 * 24, 2 * 70 * 24), gradY, caps, "f16");
    for (const [name, width] of [
      ["y", 8],
      ["gradQkv", 24],
      ["logSumExp", 1],
    ] as const) {
      const sample = (values: Float32Array, n: number) => values.subarray(n * 70 * width, (n + 1) * 70 * width);
      for (const n of [0, 2]) expect(sample(result[name], n)).toEqual(sample(whole[name], n));
      expect(sample(result[name], 1).every((value) => Number.isNaN(value))).toBe(true);
    }
  });

  it("repeats bitwise", async () => {
    const c = caseOf(2, 300, 12);
    const caps = await matricesHere("software", c);
    const [qkv, gradY] = random(c, 1, "f16");
    expect(await run(c, qkv, gradY, caps, "f16")).toEqual(await run(c, qkv, gradY, caps, "f16"));
  });

  it("has shaders that Dawn accepts for the matrices of other adapters", async () => {
    const { device } = await testGpu();
    for (const caps of MATRIX_GPUS) {
      const products = productsOf(dispatchesOf(caps, caseOf(1, 64, 64), "f16"));
      expect(products.length).toBe(7);
      for (const { shader, constants } of products) {
        expect(await shaderErrors(device, shader, constants!), JSON.stringify(constants)).toEqual([]);
      }
    }
  });
});

describe("tiles of matmulSubgroupMatrix", () => {
  const shapes = [1, 8, 64, 125, 512, 4096].flatMap((t) => [1, 8, 20, 32, 64, 128, 512].map((c) => caseOf(2, t, c)));

  it("are some for every shape of matrices, with their own names, within WebGPU's minimum of workgroup memory", () => {
    const known = new Map<string, number>();
    for (const [name, caps] of Object.entries(MATRIX_ADAPTERS)) {
      for (const c of shapes) {
        const tiles = tilesOf(caps, c);
        const names = tiles.map(matmulSubgroupMatrixName);
        expect(names.length, name).toBeGreaterThan(0);
        expect(new Set(names).size).toBe(names.length);
        for (const tile of tiles) {
          expect(matmulSubgroupMatrixInvocations(tile)).toBeLessThanOrEqual(caps.maxWorkgroupInvocations);
          const dispatches = dispatchesOf({ ...caps, choices: choicesOf(c, tile) }, c, "f16");
          for (const { shader, constants } of productsOf(dispatches)) {
            const key = JSON.stringify(constants);
            if (!known.has(key)) known.set(key, declaredBytes(shader, constants!));
            const layout = constants as unknown as ProductLayout;
            expect(matmulSubgroupMatrixBytes(tile, layout, Number(constants!.DEPTH)), key).toBe(known.get(key));
            expect(known.get(key)).toBeLessThanOrEqual(16_384);
          }
        }
      }
    }
    expect(known.size).toBeGreaterThan(100);
  });

  it("are the default on GPUs for f16, and nowhere else", () => {
    const c = caseOf(2, 512, 64);
    const kinds = (caps: GpuCaps, dtype: Stored) => {
      const calls = dispatchesOf(caps, c, dtype).flatMap(({ call }) => (call ? [call.variant.split(" ", 1)[0]] : []));
      return [...new Set(calls)];
    };
    for (const caps of MATRIX_GPUS) {
      expect(kinds(caps, "f16")).toEqual(["subgroup"]);
      expect(kinds(caps, "f32")).toEqual(["loads"]);
      expect(kinds({ ...caps, subgroupMatrices: [] }, "f16")).toEqual(["loads"]);
    }
    expect(kinds(MATRIX_ADAPTERS.lavapipe!, "f16")).toEqual(["fused", "held"]);
    expect(tilesOf(MATRIX_ADAPTERS.lavapipe!, c).length).toBe(1);
  });
});
