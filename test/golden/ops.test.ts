import { describe, expect, it } from "vitest";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import type { KernelContext } from "../../src/gpu/dispatch.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { attention } from "../../src/kernels/attention/attention.ts";
import { attentionGrad } from "../../src/kernels/attention/attentionGrad.ts";
import { conv3d, conv3dGradBias, conv3dGradInput, conv3dGradWeight } from "../../src/kernels/conv3d/conv3d.ts";
import {
  convTranspose3d,
  convTranspose3dGradBias,
  convTranspose3dGradInput,
  convTranspose3dGradWeight,
} from "../../src/kernels/conv3d/convTranspose3d.ts";
import { groupNorm } from "../../src/kernels/groupNorm/groupNorm.ts";
import { groupNormGrad } from "../../src/kernels/groupNorm/groupNormGrad.ts";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "../../src/kernels/conv3d/linear.ts";
import { resample, resampleGrad } from "../../src/kernels/rotation/resample.ts";
import { rotateOctahedral } from "../../src/kernels/rotation/rotateOctahedral.ts";
import { silu, siluGrad } from "../../src/kernels/activations.ts";
import { fromTorch, type WeightKind } from "../../src/models/layouts.ts";
import { relativeError, runKernels, testGpu, type OutputSpec, type TensorData } from "../harness.ts";
import { channelsLast, loadGolden, type GoldenArray } from "./golden.ts";

/** What make_golden.py says of a case; each operation has its own fields. */
interface Case {
  readonly op: "conv3d" | "convTranspose3d" | "groupNorm" | "silu" | "linear" | "attention" | "rotateTrilinear";
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly groups: number;
  readonly silu: boolean;
  readonly eps: number;
  readonly matrix?: readonly number[];
}

type Argument = "x" | "weight" | "bias" | "rotations" | "qkv" | "y";
/** Of these the ones that the operation has. */
type Tensors = Readonly<Record<Argument | `grad.${Argument}`, Tensor>>;
type Emit = (ctx: KernelContext, t: Tensors, info: Case) => void;

const golden = loadGolden("ops");
const cases = Object.entries(JSON.parse(golden.metadata.cases!) as Record<string, Case>);

/** Forward and gradients of each operation on tensors named as in the file. */
const operations: Record<Case["op"], Emit> = {
  conv3d(ctx, t, { stride, padding }) {
    const gradY = t["grad.y"];
    conv3d(ctx, { label: "y", x: t.x, weight: t.weight, bias: t.bias, y: t.y, stride, padding });
    conv3dGradInput(ctx, { label: "gradX", gradY, weight: t.weight, gradX: t["grad.x"], stride, padding });
    conv3dGradWeight(ctx, { label: "gradWeight", x: t.x, gradY, gradWeight: t["grad.weight"], stride, padding });
    conv3dGradBias(ctx, { label: "gradBias", gradY, gradBias: t["grad.bias"] });
  },
  convTranspose3d(ctx, t, { stride, padding }) {
    const gradY = t["grad.y"];
    convTranspose3d(ctx, { label: "y", x: t.x, weight: t.weight, bias: t.bias, y: t.y, stride, padding });
    convTranspose3dGradInput(ctx, { label: "gradX", gradY, weight: t.weight, gradX: t["grad.x"], stride, padding });
    convTranspose3dGradWeight(ctx, {
      label: "gradWeight",
      x: t.x,
      gradY,
      gradWeight: t["grad.weight"],
      stride,
      padding,
    });
    convTranspose3dGradBias(ctx, { label: "gradBias", gradY, gradBias: t["grad.bias"] });
  },
  linear(ctx, t) {
    const gradY = t["grad.y"];
    linear(ctx, { label: "y", x: t.x, weight: t.weight, bias: t.bias, y: t.y });
    linearGradInput(ctx, { label: "gradX", gradY, weight: t.weight, gradX: t["grad.x"] });
    linearGradWeight(ctx, { label: "gradWeight", x: t.x, gradY, gradWeight: t["grad.weight"] });
    linearGradBias(ctx, { label: "gradBias", gradY, gradBias: t["grad.bias"] });
  },
  groupNorm(ctx, t, { groups, eps, silu: withSilu }) {
    const stats = ctx.scratch("stats", [t.x.shape[0]!, groups, 2]);
    const shared = { x: t.x, gamma: t.weight, beta: t.bias, groups, silu: withSilu, stats };
    groupNorm(ctx, { ...shared, label: "y", eps, y: t.y });
    const gradients = { gradX: t["grad.x"], gradGamma: t["grad.weight"], gradBeta: t["grad.bias"] };
    groupNormGrad(ctx, { ...shared, ...gradients, label: "grad", gradY: t["grad.y"] });
  },
  silu(ctx, t) {
    silu(ctx, { label: "y", x: t.x, y: t.y });
    siluGrad(ctx, { label: "gradX", x: t.x, gradY: t["grad.y"], gradX: t["grad.x"] });
  },
  attention(ctx, t) {
    const [n, tokens, channels] = t.y.shape as [number, number, number];
    const shared = { qkv: t.qkv, y: t.y, logSumExp: ctx.scratch("logSumExp", [n, 1, tokens]), scale: channels ** -0.5 };
    attention(ctx, { ...shared, label: "y" });
    attentionGrad(ctx, { ...shared, label: "grad", gradY: t["grad.y"], gradQkv: t["grad.qkv"] });
  },
  rotateTrilinear(ctx, t) {
    const shared = { rotations: t.rotations, method: "trilinear" as const };
    resample(ctx, { ...shared, label: "y", x: t.x, y: t.y });
    resampleGrad(ctx, { ...shared, label: "gradX", gradY: t["grad.y"], gradX: t["grad.x"] });
  },
};

