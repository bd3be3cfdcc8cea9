import { VoxtwirlError } from "../errors.ts";
import type { KernelCall, KernelContext, Tensor } from "../gpu/dispatch.ts";
import { attention, attentionGrad } from "../kernels/attention.ts";
import type { AttentionShape } from "../kernels/attentionFamily.ts";
import { dispatchConv3d, dispatchConvTranspose3d } from "../kernels/conv3dDispatch.ts";
import type { ConvShape } from "../kernels/conv3dFamily.ts";
import { dispatchConv3dGradWeight } from "../kernels/conv3dGradWeight.ts";
import type { GradWeightShape } from "../kernels/conv3dGradWeightFamily.ts";
import { groupNorm, groupNormGrad } from "../kernels/groupNorm.ts";
import type { GroupNormShape } from "../kernels/groupNormFamily.ts";
import { resample } from "../kernels/resample.ts";
import { rotateOctahedral } from "../kernels/rotateOctahedral.ts";
import type { ResampleShape, RotateShape } from "../kernels/rotationFamily.ts";
import { twirlMerge } from "../kernels/twirl.ts";
import type { TwirlShape } from "../kernels/twirlFamily.ts";
import type { CallShape } from "../kernels/variant.ts";

/** What a tensor holds before the call: numbers around 0 or 1, rotations, or for what is only written, NaN. */
export type Contents = "around 0" | "around 1" | "positive" | "elements" | "matrices" | "written";

export interface ExampleTensor {
  readonly shape: readonly number[];
  readonly contents: Contents;
  /** Read back and compared. */
  readonly output?: boolean;
  /** Stored as the call's activations are; others are f32 or, rotations by number, u32. */
  readonly activation?: boolean;
}

type Tensors = Readonly<Record<string, ExampleTensor>>;

/** A call of a kernel on tensors of its own, to time its variants and to compare their results. */
export interface Example<T extends Tensors = Tensors> {
  readonly tensors: T;
  /** Terms in a sum of the results: what rounding grows with. */
  readonly terms: number;
  emit(ctx: KernelContext, tensors: { readonly [Name in keyof T]: Tensor }): void;
}

/** Checks the names that `emit` takes. */
function example<T extends Tensors>(given: Example<T>): Example {
  return given;
}

const input = (shape: readonly number[], contents: Contents = "around 0"): ExampleTensor => ({ shape, contents });
const output = (shape: readonly number[]): ExampleTensor => ({ shape, contents: "written", output: true });
/** Added to by the kernel. */
const sum = (shape: readonly number[]): ExampleTensor => ({ shape, contents: "around 0", output: true });

/** An input or output that a network stores in its precision. */
const activation = (tensor: ExampleTensor): ExampleTensor => ({ ...tensor, activation: true });

const label = "tune";

/** A method, so that it may ask for more of the shape than that it is one. */
type Maker = { make(shape: CallShape): Example }["make"];

function voxels({ batch, inD, inH, inW, inC, outD, outH, outW, outC }: ConvShape) {
  return { x: [batch, inD, inH, inW, inC], y: [batch, outD, outH, outW, outC] };
}

