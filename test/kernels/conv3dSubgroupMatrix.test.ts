// conv3dSubgroupMatrix.wgsl, the variants of adapters with subgroup matrices: on one that has them all shapes with the
// tile that a graphics card would take, and some shapes with every tile. The twin sees the weights in f16, as the
// shader rounds them, so that tolerances are those of sums in f32.
import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Dispatch, KernelContext } from "../../src/gpu/dispatch.ts";
import type { DType } from "../../src/gpu/tensor.ts";
import { preprocess } from "../../src/gpu/preprocess.ts";
import { shaderLibrary } from "../../src/gpu/shaderLibrary.ts";
import { Graph } from "../../src/graph/graph.ts";
import type { ConvProblem } from "../../src/kernels/conv3d/conv3dBlocks.ts";
import { dispatchConv3d, dispatchConvTranspose3d } from "../../src/kernels/conv3d/conv3dDispatch.ts";
import {
  subgroupMatrixTileName,
  subgroupMatrixTiles,
  subgroupMatrixVariant,
  type SubgroupMatrixTile,
} from "../../src/kernels/conv3d/conv3dSubgroupMatrix.ts";
import { convSizes } from "../../src/kernels/conv3d/conv3dShape.ts";
import { runKernels, testGpu } from "../harness.ts";
import { CASES, expectTwin, nameOf, problemOf, setUp, type Case, type Kinds } from "./conv3dCases.ts";
import * as transposed from "./convTranspose3dCases.ts";
import { needsMatrices } from "./half.ts";
import { MATRIX_ADAPTERS } from "./subgroupMatrixCaps.ts";

/** A graphics card with the matrices of this adapter. */
const CARD: Partial<GpuCaps> = { adapterClass: "discrete" };

/** Channels that fill chunks of 8 to 32 and splits, with whole blocks and rests, on wide and narrow grids. */
const CHANNELS: readonly Case[] = [
  { x: [1, 2, 9, 17, 64], kernel: 3, channels: 72, stride: 1, padding: 1, addend: true },
  { x: [2, 3, 5, 8, 40], kernel: 3, channels: 64, stride: 1, padding: 1 },
  { x: [2, 4, 4, 4, 36], kernel: 4, channels: 24, stride: 2, padding: 1, addend: true },
  { x: [1, 3, 4, 16, 32], kernel: 2, channels: 16, stride: 1, padding: 1 },
];

const F16: Kinds = ["f16", "f16"];

/** A context that looks for a card, and keeps what is dispatched. */
function recorded(ctx: KernelContext, dispatches: Dispatch[], caps = CARD): KernelContext {
  return {
    caps: { ...ctx.caps, ...caps },
    dispatch: (d) => {
      dispatches.push(d);
      ctx.dispatch(d);
    },
    clear: (tensor) => ctx.clear(tensor),
    scratch: (label, shape, dtype) => ctx.scratch(label, shape, dtype),
  };
}

function variantsOf(dispatches: readonly Dispatch[]): string[] {
  return dispatches.flatMap(({ call }) => (call ? [call.variant] : []));
}

function expectMatrices(dispatches: readonly Dispatch[], calls: number): void {
  const variants = variantsOf(dispatches);
  expect(variants.filter((name) => !name.startsWith("subgroup matrix "))).toEqual([]);
  expect(variants.length).toBe(calls);
}

/** Those operations of a case whose activations are f16, with a tile or with the table's. */
async function run(c: Case, kinds = F16, tile?: SubgroupMatrixTile) {
  const { x, weight, bias, addend, gradY } = setUp(c, kinds);
  const [ofX, ofY] = kinds;
  const { stride, padding: pad, kernel } = c;
  const outputs = {
    ...(ofX === "f16" && { y: { shape: gradY.shape, dtype: ofY } }),
    ...(ofY === "f16" && !tile && { gradX: { shape: x.shape, dtype: ofX } }),
  };
  const dispatches: Dispatch[] = [];
  const out = await runKernels(await testGpu(), { x, weight, bias, addend, gradY }, outputs, (graph, t) => {
    const ctx = recorded(graph, dispatches);
    const forward = { label: "y", x: t.x, weight: t.weight, bias: t.bias, ...(c.addend && { addend: t.addend }) };
    if (t.y) {
      dispatchConv3d(ctx, { ...forward, y: t.y, stride, pad, ...(tile && { variant: subgroupMatrixVariant(tile) }) });
    }
    if (!t.gradX) return;
    const back = { label: "gradX", x: t.gradY, weight: t.weight, y: t.gradX, exchanged: true };
    if (stride === 1) dispatchConv3d(ctx, { ...back, flipped: true, stride, pad: kernel - 1 - pad });
    else dispatchConvTranspose3d(ctx, { ...back, pad });
  });
  return { out, dispatches };
}

const MIXED = [...CASES.filter((c) => c.mixed), CHANNELS[2]!];