const weightKinds: Partial<Record<Case["op"], WeightKind>> = {
  conv3d: "conv",
  convTranspose3d: "convTranspose",
  linear: "linear",
};

/** An array of the file in our layout: `name` is an argument, or `grad.` and an argument. */
function ours(op: Case["op"], name: string, array: GoldenArray): GoldenArray {
  const argument = name.replace(/^grad\./, "");
  if (argument === "weight" && op in weightKinds) return fromTorch(weightKinds[op]!, array.shape, array.data);
  return array.shape.length === 5 ? channelsLast(array) : array;
}

/** Arrays of one case, by name, in our layout. */
function arraysOf(name: string, op: Case["op"]): Map<string, GoldenArray> {
  const prefix = `${name}/`;
  const names = golden.names.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  return new Map(names.map((key) => [key, ours(op, key, golden.get(prefix + key))]));
}

describe("operations against PyTorch", () => {
  it.each(cases)("%s", async (name, info) => {
    const inputs: Record<string, TensorData> = {};
    const outputs: Record<string, OutputSpec> = {};
    const expected: Record<string, Float32Array> = {};
    for (const [key, { shape, data }] of arraysOf(name, info.op)) {
      const isParameter = key === "grad.weight" || key === "grad.bias";
      if (key === "y" || (key.startsWith("grad.") && key !== "grad.y")) {
        // Gradients of parameters are added to what is there.
        outputs[key] = isParameter ? { shape, init: new Float32Array(data.length) } : { shape };
        expected[key] = data;
      } else {
        inputs[key] = { shape, data };
      }
    }
    if (info.matrix) {
      const samples = inputs.x!.shape[0]!;
      const matrices = Array.from({ length: samples }, () => info.matrix).flat();
      inputs.rotations = { shape: [samples, 9], data: Float32Array.from(matrices) };
    }
    const actual = await runKernels(await testGpu(), inputs, outputs, (ctx, t) => {
      operations[info.op](ctx, t as Tensors, info);
    });
    expect(Object.keys(expected).length).toBeGreaterThan(1);
    for (const [key, values] of Object.entries(expected)) {
      expect(relativeError(actual[key]!, values), key).toBeLessThan(1e-5);
    }
  });

  it("turns a grid the way PyTorch does, by permuting voxels", async () => {
    const [name, info] = cases.find(([key]) => key === "rotate-quarter")!;
    const arrays = arraysOf(name, info.op);
    const { x, y } = { x: arrays.get("x")!, y: arrays.get("y")! };
    const element = octahedralMatrices.findIndex((matrix) => matrix.every((entry, i) => entry === info.matrix?.[i]));
    const inputs = { x, rotations: { shape: [1], data: Uint32Array.of(element) } };
    const actual = await runKernels(await testGpu(), inputs, { y: { shape: y.shape } }, (ctx, t) => {
      rotateOctahedral(ctx, { label: "turn", x: t.x, rotations: t.rotations, y: t.y });
    });
    // grid_sample computes positions and weights, so its copies are exact only to rounding.
    expect(relativeError(actual.y, y.data)).toBeLessThan(1e-6);
  });
});
