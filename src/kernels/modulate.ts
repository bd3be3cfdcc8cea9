import modulateShader from "../../shaders/modulate.wgsl";
import { requireArgs } from "../check.ts";
import { workgroups1d, type KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { ACTIVATIONS } from "./activationKinds.ts";
import { activation, example, input, output, type ExampleTensor } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { LANES, modulateSizes, type Modulation } from "./modulateSizes.ts";
import { badShape, requireSameShape } from "./shapes.ts";
import { storage } from "./storage.ts";
import { WORKGROUP } from "./threads.ts";

export { modulateCopies, type Modulation } from "./modulateSizes.ts";

/** What `modulate` takes. */
export interface ModulateArgs extends Modulation {
  label: string;
  /** [N, T, C] */
  x: Tensor;
  /** [N + 1, C], added. */
  shift?: Tensor | undefined;
  /** [N, T, C], added. */
  residual?: Tensor | undefined;
  /** Written, [N, T, C]. */
  y: Tensor;
}

/** What `modulateGrad` takes. */
export interface ModulateGradArgs extends Modulation {
  label: string;
  /** The input of the forward pass. */
  x: Tensor;
  gradY: Tensor;
  /** Written, as are the next: [N, T, C], and [N + 1, C] of the vectors. */
  gradX: Tensor;
  gradResidual?: Tensor | undefined;
  /** Only with a scale. */
  gradScale?: Tensor | undefined;
  gradShift?: Tensor | undefined;
}

/**
 * y = mask (residual + x sigmoid(scale) + shift), with vectors that the tokens of a sample share: the adaptive layer
 * norm (Peebles and Xie 2022, arXiv 2212.09748) behind its norm, and gated residual connections.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function modulate(ctx: KernelContext, args: ModulateArgs): void {
  requireArgs("modulate", ctx, args, "x y");
  const { label, x, scale, shift, residual, mask, y } = args;
  requireSameShape(label, { x, y, ...(residual && { residual }) });
  const { constants, params, elements, workgroups, each } = modulateSizes(ctx.caps, label, args, { shift });
  const stored = { x, y, ...(scale && { scale }), ...(shift && { shift }), ...(residual && { residual }) };
  const factors = (scale ? GATE_FLOPS : 0) + (shift ? 1 : 0) + (residual ? 1 : 0) + (mask ? 1 : 0);
  ctx.dispatch({
    label,
    shader: modulateShader,
    constants: {
      ...constants,
      EACH: each,
      SHIFTED: shift !== undefined,
      RESIDUAL: residual !== undefined,
      ...storage(label, stored),
    },
    params,
    bindings: { ...stored, ...(mask && { mask }) },
    workgroups,
    flops: factors * elements,
    bytes: bytesOf({ ...stored, ...(mask && { mask }) }),
  });
}

/**
 * The gradients of `modulate`. Those of the vectors are sums over their tokens, in a fixed order; there are none over
 * copies.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function modulateGrad(ctx: KernelContext, args: ModulateGradArgs): void {
  requireArgs("modulateGrad", ctx, args, "x gradY gradX");
  const { label, x, scale, mask, gradY, gradX, gradResidual, gradScale, gradShift } = args;
  requireSameShape(label, { x, gradY, gradX, ...(gradResidual && { gradResidual }) });
  if (gradScale && !scale) throw badShape(label, "gradScale needs a scale", { gradScale });
  const { constants, params, elements, workgroups, each } = modulateSizes(ctx.caps, label, args, {
    gradScale,
    gradShift,
  });
  if (params.copies > 1) throw badShape(label, "a gradient needs vectors and a mask of each sample", { x });
  const of = { gradY, ...(scale && { scale }), ...(mask && { mask }) };
  const written = { gradX, ...(gradResidual && { gradResidual }) };
  const vectors = { ...(scale && { scale }), ...(gradScale && { gradScale }), ...(gradShift && { gradShift }) };
  const dtypes = storage(label, { x, gradY, ...written, ...vectors });
  ctx.dispatch({
    label,
    shader: modulateShader,
    constants: { ...constants, EACH: each, GRAD: true, RESIDUAL: gradResidual !== undefined, ...dtypes },
    params,
    bindings: { ...of, ...written },
    workgroups,
    flops: ((scale ? GATE_FLOPS : 0) + (mask ? 1 : 0)) * elements,
    bytes: bytesOf({ ...of, ...written }),
  });
  if (!gradScale && !gradShift) return;
  const bindings = {
    ...{ gradY, ...(mask && { mask }), ...(gradScale && scale && { x, scale, gradScale }) },
    ...(gradShift && { gradShift }),
  };
  ctx.dispatch({
    label: `${label} vectors`,
    shader: modulateShader,
    constants: {
      ...{ ...constants, ...dtypes, VECTORS: true, WORKGROUP, LANES },
      SCALED: gradScale !== undefined,
      SHIFTED: gradShift !== undefined,
    },
    params,
    bindings,
    workgroups: workgroups1d((params.chains + 1) * params.chunks),
    flops: ((gradScale ? 2 : 0) + (gradShift ? 1 : 0) + (mask ? 1 : 0)) * elements,
    bytes: bytesOf(bindings),
  });
}

/** A product with a sigmoid. */
const GATE_FLOPS = 1 + ACTIVATIONS.sigmoid.flops;

const bytesOf = (bindings: Readonly<Record<string, Tensor>>) =>
  Object.values(bindings).reduce((sum, tensor) => sum + byteLength(tensor), 0);

/** What the work of a call depends on: sizes and switches. */
export interface ModulateShape extends CallShape {
  readonly samples: number;
  /** Samples that share vectors and a mask. */
  readonly copies: number;
  readonly tokens: number;
  readonly columns: number;
  readonly registers: number;
  /** 1: there is one; so of the next two. */
  readonly scale: number;
  readonly shift: number;
  readonly residual: number;
  /** 1: of tokens; 2: of what they are pairs of. */
  readonly mask: number;
}

const shapes: readonly ModulateShape[] = [
  { samples: 3, copies: 1, tokens: 37, columns: 20, registers: 4, scale: 1, shift: 1, residual: 0, mask: 1 },
  { samples: 2, copies: 1, tokens: 49, columns: 5, registers: 0, scale: 1, shift: 1, residual: 0, mask: 2 },
  { samples: 2, copies: 1, tokens: 5, columns: 12, registers: 1, scale: 1, shift: 0, residual: 1, mask: 1 },
  { samples: 1, copies: 1, tokens: 4, columns: 6, registers: 4, scale: 0, shift: 1, residual: 1, mask: 0 },
  { samples: 1, copies: 1, tokens: 3, columns: 8, registers: 0, scale: 0, shift: 0, residual: 0, mask: 1 },
];

/** Forward alone. */
const copied: readonly ModulateShape[] = [
  { samples: 6, copies: 3, tokens: 49, columns: 5, registers: 0, scale: 1, shift: 1, residual: 0, mask: 2 },
  { samples: 6, copies: 2, tokens: 37, columns: 20, registers: 4, scale: 1, shift: 0, residual: 1, mask: 1 },
  { samples: 4, copies: 2, tokens: 5, columns: 12, registers: 0, scale: 0, shift: 0, residual: 0, mask: 1 },
];

/** Zeros and ones, but for one number that shows a factor. */
const exampleMask = ({ samples, copies, tokens, mask }: ModulateShape): ExampleTensor => {
  const shape = [samples / copies, mask === 2 ? Math.sqrt(tokens) : tokens];
  return input(
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => (i === 1 ? 0.5 : i % 5 === 4 ? 0 : 1)),
  );
};

