import { VoxtwirlError } from "../errors.ts";
import type { KernelCall, KernelContext, Tensor } from "../gpu/dispatch.ts";
import { attention, attentionGrad } from "../kernels/attention.ts";
import { dispatchConv3d, dispatchConvTranspose3d } from "../kernels/conv3dDispatch.ts";
import { dispatchConv3dGradWeight } from "../kernels/conv3dGradWeight.ts";
import { groupNorm, groupNormGrad } from "../kernels/groupNorm.ts";
import { resample } from "../kernels/resample.ts";
import { rotateOctahedral } from "../kernels/rotateOctahedral.ts";
import { twirlMerge } from "../kernels/twirl.ts";

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

/** A call of a kernel on tensors of its own, to time its variants and to compare their results. */
export interface Example {
  readonly tensors: Readonly<Record<string, ExampleTensor>>;
  /** Terms in a sum of the results: what rounding grows with. */
  readonly terms: number;
  emit(ctx: KernelContext, tensors: Readonly<Record<string, Tensor>>): void;
}

type Shape = Record<string, number>;

const input = (shape: readonly number[], contents: Contents = "around 0"): ExampleTensor => ({ shape, contents });
const output = (shape: readonly number[]): ExampleTensor => ({ shape, contents: "written", output: true });
/** Added to by the kernel. */
const sum = (shape: readonly number[]): ExampleTensor => ({ shape, contents: "around 0", output: true });

/** An input or output that a network stores in its precision. */
const activation = (tensor: ExampleTensor): ExampleTensor => ({ ...tensor, activation: true });

const label = "tune";

function voxels({ batch, inD, inH, inW, inC, outD, outH, outW, outC }: Shape) {
  return { x: [batch!, inD!, inH!, inW!, inC!], y: [batch!, outD!, outH!, outW!, outC!] };
}