/** By kernel; each takes its family's shape. */
const EXAMPLES: Record<string, Maker> = {
  conv3d(shape: ConvShape) {
    const { kernel: k, stride, pad, inC, outC, exchanged, flipped } = shape;
    const { x, y } = voxels(shape);
    const weight = exchanged ? [k, k, k, outC, inC] : [k, k, k, inC, outC];
    return example({
      tensors: { x: activation(input(x)), weight: input(weight), bias: input([outC]), y: activation(output(y)) },
      terms: k ** 3 * inC,
      emit: (ctx, { x, weight, bias, y }) =>
        dispatchConv3d(ctx, {
          label,
          x,
          weight,
          bias,
          y,
          stride,
          pad,
          exchanged: exchanged === 1,
          flipped: flipped === 1,
        }),
    });
  },
  convTranspose3d(shape: ConvShape) {
    const { kernel: k, pad, inC, outC, exchanged } = shape;
    const { x, y } = voxels(shape);
    return example({
      tensors: {
        x: activation(input(x)),
        weight: input([k, k, k, ...(exchanged ? [outC, inC] : [inC, outC])]),
        bias: input([outC]),
        y: activation(output(y)),
      },
      terms: k ** 3 * inC,
      emit: (ctx, { x, weight, bias, y }) =>
        dispatchConvTranspose3d(ctx, { label, x, weight, bias, y, pad, exchanged: exchanged === 1 }),
    });
  },
  conv3dGradWeight(shape: GradWeightShape) {
    const { kernel: k, stride, pad, inC, outC, batch, outD, outH, outW, transposed } = shape;
    const { x, y } = voxels(shape);
    const weight = transposed ? [k, k, k, outC, inC] : [k, k, k, inC, outC];
    return example({
      tensors: { x: activation(input(x)), gradY: activation(input(y)), gradWeight: sum(weight) },
      terms: batch * outD * outH * outW,
      emit: (ctx, { x, gradY, gradWeight }) =>
        dispatchConv3dGradWeight(ctx, { label, x, gradY, gradWeight, stride, pad, transposed: transposed === 1 }),
    });
  },
  groupNorm({ samples, voxels, channels, groups, silu }: GroupNormShape) {
    const [x, c] = [[samples, voxels, channels], [channels]];
    return example({
      tensors: {
        x: activation(input(x)),
        gamma: input(c, "around 1"),
        beta: input(c),
        y: activation(output(x)),
        stats: output([samples, groups, 2]),
      },
      terms: (voxels * channels) / groups,
      emit: (ctx, { x, gamma, beta, y, stats }) =>
        groupNorm(ctx, { label, x, gamma, beta, groups, silu: silu === 1, y, stats }),
    });
  },
  groupNormGrad({ samples, voxels, channels, groups, silu }: GroupNormShape) {
    const [x, c] = [[samples, voxels, channels], [channels]];
    return example({
      tensors: {
        x: activation(input(x)),
        gamma: input(c, "around 1"),
        beta: input(c),
        stats: input([samples, groups, 2], "positive"),
        gradY: activation(input(x)),
        gradX: activation(output(x)),
        gradGamma: sum(c),
        gradBeta: sum(c),
      },
      terms: samples * voxels * channels,
      emit: (ctx, t) =>
        groupNormGrad(ctx, {
          label,
          x: t.x,
          gamma: t.gamma,
          beta: t.beta,
          stats: t.stats,
          gradY: t.gradY,
          groups,
          silu: silu === 1,
          gradX: t.gradX,
          gradGamma: t.gradGamma,
          gradBeta: t.gradBeta,
        }),
    });
  },
  attention({ samples, tokens, channels }: AttentionShape) {
    const [n, t, c] = [samples, tokens, channels];
    return example({
      tensors: { qkv: activation(input([n, t, 3 * c])), y: activation(output([n, t, c])), logSumExp: output([n, t]) },
      terms: t + c,
      emit: (ctx, { qkv, y, logSumExp }) => attention(ctx, { label, qkv, y, logSumExp, scale: c ** -0.5 }),
    });
  },
  attentionGrad({ samples, tokens, channels }: AttentionShape) {
    const [n, t, c] = [samples, tokens, channels];
    return example({
      tensors: {
        qkv: activation(input([n, t, 3 * c])),
        y: activation(input([n, t, c])),
        logSumExp: input([n, t], "positive"),
        gradY: activation(input([n, t, c])),
        gradQkv: activation(output([n, t, 3 * c])),
      },
      terms: t + c,
      emit: (ctx, { qkv, y, logSumExp, gradY, gradQkv }) =>
        attentionGrad(ctx, { label, qkv, y, logSumExp, gradY, gradQkv, scale: c ** -0.5 }),
    });
  },
  twirlMerge({ samples, size, channels, rotations: k, goesOn, reduced, targeted }: TwirlShape) {
    const cube = (n: number) => [n, size, size, size, channels];
    const state = goesOn ? sum : output;
    return example({
      tensors: {
        predictions: input(cube(samples * k)),
        rotations: input([k], "elements"),
        mean: state(cube(samples)),
        // Not written, nor bound, where the sums are made of a set that begins here.
        m2: reduced
          ? input(cube(samples), "positive")
          : goesOn
            ? { ...sum(cube(samples)), contents: "positive" }
            : output(cube(samples)),
        ...(targeted && { target: input(cube(samples)) }),
        ...(reduced && { sums: output([samples, 4]) }),
      },
      terms: k + (reduced ? size ** 3 * channels : 0),
      emit: (ctx, { predictions, rotations, mean, m2, target, sums }) =>
        twirlMerge(ctx, {
          label,
          predictions,
          rotations,
          mean,
          m2,
          count: goesOn ? k : 0,
          ...(sums && { reduce: { sums, ...(target && { target }) } }),
        }),
    });
  },
  resample({ samples, size, channels, cubic }: ResampleShape) {
    const cube = [samples, size, size, size, channels];
    return example({
      tensors: { x: input(cube), rotations: input([samples, 9], "matrices"), y: output(cube) },
      terms: cubic ? 64 : 8,
      emit: (ctx, { x, rotations, y }) =>
        resample(ctx, { label, x, rotations, y, method: cubic ? "catmullRom" : "trilinear" }),
    });
  },
  rotateOctahedral({ samples, size, channels, each, perSample }: RotateShape) {
    const cube = (n: number) => [n, size, size, size, channels];
    return example({
      tensors: {
        x: input(cube(samples)),
        rotations: input([perSample ? samples : each], "elements"),
        y: output(cube(samples * each)),
      },
      terms: 1,
      emit: (ctx, { x, rotations, y }) => rotateOctahedral(ctx, { label, x, rotations, y, perSample: perSample === 1 }),
    });
  },
};

/** @throws VoxtwirlError "unsupported" for a kernel without variants */
export function exampleOf({ kernel, shape }: KernelCall): Example {
  const make = EXAMPLES[kernel];
  if (!make) throw new VoxtwirlError("unsupported", `there is nothing to choose for ${kernel}`, "Leave it out.");
  return make({ ...shape });
}
