// conv3dTiled.wgsl and conv3dGradWeightTiled.wgsl, the variants of GPUs, on whatever adapter there is: all shapes with
// tiles that are small, as they compile fast, and all tiles of the tables with some shapes.
import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { KernelContext } from "../../src/gpu/dispatch.ts";
import type { Shader } from "../../src/gpu/shader.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { blockGrid, blockSplits, blockWorkgroups } from "../../src/kernels/conv3d/conv3dBlocks.ts";
import {
  tiledBytes,
  tiledDivision,
  tiledInvocations,
  tiledName,
  tiledVariant,
  tilings,
  type Tiling,
} from "../../src/kernels/conv3d/conv3dTiled.ts";
import { dispatchConv3d, dispatchConvTranspose3d } from "../../src/kernels/conv3d/conv3dDispatch.ts";
import { dispatchConv3dGradWeight } from "../../src/kernels/conv3d/conv3dGradWeight.ts";
import {
  gradWeightTiledBytes,
  gradWeightTiledInvocations,
  gradWeightTiledName,
  gradWeightTilings,
  type GradWeightTiling,
} from "../../src/kernels/conv3d/conv3dGradWeightTiled.ts";
import { convShape } from "../../src/kernels/conv3d/conv3dCall.ts";
import { conv3dVariants } from "../../src/kernels/conv3d/conv3dVariants.ts";
import { gradWeightTiledVariant, gradWeightVariants } from "../../src/kernels/conv3d/conv3dGradWeightVariants.ts";
import { choose } from "../../src/kernels/kernel.ts";
import conv3dTiledShader from "../../shaders/conv3d/conv3dTiled.wgsl";
import conv3dGradWeightTiledShader from "../../shaders/conv3d/conv3dGradWeightTiled.wgsl";
import { runKernels, testGpu } from "../harness.ts";
import { PLAIN_GPU, withCaps } from "./capsOf.ts";
import { CASES, expectTwin, F32, nameOf, problemOf, setUp, type Case, type Kinds } from "./conv3dCases.ts";
import * as transposed from "./convTranspose3dCases.ts";
import { needsStored, STORED } from "./half.ts";
import { networkShapes } from "./networkShapes.ts";
import { declaredBytes } from "./shaderChecks.ts";

const gradWeightTiled = (tile: GradWeightTiling) => gradWeightTiledVariant(tile, 3);

const SMALL: Tiling = {
  ...{ THREAD_X: 2, THREAD_Y: 1, THREAD_C4: 1, LANES_X: 2, LANES_Y: 2, LANES_Z: 2, LANES_C: 2 },
  CHUNK4: 1,
};
const SMALL_GRAD_WEIGHT: GradWeightTiling = {
  ...{ RUN: 2, RUNS_X: 2, STEP_Y: 2, LANES_I: 2, LANES_O: 2, THREAD_I4: 1, THREAD_O4: 1 },
};

type Tensors = Readonly<Record<"x" | "weight" | "bias" | "addend" | "gradY" | "y" | "gradX", Tensor>> & {
  readonly gradWeight?: Tensor;
};

/** The operations of a case as kernels dispatch them, with given tiles. */
function emit(ctx: KernelContext, c: Case, t: Tensors, tile: Tiling, gradTile?: GradWeightTiling) {
  const { stride } = c;
  const { x, weight, gradY, gradX } = t;
  const variant = tiledVariant(tile);
  const residual = c.addend ? { addend: t.addend } : {};
  dispatchConv3d(ctx, { label: "y", x, weight, bias: t.bias, ...residual, y: t.y, stride, pad: c.padding, variant });
  const back = { label: "gradX", x: gradY, weight, y: gradX, exchanged: true, variant };
  if (stride === 1) dispatchConv3d(ctx, { ...back, flipped: true, stride, pad: c.kernel - 1 - c.padding });
  else dispatchConvTranspose3d(ctx, { ...back, pad: c.padding });
  if (!gradTile) return;
  const gradWeight = { label: "gradWeight", x, gradY, gradWeight: t.gradWeight!, stride, pad: c.padding };
  dispatchConv3dGradWeight(ctx, { ...gradWeight, transposed: false, variant: gradWeightTiled(gradTile) });
}