describe.each<[...Kinds, readonly Case[]]>([
  ["f16", "f16", [...CASES, ...CHANNELS]],
  ["f16", "f32", MIXED],
  ["f32", "f16", MIXED],
])("conv3dSubgroupMatrix as a card chooses, from %s to %s", (ofX, ofY, cases) => {
  needsMatrices();

  it.each(cases.map((c) => [nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const { out, dispatches } = await run(c, [ofX, ofY]);
    expectMatrices(dispatches, Object.keys(out).length);
    expectTwin(c, out, [ofX, ofY], "f16");
  });
});

/** y and the gradient of x, each with a tile or with the table's. */
async function runTransposed(c: transposed.Case, tile?: SubgroupMatrixTile) {
  const { x, weight, bias, gradY } = transposed.setUp(c, "f16");
  const dispatches: Dispatch[] = [];
  const half = (shape: readonly number[]) => ({ shape, dtype: "f16" as const });
  const outputs = { y: half(gradY.shape), ...(!tile && { gradX: half(x.shape) }) };
  const out = await runKernels(await testGpu(), { x, weight, bias, gradY }, outputs, (graph, t) => {
    const ctx = recorded(graph, dispatches);
    const shared = { weight: t.weight, pad: c.padding, ...(tile && { variant: subgroupMatrixVariant(tile) }) };
    dispatchConvTranspose3d(ctx, { label: "y", x: t.x, bias: t.bias, y: t.y, ...shared });
    if (!t.gradX) return;
    dispatchConv3d(ctx, { label: "gradX", x: t.gradY, y: t.gradX, stride: 2, exchanged: true, ...shared });
  });
  return { out, dispatches };
}

describe("conv3dSubgroupMatrix as a card chooses", () => {
  needsMatrices();

  it.each(transposed.CASES.map((c) => [transposed.nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const { out, dispatches } = await runTransposed(c);
    expectMatrices(dispatches, 2);
    transposed.expectTwin(c, out, "f16", "f16");
  });

  it("repeats bitwise, in splits too", async () => {
    for (const c of [CASES[2]!, CHANNELS[0]!]) {
      const { out, dispatches } = await run(c);
      expect(dispatches.some(({ label }) => label === "y sum")).toBe(c === CHANNELS[0]);
      expect((await run(c)).out).toEqual(out);
    }
  });
});

describe("every tile that a card has", () => {
  needsMatrices();

  const tilesOf = async (problem: ConvProblem) =>
    subgroupMatrixTiles({ ...(await testGpu()).caps, ...CARD }, problem, false);

  // Channels enough that tiles of many are not useless; grids, gathered positions, a pointwise one.
  it.each<Case>([
    { x: [1, 2, 7, 31, 28], kernel: 3, channels: 32, stride: 1, padding: 1 },
    { x: [3, 5, 7, 6, 5], kernel: 3, channels: 62, stride: 2, padding: 1, addend: true },
    { x: [2, 3, 5, 9, 36], kernel: 1, channels: 64, stride: 1, padding: 0 },
  ])("%o", async (c) => {
    const tiles = await tilesOf(problemOf(c));
    expect(tiles.length).toBeGreaterThan(3);
    for (const tile of tiles) {
      const { out, dispatches } = await run(c, F16, tile);
      expect(variantsOf(dispatches)).toEqual([subgroupMatrixTileName(tile)]);
      expectTwin(c, out, F16, "f16");
    }
  });

  it("transposed", async () => {
    const c: transposed.Case = { x: [1, 2, 7, 16, 10], kernel: 3, channels: 12, padding: 1 };
    const y = transposed.setUp(c).gradY.shape;
    const tiles = await tilesOf({ sizes: convSizes(c.x, y, 3), stride: 2, pad: 1, transposed: true });
    expect(new Set(tiles.map(({ BLOCK_X }) => BLOCK_X > 0))).toEqual(new Set([true, false]));
    for (const tile of tiles) {
      const { out, dispatches } = await runTransposed(c, tile);
      expect(variantsOf(dispatches)).toEqual([subgroupMatrixTileName(tile)]);
      transposed.expectTwin(c, out, "f16", "f16");
    }
  });
});

/** The shader's text for each such adapter as a dispatch makes it: forward, back, transposed, pointwise; in splits. */
function* texts(): Generator<[name: string, text: string]> {
  for (const [name, caps] of Object.entries(MATRIX_ADAPTERS)) {
    for (const [channels, ofY] of [
      [64, "f16"],
      [6, "f32"],
    ] as const) {
      const graph = new Graph(caps);
      const dispatches: Dispatch[] = [];
      const ctx = recorded(graph, dispatches, caps.adapterClass === "software" ? CARD : {});
      const tensor = (size: number, dtype: DType) => graph.scratch("t", [1, size, size, size, channels], dtype);
      const weight = (kernel: number) => graph.scratch("weight", [kernel, kernel, kernel, channels, channels]);
      for (const size of [4, 32]) {
        const [x, y, half] = [tensor(size, "f16"), tensor(size, ofY), tensor(size / 2, "f16")];
        const same = { label: "same", x, y, stride: 1 };
        dispatchConv3d(ctx, { ...same, addend: y, weight: weight(3), pad: 1 });
        dispatchConv3d(ctx, { ...same, weight: weight(3), pad: 1, exchanged: true, flipped: true });
        dispatchConv3d(ctx, { ...same, weight: weight(1), pad: 0 });
        dispatchConv3d(ctx, { label: "half", x, y: half, weight: weight(4), stride: 2, pad: 1 });
        dispatchConvTranspose3d(ctx, { label: "double", x: half, y, weight: weight(4), pad: 1 });
      }
      expect(variantsOf(dispatches).every((variant) => variant.startsWith("subgroup matrix "))).toBe(true);
      for (const { shader, constants } of dispatches) {
        if (shader.name !== "conv3dSubgroupMatrix") continue;
        yield [`${name} ${JSON.stringify(constants)}`, preprocess(shader, constants!, shaderLibrary())];
      }
    }
  }
}

describe("the shader for matrices of other adapters", () => {
  needsMatrices();

  // Types, constants and uniformity; which shapes there are is asked when a pipeline is made.
  it("is valid", async () => {
    const { device } = await testGpu();
    let count = 0;
    for (const [name, code] of texts()) {
      device.pushErrorScope("validation");
      const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
      const error = await device.popErrorScope();
      expect([...messages.map(({ message }) => message), error?.message], name).toEqual([undefined]);
      count++;
    }
    expect(count).toBe(10 * 2 * Object.keys(MATRIX_ADAPTERS).length);
  });
});
