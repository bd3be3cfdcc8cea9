import { describe, expect, it } from "vitest";
import { conv3d, conv3dGradBias, conv3dGradInput, conv3dGradWeight, conv3dShape } from "../../src/kernels/conv3d.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import * as twin from "../reference/conv3d.ts";
import { needsStored, roundedTo, storedTolerance, type Stored } from "./half.ts";
import { abs, dot, expectCentralDifferences, rounding, withoutSubgroups } from "./linearOperators.ts";

interface Case {
  x: [number, number, number, number, number];
  kernel: number;
  channels: number;
  stride: number;
  padding: number;
  addend?: boolean;
  /** Runs the variants of adapters without subgroups (kernels of 2 only: these compile slowly). */
  plain?: boolean;
}

const CASES: Case[] = [
  { x: [1, 1, 1, 1, 1], kernel: 1, channels: 1, stride: 1, padding: 0 },
  { x: [1, 1, 1, 1, 3], kernel: 3, channels: 2, stride: 1, padding: 1 },
  { x: [3, 5, 3, 7, 5], kernel: 3, channels: 8, stride: 1, padding: 1, addend: true },
  { x: [2, 4, 4, 4, 9], kernel: 3, channels: 18, stride: 1, padding: 1 },
  // Rows wider than a tile of conv3dRows, as wide, and narrow ones beside one another; channels beyond its blocks.
  { x: [2, 3, 6, 37, 6], kernel: 3, channels: 11, stride: 1, padding: 1, addend: true },
  { x: [3, 2, 9, 12, 5], kernel: 3, channels: 9, stride: 1, padding: 1 },
  { x: [2, 3, 9, 7, 4], kernel: 3, channels: 8, stride: 1, padding: 1, addend: true },
  { x: [2, 3, 6, 3, 4], kernel: 3, channels: 20, stride: 1, padding: 1 },
  // So many weights for so few positions that their gradient takes one slice.
  { x: [1, 2, 2, 2, 64], kernel: 3, channels: 256, stride: 1, padding: 1 },
  { x: [1, 3, 6, 18, 6], kernel: 3, channels: 5, stride: 1, padding: 0 },
  { x: [1, 3, 4, 5, 2], kernel: 3, channels: 3, stride: 1, padding: 4 },
  // So few output channels that the weight gradient slides its window over the output's gradient.
  { x: [2, 3, 6, 5, 19], kernel: 3, channels: 5, stride: 1, padding: 1 },
  { x: [1, 3, 6, 5, 9], kernel: 3, channels: 8, stride: 1, padding: 0 },
  { x: [1, 3, 4, 5, 9], kernel: 3, channels: 3, stride: 1, padding: 4 },
  { x: [2, 4, 5, 6, 10], kernel: 4, channels: 2, stride: 1, padding: 2 },
  { x: [3, 4, 3, 5, 17], kernel: 1, channels: 20, stride: 1, padding: 0, addend: true },
  { x: [1, 2, 3, 2, 3], kernel: 1, channels: 4, stride: 1, padding: 2 },
  { x: [2, 3, 5, 4, 5], kernel: 1, channels: 3, stride: 2, padding: 0 },
  { x: [2, 6, 4, 8, 5], kernel: 3, channels: 9, stride: 2, padding: 1 },
  { x: [3, 5, 7, 9, 4], kernel: 3, channels: 6, stride: 2, padding: 1, addend: true },
  { x: [2, 8, 6, 4, 8], kernel: 4, channels: 16, stride: 2, padding: 1 },
  { x: [1, 5, 7, 9, 3], kernel: 4, channels: 5, stride: 2, padding: 5 },
  { x: [1, 4, 5, 6, 3], kernel: 4, channels: 2, stride: 1, padding: 2 },
  { x: [3, 4, 6, 5, 7], kernel: 2, channels: 5, stride: 2, padding: 0 },
  { x: [1, 3, 4, 3, 2], kernel: 2, channels: 3, stride: 1, padding: 1 },
  { x: [3, 4, 6, 5, 9], kernel: 2, channels: 18, stride: 2, padding: 0, plain: true },
  { x: [2, 3, 5, 3, 5], kernel: 2, channels: 7, stride: 1, padding: 1, addend: true, plain: true },
  { x: [2, 3, 5, 3, 9], kernel: 2, channels: 7, stride: 1, padding: 1, plain: true },
  { x: [3, 4, 3, 5, 17], kernel: 1, channels: 20, stride: 1, padding: 0, plain: true },
];

/** What x and y, with their gradients, are stored as; a network's first and last layers have two kinds. */
type Kinds = readonly [x: Stored, y: Stored];
const F32: Kinds = ["f32", "f32"];

