import matmulShader from "../../../shaders/matmul/matmul.wgsl";
import matmulSubgroupMatrixShader from "../../../shaders/matmul/matmulSubgroupMatrix.wgsl";
import { requireArgs, requireTensor } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { elementCount, formatShape, type Tensor } from "../../gpu/tensor.ts";
import { ACTIVATIONS, activationOf, type Activation } from "../activationKinds.ts";
import { activation, example, input, output, type ExampleTensor } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { badShape, requireSameShape, requireShape, sameShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { layerEpilogue } from "./epilogue.ts";
import { HELD_SHADERS } from "./held.ts";
import { matmulShapes, matmulVariants, type MatmulShape } from "./matmulVariants.ts";
import { product, transposed, wholeMatrix, type Epilogue, type StridedMatrix } from "./product.ts";

/** The factors of a product, and how they lie. */
export interface MatmulFactors {
  /** [..., M, K], or [..., K, M] with `transposeA`. */
  a: Tensor;
  /** [..., K, N], or [..., N, K] with `transposeB`. Axes before the matrix are those of a; either may have none. */
  b: Tensor;
  transposeA?: boolean | undefined;
  transposeB?: boolean | undefined;
}

/** What `matmul` takes. */
export interface MatmulArgs extends MatmulFactors {
  label: string;
  /** [..., M, N], written. Without the axes before the matrix the products of all samples are summed. */
  y: Tensor;
  /** Factor of the product, 1 when left out. */
  scale?: number | undefined;
  /** f32 [N] */
  bias?: Tensor | undefined;
  activation?: Activation | undefined;
  /** Shape of y, stored as it is, as the two below: the activation is multiplied with it. */
  gate?: Tensor | undefined;
  /** Added at last. */
  residual?: Tensor | undefined;
  /** Written: what the activation is taken of, which its gradient needs. */
  preActivation?: Tensor | undefined;
  /** Adds to y, with nothing of the above but `scale`. */
  accumulate?: boolean | undefined;
}

/**
 * Products of matrices, y = residual + gate * activation(scale a b + bias), sample by sample. A sum has one order.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function matmul(ctx: KernelContext, args: MatmulArgs): void {
  requireArgs("matmul", ctx, args, "a b y");
  const { label, a, b, y, scale, accumulate = false } = args;
  const sizes = checkedSizes(args);
  const flat = flattened(sizes, args);
  const { rows, columns, depth } = flat;
  const epilogue = epilogueOf(args, sizes);
  const steps = flat.summed ? flat.samples : 1;
  const samples = flat.summed ? 1 : flat.samples;
  if (flat.summed && y.dtype === "f16") throw badShape(label, "a sum over samples needs a y in f32", { y });
  const dtype = a.dtype === b.dtype ? a.dtype : "f32";
  const { variant: tiles, call } = choose(ctx.caps, matmulVariants, shapeOf(sizes, args), dtype);
  const left = operand(a, rows, depth, flat.aSample, args.transposeA);
  const right = operand(b, depth, columns, flat.bSample, args.transposeB);
  const out = { ...wholeMatrix(y, columns), sample: rows * columns };
  for (let step = 0; step < steps; step++) {
    const adds = accumulate || step > 0;
    product(ctx, {
      label,
      tiles,
      ...(step === 0 && { call }),
      ...{ samples, rows, columns, depth },
      a: { ...left, offset: step * flat.aSample },
      b: { ...right, offset: step * flat.bSample },
      out,
      ...(scale !== undefined && { scale }),
      ...(epilogue ? { epilogue } : { accumulate: adds, readsOut: adds }),
    });
  }
}

function operand(
  tensor: Tensor,
  rows: number,
  columns: number,
  sample: number,
  isTransposed: boolean | undefined,
): StridedMatrix {
  const matrix = { ...wholeMatrix(tensor, isTransposed ? rows : columns), sample };
  return isTransposed ? transposed(matrix) : matrix;
}

interface Sizes {
  samples: number;
  rows: number;
  columns: number;
  depth: number;
  /** From one sample to the next, 0 where all share a factor. */
  aSample: number;
  bSample: number;
  /** All samples make one sum. */
  summed: boolean;
}

/** The shape of a product that keeps its samples. @throws VoxtwirlError "bad-shape" */
export function matmulShape(label: string, { a, b, transposeA, transposeB }: MatmulFactors): number[] {
  requireTensor(`${label}: a`, a);
  requireTensor(`${label}: b`, b);
  const { batch: batchA, rows, columns: depth } = matrixOf(label, "a", a, transposeA);
  const { batch: batchB, rows: depthB, columns } = matrixOf(label, "b", b, transposeB);
  if (depth !== depthB) {
    throw badShape(label, `a product over ${depth} of a and ${depthB} of b is none`, { a, b });
  }
  if (batchA.length > 0 && batchB.length > 0 && !sameShape(batchA, batchB)) {
    throw badShape(label, "axes before the matrices must be equal, or one of a and b has none", { a, b });
  }
  return [...(batchA.length > 0 ? batchA : batchB), rows, columns];
}

