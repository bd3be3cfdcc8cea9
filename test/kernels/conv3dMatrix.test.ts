// conv3dMatrix.wgsl, the variants of adapters with subgroup matrices: on one that has them all shapes with the tile that a
// graphics card would take, and some shapes with every tile. The twin sees the weights in f16, as the shader rounds them, so
// that tolerances are those of sums in f32.
import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { DType, KernelCall, KernelContext, Tensor } from "../../src/gpu/dispatch.ts";
import { dispatchConv3d, dispatchConvTranspose3d } from "../../src/kernels/conv3dDispatch.ts";
import { convSizes } from "../../src/kernels/conv3dShape.ts";
import { matrixVariant } from "../../src/kernels/conv3dFamily.ts";
import { matrixName, matrixTiles, type MatrixTile } from "../../src/kernels/conv3dMatrix.ts";
import { runKernels, testGpu, type OutputSpec } from "../harness.ts";
import { withCaps } from "./capsOf.ts";
import { CASES, expectTwin, nameOf, setUp, type Case, type Kinds } from "./conv3dCases.ts";
import * as transposed from "./convTranspose3dCases.ts";
import { needsMatrices } from "./half.ts";

/** A graphics card with the matrices of this adapter. */
const CARD: Partial<GpuCaps> = { adapterClass: "discrete" };

/** Channels that fill chunks of 8 to 32 and slices, with whole blocks and rests, on wide and narrow grids. */
const CHANNELS: readonly Case[] = [
  { x: [1, 2, 9, 17, 64], kernel: 3, channels: 72, stride: 1, padding: 1, addend: true },
  { x: [2, 3, 5, 8, 40], kernel: 3, channels: 64, stride: 1, padding: 1 },
  { x: [2, 4, 4, 4, 36], kernel: 4, channels: 24, stride: 2, padding: 1, addend: true },
  { x: [1, 3, 4, 16, 32], kernel: 2, channels: 16, stride: 1, padding: 1 },
];

/** A context that looks for a card, and keeps the calls of what is dispatched. */
function recorded(ctx: KernelContext, calls: KernelCall[]): KernelContext {
  const inner = withCaps(ctx, CARD);
  return {
    ...inner,
    dispatch: (d) => {
      if (d.call) calls.push(d.call);
      ctx.dispatch(d);
    },
  };
}

/** Those operations of a case whose activations are f16, with a tile or with the table's. */
async function run(c: Case, kinds: Kinds, tile?: MatrixTile) {
  const { x, weight, bias, addend, gradY } = setUp(c, kinds);
  const [ofX, ofY] = kinds;
  const { stride, padding: pad, kernel } = c;
  const outputs: Record<string, OutputSpec> = {};
  if (ofX === "f16") outputs.y = { shape: gradY.shape, dtype: ofY };
  if (ofY === "f16") outputs.gradX = { shape: x.shape, dtype: ofX };
  const calls: KernelCall[] = [];
  const variant = tile && { variant: matrixVariant(tile) };
  const out = await runKernels(await testGpu(), { x, weight, bias, addend, gradY }, outputs, (graph, t) => {
    const ctx = recorded(graph, calls);
    const residual = c.addend ? { addend: t.addend! } : {};
    if (t.y) dispatchConv3d(ctx, { label: "y", x: t.x!, weight: t.weight!, bias: t.bias!, ...residual, y: t.y, stride, pad, ...variant });
    const back = { label: "gradX", x: t.gradY!, weight: t.weight!, exchanged: true, ...variant };
    if (!t.gradX) return;
    if (stride === 1) dispatchConv3d(ctx, { ...back, y: t.gradX, flipped: true, stride, pad: kernel - 1 - pad });
    else dispatchConvTranspose3d(ctx, { ...back, y: t.gradX, pad });
  });
  return { out, variants: calls.map((call) => call.variant) };
}

const f16: Kinds = ["f16", "f16"];
const MIXED = [...CASES.filter((c) => c.mixed), CHANNELS[2]!];

describe.each<[...Kinds, readonly Case[]]>([
  ["f16", "f16", [...CASES, ...CHANNELS]],
  ["f16", "f32", MIXED],
  ["f32", "f16", MIXED],
])("conv3dMatrix as a card chooses, from %s to %s", (ofX, ofY, cases) => {
  needsMatrices();

  it.each(cases.map((c) => [nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const { out, variants } = await run(c, [ofX, ofY]);
    expect(variants.filter((name) => !name.startsWith("matrix "))).toEqual([]);
    expect(variants.length).toBe(Object.keys(out).length);
    expectTwin(c, out, [ofX, ofY], "f16");
  });
});