function setUp(c: Case, [ofX, ofY] = F32) {
  const weightShape = [c.kernel, c.kernel, c.kernel, c.x[4], c.channels];
  const yShape = conv3dShape(c.x, weightShape, c.stride, c.padding);
  const tensor = (shape: readonly number[], seed: number, dtype: Stored = "f32") => ({
    shape,
    dtype,
    data: roundedTo(dtype, randomArray(shape.reduce((a, b) => a * b, 1), seed)),
  });
  return {
    x: tensor(c.x, 1, ofX),
    weight: tensor(weightShape, 2),
    bias: tensor([c.channels], 3),
    addend: tensor(yShape, 4, ofY),
    gradY: tensor(yShape, 5, ofY),
    gradWeight0: tensor(weightShape, 6),
    gradBias0: tensor([c.channels], 7),
  };
}

/** Forward and all gradients of one case, in one plan. */
async function run(c: Case, kinds = F32) {
  const { x, weight, bias, addend, gradY, gradWeight0, gradBias0 } = setUp(c, kinds);
  const [ofX, ofY] = kinds;
  const { stride, padding } = c;
  return runKernels(
    await testGpu(),
    { x, weight, bias, addend, gradY },
    {
      y: { shape: gradY.shape, dtype: ofY },
      plain: { shape: gradY.shape, dtype: ofY },
      gradX: { shape: x.shape, dtype: ofX },
      gradWeight: { shape: weight.shape, init: gradWeight0.data },
      gradBias: { shape: bias.shape, init: gradBias0.data },
    },
    (graph, t) => {
      const ctx = c.plain ? withoutSubgroups(graph) : graph;
      const residual = c.addend ? { addend: t.addend! } : {};
      conv3d(ctx, { label: "y", x: t.x!, weight: t.weight!, bias: t.bias!, ...residual, y: t.y!, stride, padding });
      conv3d(ctx, { label: "plain", x: t.x!, weight: t.weight!, y: t.plain!, stride, padding });
      conv3dGradInput(ctx, { label: "gradX", gradY: t.gradY!, weight: t.weight!, gradX: t.gradX!, stride, padding });
      const gradWeight = t.gradWeight!;
      conv3dGradWeight(ctx, { label: "gradW", x: t.x!, gradY: t.gradY!, gradWeight, stride, padding });
      conv3dGradBias(ctx, { label: "gradB", gradY: t.gradY!, gradBias: t.gradBias! });
    },
  );
}

const name = (c: Case) =>
  `[${c.x}] -> ${c.channels}, kernel ${c.kernel}, stride ${c.stride}, padding ${c.padding}${c.addend ? ", addend" : ""}` +
  (c.plain ? ", no subgroups" : "");