async function run(c: Case, tile: Tiling, gradTile?: GradWeightTiling, kinds = F32) {
  const { x, weight, bias, addend, gradY, gradWeight0 } = setUp(c, kinds);
  const [ofX, ofY] = kinds;
  const outputs = {
    y: { shape: gradY.shape, dtype: ofY },
    gradX: { shape: x.shape, dtype: ofX },
    ...(gradTile && { gradWeight: { shape: weight.shape, init: gradWeight0.data } }),
  };
  return runKernels(await testGpu(), { x, weight, bias, addend, gradY }, outputs, (graph, t) =>
    emit(withCaps(graph, PLAIN_GPU), c, t, tile, gradTile),
  );
}

/** Channels enough, and voxels few enough, for splits. */
const SPLIT = CASES.find((c) => c.x[4] === 68)!;

// Channels of any number, of whole vec4s, and in splits.
const SOME = [CASES[2]!, CASES.find((c) => c.x[4] === 12)!, SPLIT];

describe.each<[...Kinds, readonly Case[]]>([
  ["f32", "f32", CASES],
  ["f16", "f16", CASES],
  ["f32", "f16", SOME],
  ["f16", "f32", SOME],
])("conv3dTiled with small tiles from %s to %s", (ofX, ofY, cases) => {
  needsStored(ofX === "f32" ? ofY : ofX);

  it.each(cases.map((c) => [nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    expectTwin(c, await run(c, SMALL, SMALL_GRAD_WEIGHT, [ofX, ofY]), [ofX, ofY]);
  });
});

describe.each(STORED)("conv3dTiled with small tiles in %s", (dtype) => {
  needsStored(dtype);

  it.each(transposed.CASES.map((c) => [transposed.nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const { x, weight, bias, gradY, gradWeight0 } = transposed.setUp(c, dtype);
    const out = await runKernels(
      await testGpu(),
      { x, weight, bias, gradY },
      {
        y: { shape: gradY.shape, dtype },
        gradX: { shape: x.shape, dtype },
        gradWeight: { shape: weight.shape, init: gradWeight0.data },
      },
      (graph, t) => {
        const ctx = withCaps(graph, PLAIN_GPU);
        const shared = { weight: t.weight, pad: c.padding, variant: tiledVariant(SMALL) };
        dispatchConvTranspose3d(ctx, { label: "y", x: t.x, bias: t.bias, y: t.y, ...shared });
        dispatchConv3d(ctx, { label: "gradX", x: t.gradY, y: t.gradX, stride: 2, exchanged: true, ...shared });
        dispatchConv3dGradWeight(ctx, {
          ...{ label: "gradWeight", x: t.gradY, gradY: t.x, gradWeight: t.gradWeight, stride: 2, pad: c.padding },
          ...{ transposed: true, variant: gradWeightTiled(SMALL_GRAD_WEIGHT) },
        });
      },
    );
    transposed.expectTwin(c, out, dtype);
  });

  it("repeats bitwise, in splits too", async () => {
    for (const c of [CASES[2]!, SPLIT]) {
      expect(await run(c, SMALL, SMALL_GRAD_WEIGHT)).toEqual(await run(c, SMALL, SMALL_GRAD_WEIGHT));
    }
  });
});

const caps = (adapterClass: GpuCaps["adapterClass"]): GpuCaps => ({
  ...{ adapterClass, subgroups: false, subgroupMinSize: 1, subgroupMaxSize: 1, f16: false },
  ...{ maxWorkgroupInvocations: 256, maxBindingBytes: 2 ** 27, subgroupMatrices: [] },
});
const GPUS = [caps("discrete"), caps("integrated"), caps("unknown")];

function distinct<T>(values: T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

describe("every tile of the tables", () => {
  const full: Case = { x: [1, 5, 6, 9, 12], kernel: 3, channels: 68, stride: 1, padding: 1 };
  const pointwise: Case = { x: [2, 3, 5, 9, 20], kernel: 1, channels: 68, stride: 1, padding: 0 };

  const tilesOf = (c: Case) => distinct(GPUS.flatMap((gpu) => tilings(gpu, problemOf(c))));

  it.each(
    [full, pointwise].flatMap((c) =>
      tilesOf(c).map((tile) => [`kernel ${c.kernel}, ${tiledName(tile)}`, tile, c] as const),
    ),
  )("%s", async (_, tile, c) => {
    const { x, weight, bias, addend, gradY } = setUp(c);
    const out = await runKernels(
      await testGpu(),
      { x, weight, bias, addend },
      { y: { shape: gradY.shape } },
      (graph, t) => {
        const residual = c.addend ? { addend: t.addend } : {};
        dispatchConv3d(withCaps(graph, PLAIN_GPU), {
          ...{ label: "y", x: t.x, weight: t.weight, bias: t.bias, y: t.y, ...residual },
          ...{ stride: c.stride, pad: c.padding, variant: tiledVariant(tile) },
        });
      },
    );
    expectTwin(c, out);
  });

  const gradients: Case[] = [
    { x: [1, 1, 3, 9, 128], kernel: 1, channels: 120, stride: 1, padding: 0 },
    { x: [1, 2, 5, 11, 32], kernel: 2, channels: 64, stride: 2, padding: 0 },
    { x: [1, 2, 5, 9, 32], kernel: 3, channels: 64, stride: 1, padding: 1 },
    { x: [1, 3, 5, 10, 32], kernel: 4, channels: 32, stride: 2, padding: 1 },
  ];
  const gradTiles = (c: Case) =>
    distinct(GPUS.flatMap((gpu) => gradWeightTilings(gpu, problemOf(c).sizes, c.stride))).map((tile) => {
      return [`kernel ${c.kernel}, ${gradWeightTiledName(tile, c.kernel)}`, c, tile] as const;
    });

  it.each(gradients.flatMap(gradTiles))("gradient of weights, %s", async (_, c, tile) => {
    const { x, weight, gradY, gradWeight0 } = setUp(c);
    const out = await runKernels(
      await testGpu(),
      { x, gradY },
      { gradWeight: { shape: weight.shape, init: gradWeight0.data } },
      (graph, t) => {
        dispatchConv3dGradWeight(withCaps(graph, PLAIN_GPU), {
          ...{ label: "gradWeight", x: t.x, gradY: t.gradY, gradWeight: t.gradWeight },
          ...{ stride: c.stride, pad: c.padding, transposed: false, variant: gradWeightTiled(tile) },
        });
      },
    );
    expectTwin(c, out);
  });
});

const sources: Record<string, Shader> = {
  conv3dTiled: conv3dTiledShader,
  conv3dGradWeightTiled: conv3dGradWeightTiledShader,
};

describe("tiles for the shapes of networks", () => {
  it("stay within WebGPU's minimum of workgroup memory and invocations, by what the shaders declare", () => {
    const known = new Map<string, number>();
    const declared = (shader: string, constants: Record<string, number>) => {
      const key = JSON.stringify([shader, constants]);
      if (!known.has(key)) known.set(key, declaredBytes(sources[shader]!, constants));
      return known.get(key)!;
    };
    for (const problem of networkShapes()) {
      const { taps, step } = blockGrid(problem, false);
      for (const gpu of GPUS) {
        for (const tile of tilings(gpu, problem)) {
          const bytes = declared("conv3dTiled", { KERNEL: taps, STRIDE: step, ...tile });
          expect(bytes).toBe(tiledBytes(tile, taps, step));
          expect(bytes).toBeLessThanOrEqual(16_384);
          expect(tiledInvocations(tile)).toBeLessThanOrEqual(256);
        }
        if (problem.transposed) continue;
        const { sizes, stride } = problem;
        for (const tile of gradWeightTilings(gpu, sizes, stride)) {
          const KEPT = Math.max(0, sizes.kernel - stride);
          const constants = { KERNEL: sizes.kernel, STRIDE: stride, KEPT, ...tile };
          expect(declared("conv3dGradWeightTiled", constants)).toBe(gradWeightTiledBytes(tile, sizes.kernel, stride));
          expect(gradWeightTiledBytes(tile, sizes.kernel, stride)).toBeLessThanOrEqual(16_384);
          expect(gradWeightTiledInvocations(tile, sizes.kernel)).toBeLessThanOrEqual(256);
        }
      }
    }
    expect(known.size).toBeGreaterThan(50);
  });

  it("have names of their own", () => {
    for (const problem of networkShapes()) {
      const names = tilings(GPUS[0]!, problem).map(tiledName);
      expect(new Set(names).size, names.join(", ")).toBe(names.length);
      const { sizes, stride } = problem;
      const gradients = gradWeightTilings(GPUS[0]!, sizes, stride).map((tile) =>
        gradWeightTiledName(tile, sizes.kernel),
      );
      expect(new Set(gradients).size, gradients.join(", ")).toBe(gradients.length);
    }
  });

  it("are some for every adapter, fewer where it takes fewer invocations", () => {
    for (const problem of networkShapes()) {
      const few = tilings({ ...GPUS[0]!, maxWorkgroupInvocations: 128 }, problem);
      expect(few.length).toBeGreaterThan(0);
      expect(Math.max(...few.map(tiledInvocations))).toBeLessThanOrEqual(128);
    }
  });

  it("make workgroups enough of small grids with many channels", () => {
    for (const [size, channels] of [
      [4, 512],
      [8, 512],
      [8, 128],
      [16, 64],
    ] as const) {
      const c: Case = { x: [1, size, size, size, channels], kernel: 3, channels, stride: 1, padding: 1 };
      const problem = problemOf(c);
      const division = tiledDivision(problem, tilings(GPUS[0]!, problem)[0]!);
      const { splits, channelsPerSplit } = blockSplits(GPUS[0]!, problem, division);
      expect(splits * blockWorkgroups(problem, division)).toBeGreaterThanOrEqual(256);
      expect(splits * channelsPerSplit).toBeGreaterThanOrEqual(channels);
    }
  });

  it("are the default on GPUs and not on software adapters, where all can be had", () => {
    const problem = problemOf({ x: [1, 32, 32, 32, 64], kernel: 3, channels: 64, stride: 1, padding: 1 });
    const shape = { ...convShape(problem.sizes, 1, 1), transposed: 0 };
    const kindOf = (name: string) => name.split(/[ ,]/, 1)[0]!;
    const chosen = (gpu: GpuCaps) => kindOf(choose(gpu, conv3dVariants, shape, "f32").variant.name);
    const gradient = (gpu: GpuCaps) => kindOf(choose(gpu, gradWeightVariants, shape, "f32").variant.name);
    for (const gpu of GPUS) expect([chosen(gpu), gradient(gpu)]).toEqual(["tiled", "tiled"]);
    const lavapipe = {
      ...GPUS[0]!,
      adapterClass: "software",
      subgroups: true,
      subgroupMinSize: 8,
      subgroupMaxSize: 8,
    } as const;
    expect([chosen(lavapipe), gradient(lavapipe)]).toEqual(["rows", "rows"]);
    expect(chosen({ ...lavapipe, subgroupMinSize: 4 })).toBe("direct");
    const kinds = (gpu: GpuCaps) => new Set(conv3dVariants.of(gpu, shape, "f32").map(({ name }) => kindOf(name)));
    expect(kinds(lavapipe)).toEqual(new Set(["rows", "direct", "tiled"]));
    expect(kinds(GPUS[0]!)).toEqual(new Set(["direct", "tiled"]));
    expect(gradWeightVariants.of(lavapipe, shape, "f32").map(({ name }) => kindOf(name))).toContain("tiled");
  });
});
