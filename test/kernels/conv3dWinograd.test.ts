// conv3dWinogradMatmul.wgsl and its passes, the kernels for SwiftShader, on whatever adapter there is.
import { describe, expect, it } from "vitest";
import type { Dispatch, KernelContext } from "../../src/gpu/dispatch.ts";
import { dispatchConv3d } from "../../src/kernels/conv3d/conv3dDispatch.ts";
import { dispatchConv3dGradWeight } from "../../src/kernels/conv3d/conv3dGradWeight.ts";
import { runKernels, testGpu } from "../harness.ts";
import { withCaps } from "./capsOf.ts";
import { expectTwin, nameOf, setUp, type Case } from "./conv3dCases.ts";

const QUADS = {
  adapterClass: "software",
  subgroups: true,
  subgroupMinSize: 4,
  subgroupMaxSize: 4,
  f16: false,
} as const;

/** The variants that the tables give to an adapter of such subgroups, and the dispatches that they made. */
async function run(c: Case) {
  const { x, weight, bias, addend, gradY, gradWeight0 } = setUp(c);
  const made: Dispatch[] = [];
  const out = await runKernels(
    await testGpu(),
    { x, weight, bias, addend, gradY },
    {
      y: { shape: gradY.shape },
      gradX: { shape: x.shape },
      gradWeight: { shape: weight.shape, init: gradWeight0.data },
    },
    (graph, t) => {
      const quads = withCaps(graph, QUADS);
      const ctx: KernelContext = {
        ...quads,
        dispatch: (d) => {
          made.push(d);
          quads.dispatch(d);
        },
      };
      const residual = c.addend ? { addend: t.addend } : {};
      const same = { stride: 1, pad: 1 };
      dispatchConv3d(ctx, { label: "y", x: t.x, weight: t.weight, bias: t.bias, ...residual, y: t.y, ...same });
      const back = { x: t.gradY, weight: t.weight, y: t.gradX, exchanged: true, flipped: true };
      dispatchConv3d(ctx, { label: "gradX", ...back, ...same });
      const gradient = { x: t.x, gradY: t.gradY, gradWeight: t.gradWeight, transposed: false };
      dispatchConv3dGradWeight(ctx, { label: "gradWeight", ...gradient, ...same });
    },
  );
  return { out, products: made.filter(({ shader }) => shader.name === "conv3dWinogradMatmul") };
}

/** Grids with edges of every kind; few, since tiles of 32 rows and columns compile for long on other adapters. */
const POINTS: readonly Case[] = [
  { x: [3, 5, 3, 7, 9], kernel: 3, channels: 8, stride: 1, padding: 1, addend: true },
  { x: [2, 3, 6, 37, 8], kernel: 3, channels: 11, stride: 1, padding: 1, addend: true },
  { x: [2, 3, 6, 3, 8], kernel: 3, channels: 16, stride: 1, padding: 1 },
  { x: [1, 13, 14, 65, 9], kernel: 3, channels: 10, stride: 1, padding: 1 },
];

describe("Winograd's points", () => {
  it.each(POINTS.map((c) => [nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const { out, products } = await run(c);
    expectTwin(c, out);
    expect(products).toHaveLength(3);
  });

  it("agree with the twin where they are made in parts, with the largest tiles", async () => {
    const c: Case = { x: [350, 1, 2, 5, 128], kernel: 3, channels: 64, stride: 1, padding: 1 };
    const { out, products } = await run(c);
    expectTwin(c, out);
    const parts = (label: string) => products.filter((d) => d.label === label).length;
    expect(parts("y")).toBeGreaterThan(1);
    expect(parts("gradX")).toBeGreaterThan(1);
    expect(parts("gradWeight")).toBeGreaterThan(1);
    expect(products.map(({ call }) => call?.variant)).toEqual(expect.arrayContaining(["winograd 16x32"]));
  });
});