describe.each<[...Kinds, Case[]]>([
  ["f32", "f32", CASES],
  ["f16", "f16", CASES],
  // One of each variant of the shaders.
  ["f32", "f16", [CASES[2]!, CASES[7]!, CASES[11]!, CASES[15]!, CASES[21]!]],
  ["f16", "f32", [CASES[2]!, CASES[7]!, CASES[11]!, CASES[15]!, CASES[21]!]],
])("conv3d from %s to %s", (ofX, ofY, cases) => {
  needsStored(ofX === "f32" ? ofY : ofX);

  it.each(cases.map((c) => [name(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const { x, weight, bias, addend, gradY, gradWeight0, gradBias0 } = setUp(c, [ofX, ofY]);
    const { stride, padding } = c;
    const extra = c.addend ? addend.data : undefined;
    const out = await run(c, [ofX, ofY]);
    const forward = [stride, padding, bias.data, extra] as const;
    const k = c.kernel ** 3;
    const absolute = twin.conv3d(abs(x), abs(weight), gradY.shape, stride, padding, abs(bias).data, extra && abs(addend).data);
    const y = twin.conv3d(x, weight, gradY.shape, ...forward);
    expectClose(out.y!, y, storedTolerance(ofY, y, rounding(k * c.x[4], absolute)), "y");
    const plain = twin.conv3d(x, weight, gradY.shape, stride, padding);
    expectClose(out.plain!, plain, storedTolerance(ofY, plain, rounding(k * c.x[4], absolute)), "plain");

    const gradX = (g: twin.Array64, w: twin.Array64) => twin.conv3dGradInput(g, w, x.shape, stride, padding);
    const exactGradX = gradX(gradY, weight);
    const gradXRounding = rounding(k * c.channels, gradX(abs(gradY), abs(weight)));
    expectClose(out.gradX!, exactGradX, storedTolerance(ofX, exactGradX, gradXRounding), "gradX");

    const gradWeight = (a: twin.Array64, g: twin.Array64, start: ArrayLike<number>) =>
      twin.conv3dGradWeight(a, g, weight.shape, stride, padding).map((v, i) => v + start[i]!);
    const voxels = gradY.data.length / c.channels;
    expectClose(
      out.gradWeight!,
      gradWeight(x, gradY, gradWeight0.data),
      rounding(voxels, gradWeight(abs(x), abs(gradY), abs(gradWeight0).data)),
      "gradWeight",
    );

    const gradBias = (g: twin.Array64, start: ArrayLike<number>) =>
      twin.conv3dGradBias(g.data, c.channels).map((v, i) => v + start[i]!);
    expectClose(
      out.gradBias!,
      gradBias(gradY, gradBias0.data),
      rounding(voxels, gradBias(abs(gradY), abs(gradBias0).data)),
      "gradBias",
    );
  });
});

describe("conv3d", () => {
  it("is the adjoint of its gradients and repeats bitwise", async () => {
    const c = CASES[3]!;
    const { x, weight, gradY, gradWeight0 } = setUp(c);
    const [first, second] = [await run(c), await run(c)];
    const forward = dot(first.plain!, gradY.data);
    expect(Math.abs(dot(x.data, first.gradX!) - forward)).toBeLessThan(1e-4 * Math.abs(forward) + 1e-3);
    const added = first.gradWeight!.map((v, i) => v - gradWeight0.data[i]!);
    expect(Math.abs(dot(weight.data, added) - forward)).toBeLessThan(1e-4 * Math.abs(forward) + 1e-3);
    for (const key of Object.keys(first)) expect(second[key], key).toEqual(first[key]);
  });

  it("has a twin whose gradients are its central differences", () => {
    const c = { ...CASES[10]!, x: [1, 3, 2, 3, 2] as Case["x"], channels: 2 };
    const { x, weight, gradY } = setUp(c);
    const { stride, padding } = c;
    const y = (a: ArrayLike<number>, w: ArrayLike<number>) =>
      dot(twin.conv3d({ ...x, data: a }, { ...weight, data: w }, gradY.shape, stride, padding), gradY.data);
    expectCentralDifferences((a) => y(a, weight.data), x.data, twin.conv3dGradInput(gradY, weight, x.shape, stride, padding));
    expectCentralDifferences(
      (w) => y(x.data, w),
      weight.data,
      twin.conv3dGradWeight(x, gradY, weight.shape, stride, padding),
    );
  });

  it("gives the output shape and refuses what does not fit", () => {
    expect(conv3dShape([2, 5, 6, 7, 3], [3, 3, 3, 3, 4], 2, 1)).toEqual([2, 3, 3, 4, 4]);
    expect(conv3dShape([1, 1, 1, 1, 3], [2, 2, 2, 3, 1], 1, 3)).toEqual([1, 6, 6, 6, 1]);
    const refused: [number[], number[], number, number][] = [
      [[2, 5, 6, 3], [3, 3, 3, 3, 4], 1, 1],
      [[2, 5, 6, 7, 3], [3, 3, 3, 2, 4], 1, 1],
      [[2, 5, 6, 7, 3], [3, 3, 2, 3, 4], 1, 1],
      [[2, 9, 9, 9, 3], [5, 5, 5, 3, 4], 1, 2],
      [[2, 5, 6, 7, 3], [3, 3, 3, 3, 4], 3, 1],
      [[2, 5, 6, 7, 3], [3, 3, 3, 3, 4], 1, -1],
      [[2, 2, 6, 7, 3], [3, 3, 3, 3, 4], 1, 0],
    ];
    for (const args of refused) {
      expect(() => conv3dShape(...args), args.join(" ")).toThrow(expect.objectContaining({ code: "bad-shape" }));
    }
  });

  it("refuses an output of another shape, naming the call", async () => {
    const x = { shape: [1, 2, 2, 2, 1], data: randomArray(8, 1) };
    const weight = { shape: [1, 1, 1, 1, 1], data: randomArray(1, 1) };
    const wrong = runKernels(await testGpu(), { x, weight }, { y: { shape: [1, 2, 2, 2, 2] } }, (ctx, t) => {
      conv3d(ctx, { label: "net/conv", x: t.x!, weight: t.weight!, y: t.y!, stride: 1, padding: 0 });
    });
    await expect(wrong).rejects.toThrow(/net\/conv.*\[1, 2, 2, 2, 1\].*\[1, 2, 2, 2, 2\]/);
  });
});
