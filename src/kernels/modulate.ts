import modulateShader from "../../shaders/modulate.wgsl";
import { requireArgs } from "../check.ts";
import { workgroups1d, type KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { ACTIVATIONS, activationConstant } from "./activationKinds.ts";
import { activation, example, input, output, type ExampleTensor } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { badShape, requireSameShape, requireShape, sameShape } from "./shapes.ts";
import { storage } from "./storage.ts";
import { threads1d, WORKGROUP } from "./threads.ts";

/** Which vectors are for which tokens, and which tokens count. */
export interface Modulation {
  /** [N + 1, C], of which x is multiplied with the sigmoid: a row a sample, and the last for registers. */
  scale?: Tensor | undefined;
  /** The first tokens of each sample, which all share one row of the vectors; 0 when left out. */
  registers?: number | undefined;
  /**
   * f32 [N, T], a factor of each token; or [N, S] where T is S^2 and tokens are pairs: the product of their two
   * factors. Where both fit, as for T = 1, they are the same.
   */
  mask?: Tensor | undefined;
}

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
  const { constants, params, width, each } = layout(ctx, label, args, { shift });
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
    workgroups: threads1d(params.samples * params.blocks * params.columns),
    flops: factors * params.samples * params.tokens * width,
    bytes: bytesOf({ ...stored, ...(mask && { mask }) }),
  });
}

/**
 * The gradients of `modulate`. Those of the vectors are sums over their tokens, in a fixed order.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function modulateGrad(ctx: KernelContext, args: ModulateGradArgs): void {
  requireArgs("modulateGrad", ctx, args, "x gradY gradX");
  const { label, x, scale, mask, gradY, gradX, gradResidual, gradScale, gradShift } = args;
  requireSameShape(label, { x, gradY, gradX, ...(gradResidual && { gradResidual }) });
  if (gradScale && !scale) throw badShape(label, "gradScale needs a scale", { gradScale });
  const { constants, params, width, each } = layout(ctx, label, args, { gradScale, gradShift });
  const of = { gradY, ...(scale && { scale }), ...(mask && { mask }) };
  const written = { gradX, ...(gradResidual && { gradResidual }) };
  const elements = params.samples * params.tokens * width;
  const vectors = { ...(scale && { scale }), ...(gradScale && { gradScale }), ...(gradShift && { gradShift }) };
  const dtypes = storage(label, { x, gradY, ...written, ...vectors });
  ctx.dispatch({
    label,
    shader: modulateShader,
    constants: { ...constants, EACH: each, GRAD: true, RESIDUAL: gradResidual !== undefined, ...dtypes },
    params,
    bindings: { ...of, ...written },
    workgroups: threads1d(params.samples * params.blocks * params.columns),
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
    workgroups: workgroups1d((params.samples + 1) * params.chunks),
    flops: ((gradScale ? 2 : 0) + (gradShift ? 1 : 0) + (mask ? 1 : 0)) * elements,
    bytes: bytesOf(bindings),
  });
}

/** A product with a sigmoid. */
const GATE_FLOPS = 1 + ACTIVATIONS.sigmoid.flops;
/** Tokens of an invocation on a processor, where finding one's place costs more than its work. */
const TOKENS_EACH = 8;
/** Invocations that share a column of the vectors' gradients. */
const LANES = 16;

const bytesOf = (bindings: Readonly<Record<string, Tensor>>) =>
  Object.values(bindings).reduce((sum, tensor) => sum + byteLength(tensor), 0);

function layout(
  ctx: KernelContext,
  label: string,
  { x, scale, registers = 0, mask }: Modulation & { x: Tensor },
  vectors: Readonly<Record<string, Tensor | undefined>>,
) {
  if (x.shape.length !== 3 || elementCount(x.shape) === 0) throw badShape(label, "x must be [N, T, C]", { x });
  const [samples, tokens, width] = x.shape as [number, number, number];
  for (const [name, vector] of Object.entries({ scale, ...vectors })) {
    if (vector) requireShape(label, name, vector, [samples + 1, width]);
  }
  if (!Number.isInteger(registers) || registers < 0 || registers > tokens) {
    throw badShape(label, `'registers' is ${registers}, of so many tokens`, { x });
  }
  const side = Math.round(Math.sqrt(tokens));
  const pairs = mask !== undefined && !sameShape(mask.shape, [samples, tokens]);
  if (pairs && (side * side !== tokens || !sameShape(mask.shape, [samples, side]))) {
    throw badShape(label, "'mask' must be [N, T], or [N, S] where T is S^2", { x, mask });
  }
  const vec4 = width % 4 === 0;
  const columns = vec4 ? width / 4 : width;
  const each = ctx.caps.adapterClass === "software" ? TOKENS_EACH : 1;
  const chunks = Math.ceil(columns / (WORKGROUP / LANES));
  return {
    constants: {
      ...activationConstant("sigmoid"),
      SCALED: scale !== undefined,
      MASKED: mask !== undefined,
      PAIRS: pairs,
      VEC4: vec4,
    },
    params: { samples, tokens, columns, registers, side, chunks, blocks: Math.ceil(tokens / each) },
    ...{ width, each },
  };
}

/** What the work of a call depends on: sizes and switches. */
export interface ModulateShape extends CallShape {
  readonly samples: number;
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
  { samples: 3, tokens: 37, columns: 20, registers: 4, scale: 1, shift: 1, residual: 0, mask: 1 },
  { samples: 2, tokens: 49, columns: 5, registers: 0, scale: 1, shift: 1, residual: 0, mask: 2 },
  { samples: 2, tokens: 5, columns: 12, registers: 1, scale: 1, shift: 0, residual: 1, mask: 1 },
  { samples: 1, tokens: 4, columns: 6, registers: 4, scale: 0, shift: 1, residual: 1, mask: 0 },
  { samples: 1, tokens: 3, columns: 8, registers: 0, scale: 0, shift: 0, residual: 0, mask: 1 },
];

/** Zeros and ones, but for one number that shows a factor. */
const exampleMask = ({ samples, tokens, mask }: ModulateShape): ExampleTensor => {
  const shape = [samples, mask === 2 ? Math.sqrt(tokens) : tokens];
  return input(
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => (i === 1 ? 0.5 : i % 5 === 4 ? 0 : 1)),
  );
};

/** What there is to know of `modulate`. */
export const modulateKernel: Kernel<ModulateShape> = {
  name: "modulate",
  shaders: [modulateShader],
  shapes,
  example(sizes) {
    const { samples, tokens, columns, registers, scale, shift, residual, mask } = sizes;
    const vector = activation(input([samples + 1, columns]));
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