/** What there is to know of `modulate`. */
export const modulateKernel: Kernel<ModulateShape> = {
  name: "modulate",
  shaders: [modulateShader],
  // A call without effects: bundlers keep what others are spread into.
  shapes: /* @__PURE__ */ shapes.concat(copied),
  example(sizes) {
    const { samples, copies, tokens, columns, registers, scale, shift, residual, mask } = sizes;
    const vector = activation(input([samples / copies + 1, columns]));
    const rows = activation(input([samples, tokens, columns]));
    return example({
      tensors: {
        x: rows,
        ...(scale === 1 && { scale: vector }),
        ...(shift === 1 && { shift: vector }),
        ...(residual === 1 && { residual: rows }),
        ...(mask > 0 && { mask: exampleMask(sizes) }),
        y: activation(output(rows.shape)),
      },
      terms: 8,
      emit: (ctx, tensors) => modulate(ctx, { label: "modulate", ...tensors, registers }),
    });
  },
};

/** What there is to know of `modulateGrad`. */
export const modulateGradKernel: Kernel<ModulateShape> = {
  name: "modulateGrad",
  shaders: [modulateShader],
  shapes,
  example(sizes) {
    const { samples, tokens, columns, registers, scale, shift, residual, mask } = sizes;
    const rows = activation(input([samples, tokens, columns]));
    const written = activation(output(rows.shape));
    const gradVector = activation(output([samples + 1, columns]));
    return example({
      tensors: {
        ...{ x: rows, gradY: rows, gradX: written },
        ...(scale === 1 && { scale: activation(input([samples + 1, columns])), gradScale: gradVector }),
        ...(shift === 1 && { gradShift: gradVector }),
        ...(residual === 1 && { gradResidual: written }),
        ...(mask > 0 && { mask: exampleMask(sizes) }),
      },
      terms: Math.max(8, samples * tokens),
      emit: (ctx, tensors) => modulateGrad(ctx, { label: "modulateGrad", ...tensors, registers }),
    });
  },
};