const EXAMPLES: Record<string, (shape: Shape) => Example> = {
  conv3d(shape) {
    const { kernel: k, stride, pad, inC, outC, exchanged, flipped } = shape as { [name: string]: number };
    const { x, y } = voxels(shape);
    const weight = exchanged ? [k!, k!, k!, outC!, inC!] : [k!, k!, k!, inC!, outC!];
    return {
      tensors: { x: activation(input(x)), weight: input(weight), bias: input([outC!]), y: activation(output(y)) },
      terms: k! ** 3 * inC!,
      emit: (ctx, { x, weight, bias, y }) =>
        dispatchConv3d(ctx, {
          label,
          x: x!,
          weight: weight!,
          bias,
          y: y!,
          stride: stride!,
          pad: pad!,
          exchanged: exchanged === 1,
          flipped: flipped === 1,
        }),
    };
  },
  convTranspose3d(shape) {
    const { kernel: k, pad, inC, outC, exchanged } = shape as { [name: string]: number };
    const { x, y } = voxels(shape);
    return {
      tensors: {
        x: activation(input(x)),
        weight: input([k!, k!, k!, ...(exchanged ? [outC!, inC!] : [inC!, outC!])]),
        bias: input([outC!]),
        y: activation(output(y)),
      },
      terms: k! ** 3 * inC!,
      emit: (ctx, { x, weight, bias, y }) =>
        dispatchConvTranspose3d(ctx, {
          label,
          x: x!,
          weight: weight!,
          bias,
          y: y!,
          pad: pad!,
          exchanged: exchanged === 1,
        }),
    };
  },
  conv3dGradWeight(shape) {
    const {
      kernel: k,
      stride,
      pad,
      inC,
      outC,
      batch,
      outD,
      outH,
      outW,
      transposed,
    } = shape as { [name: string]: number };
    const { x, y } = voxels(shape);
    const weight = transposed ? [k!, k!, k!, outC!, inC!] : [k!, k!, k!, inC!, outC!];
    return {
      tensors: { x: activation(input(x)), gradY: activation(input(y)), gradWeight: sum(weight) },
      terms: batch! * outD! * outH! * outW!,
      emit: (ctx, { x, gradY, gradWeight }) =>
        dispatchConv3dGradWeight(ctx, {
          label,
          x: x!,
          gradY: gradY!,
          gradWeight: gradWeight!,
          stride: stride!,
          pad: pad!,
          transposed: transposed === 1,
        }),
    };
  },
  groupNorm({ samples, voxels, channels, groups, silu }) {
    const [x, c] = [[samples!, voxels!, channels!], [channels!]];
    return {
      tensors: {
        x: activation(input(x)),
        gamma: input(c, "around 1"),
        beta: input(c),
        y: activation(output(x)),
        stats: output([samples!, groups!, 2]),
      },
      terms: (voxels! * channels!) / groups!,
      emit: (ctx, { x, gamma, beta, y, stats }) =>
        groupNorm(ctx, {
          label,
          x: x!,
          gamma: gamma!,
          beta: beta!,
          groups: groups!,
          silu: silu === 1,
          y: y!,
          stats: stats!,
        }),
    };
  },
  groupNormGrad({ samples, voxels, channels, groups, silu }) {
    const [x, c] = [[samples!, voxels!, channels!], [channels!]];
    return {
      tensors: {
        x: activation(input(x)),
        gamma: input(c, "around 1"),
        beta: input(c),
        stats: input([samples!, groups!, 2], "positive"),
        gradY: activation(input(x)),
        gradX: activation(output(x)),
        gradGamma: sum(c),
        gradBeta: sum(c),
      },
      terms: samples! * voxels! * channels!,
      emit: (ctx, t) =>
        groupNormGrad(ctx, {
          label,
          x: t.x!,
          gamma: t.gamma!,
          beta: t.beta!,
          stats: t.stats!,
          gradY: t.gradY!,
          groups: groups!,
          silu: silu === 1,
          gradX: t.gradX!,
          gradGamma: t.gradGamma!,
          gradBeta: t.gradBeta!,
        }),
    };
  },
  attention({ samples, tokens, channels }) {
    const [n, t, c] = [samples!, tokens!, channels!];
    return {
      tensors: { qkv: activation(input([n, t, 3 * c])), y: activation(output([n, t, c])), logSumExp: output([n, t]) },
      terms: t + c,
      emit: (ctx, { qkv, y, logSumExp }) =>
        attention(ctx, { label, qkv: qkv!, y: y!, logSumExp: logSumExp!, scale: c ** -0.5 }),
    };
  },
  attentionGrad({ samples, tokens, channels }) {
    const [n, t, c] = [samples!, tokens!, channels!];
    return {
      tensors: {
        qkv: activation(input([n, t, 3 * c])),
        y: activation(input([n, t, c])),
        logSumExp: input([n, t], "positive"),
        gradY: activation(input([n, t, c])),
        gradQkv: activation(output([n, t, 3 * c])),
      },
      terms: t + c,
      emit: (ctx, { qkv, y, logSumExp, gradY, gradQkv }) =>
        attentionGrad(ctx, {
          label,
          qkv: qkv!,
          y: y!,
          logSumExp: logSumExp!,
          gradY: gradY!,
          gradQkv: gradQkv!,
          scale: c ** -0.5,
        }),
    };
  },
  twirlMerge({ samples, size, channels, rotations: k, goesOn, reduced, targeted }) {
    const cube = (n: number) => [n, size!, size!, size!, channels!];
    const state = goesOn ? sum : output;
    return {
      tensors: {
        predictions: input(cube(samples! * k!)),
        rotations: input([k!], "elements"),
        mean: state(cube(samples!)),
        // Not written, nor bound, where the sums are made of a set that begins here.
        m2: reduced
          ? input(cube(samples!), "positive")
          : goesOn
            ? { ...sum(cube(samples!)), contents: "positive" }
            : output(cube(samples!)),
        ...(targeted && { target: input(cube(samples!)) }),
        ...(reduced && { sums: output([samples!, 4]) }),
      },
      terms: k! + (reduced ? size! ** 3 * channels! : 0),
      emit: (ctx, { predictions, rotations, mean, m2, target, sums }) =>
        twirlMerge(ctx, {
          label,
          predictions: predictions!,
          rotations: rotations!,
          mean: mean!,
          m2: m2!,
          count: goesOn ? k! : 0,
          ...(sums && { reduce: { sums, ...(target && { target }) } }),
        }),
    };
  },
  resample({ samples, size, channels, cubic }) {
    const cube = [samples!, size!, size!, size!, channels!];
    return {
      tensors: { x: input(cube), rotations: input([samples!, 9], "matrices"), y: output(cube) },
      terms: cubic ? 64 : 8,
      emit: (ctx, { x, rotations, y }) =>
        resample(ctx, { label, x: x!, rotations: rotations!, y: y!, method: cubic ? "catmullRom" : "trilinear" }),
    };
  },
  rotateOctahedral({ samples, size, channels, each, perSample }) {
    const cube = (n: number) => [n, size!, size!, size!, channels!];
    return {
      tensors: {
        x: input(cube(samples!)),
        rotations: input([perSample ? samples! : each!], "elements"),
        y: output(cube(samples! * each!)),
      },
      terms: 1,
      emit: (ctx, { x, rotations, y }) =>
        rotateOctahedral(ctx, { label, x: x!, rotations: rotations!, y: y!, perSample: perSample === 1 }),
    };
  },
};

/** @throws VoxtwirlError "unsupported" for a kernel without variants */
export function exampleOf({ kernel, shape }: KernelCall): Example {
  const make = EXAMPLES[kernel];
  if (!make) throw new VoxtwirlError("unsupported", `there is nothing to choose for ${kernel}`, "Leave it out.");
  return make({ ...shape });
}