function matrixOf(label: string, name: string, tensor: Tensor, isTransposed: boolean | undefined) {
  const { shape } = tensor;
  if (shape.length < 2 || elementCount(shape) === 0) {
    throw badShape(label, `'${name}' must be a matrix or several, [..., rows, columns], and non-empty`, {
      [name]: tensor,
    });
  }
  const [first, second] = shape.slice(-2) as [number, number];
  const [rows, columns] = isTransposed ? [second, first] : [first, second];
  return { batch: shape.slice(0, -2), rows, columns };
}

function checkedSizes(args: MatmulArgs): Sizes {
  const { label, a, b, y, bias, gate, residual, preActivation } = args;
  const shape = matmulShape(label, args);
  const [rows, columns] = shape.slice(-2) as [number, number];
  requireTensor(`${label}: y`, y);
  const summed = y.shape.length === 2 && shape.length > 2;
  if (!summed && !sameShape(y.shape, shape)) {
    throw badShape(label, `'y' must have shape ${formatShape(shape)}, or ${formatShape([rows, columns])}`, { y });
  }
  if (bias) requireShape(label, "bias", bias, [columns]);
  const like = Object.fromEntries(Object.entries({ gate, residual, preActivation }).filter(([, tensor]) => tensor));
  requireSameShape(label, { y, ...(like as Record<string, Tensor>) });
  const depth = elementCount(a.shape.slice(-2)) / rows;
  return {
    samples: elementCount(shape.slice(0, -2)),
    ...{ rows, columns, depth, summed },
    aSample: a.shape.length > 2 ? rows * depth : 0,
    bSample: b.shape.length > 2 ? depth * columns : 0,
  };
}

/** As one sample where samples lie so that they are more rows of one product, or more of its depth. */
function flattened(sizes: Sizes, { transposeA, transposeB }: MatmulFactors): Sizes {
  const { samples, aSample, bSample, summed } = sizes;
  const one = { samples: 1, aSample: 0, bSample: 0, summed: false };
  if (samples === 1) return { ...sizes, ...one };
  if (!summed && bSample === 0 && !transposeA) return { ...sizes, ...one, rows: samples * sizes.rows };
  if (summed && aSample > 0 && bSample > 0 && transposeA && !transposeB) {
    return { ...sizes, ...one, depth: samples * sizes.depth };
  }
  return sizes;
}

function epilogueOf(args: MatmulArgs, { summed }: Sizes): Epilogue | undefined {
  const { label, y, activation, bias, gate, residual, preActivation, accumulate } = args;
  if (![activation, bias, gate, residual, preActivation].some((follows) => follows !== undefined)) return undefined;
  if (accumulate || summed) {
    throw badShape(label, "a sum of products has no bias, activation, gate or residual", { y });
  }
  storage(label, { y, ...(gate && { gate }), ...(residual && { residual }), ...(preActivation && { preActivation }) });
  return layerEpilogue(args);
}

function shapeOf(sizes: Sizes, args: MatmulArgs): MatmulShape {
  const { samples, rows, columns, depth, aSample, bSample, summed } = sizes;
  const { transposeA, transposeB, bias, activation, gate, residual, preActivation } = args;
  return {
    ...{ samples, rows, columns, depth },
    transposeA: Number(transposeA ?? false),
    transposeB: Number(transposeB ?? false),
    shared: samples === 1 || (aSample > 0 && bSample > 0) ? 0 : aSample === 0 ? 1 : 2,
    summed: Number(summed),
    biased: Number(bias !== undefined),
    activation: activation ? ACTIVATIONS[activation].number : 0,
    gated: Number(gate !== undefined),
    residual: Number(residual !== undefined),
    kept: Number(preActivation !== undefined),
  };
}

/** What there is to know of `matmul`. */
export const matmulKernel: Kernel<MatmulShape> = {
  name: "matmul",
  shaders: [...HELD_SHADERS, matmulShader, matmulSubgroupMatrixShader],
  variants: matmulVariants,
  shapes: matmulShapes,
  example(shape) {
    const { samples: n, rows, columns, depth, transposeA, transposeB, shared, summed } = shape;
    const batch = n > 1 ? [n] : [];
    const matrix = (isShared: boolean, isTransposed: number, across: number, down: number) => [
      ...(isShared ? [] : batch),
      ...(isTransposed ? [down, across] : [across, down]),
    ];
    const like = [...(summed ? [] : batch), rows, columns];
    const extras: Partial<Record<"bias" | "gate" | "residual" | "preActivation", ExampleTensor>> = {
      ...(shape.biased && { bias: input([columns]) }),
      ...(shape.gated && { gate: activation(input(like)) }),
      ...(shape.residual && { residual: activation(input(like)) }),
      ...(shape.kept && { preActivation: activation(output(like)) }),
    };
    return example({
      tensors: {
        a: activation(input(matrix(shared === 1, transposeA, rows, depth))),
        b: activation(input(matrix(shared === 2, transposeB, depth, columns))),
        ...extras,
        y: summed ? output(like) : activation(output(like)),
      },
      terms: depth * (summed ? n : 1),
      emit: (ctx, tensors) => {
        matmul(ctx, {
          label: "matmul",
          ...tensors,
          ...{ transposeA: transposeA === 1, transposeB: transposeB === 1, scale: depth ** -0.5 },
          activation: activationOf(shape.activation),
        });
      },
    });
  },
};
