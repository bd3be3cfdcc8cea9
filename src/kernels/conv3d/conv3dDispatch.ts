import type { KernelCall, KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type DType, type Tensor } from "../../gpu/tensor.ts";
import { choose, type Variant } from "../kernel.ts";
import { layerEpilogue } from "../matmul/epilogue.ts";
import { product, transposed, wholeMatrix } from "../matmul/product.ts";
import { storage, storagePair } from "../storage.ts";
import { dispatchConvBlocks, usefulFlops, type ConvOperands, type ConvProblem } from "./conv3dBlocks.ts";
import { convShape } from "./conv3dCall.ts";
import { directDispatch, directTileOf, directTransposedDispatch } from "./conv3dDirect.ts";
import { conv3dPolyphaseDispatch } from "./conv3dPolyphase.ts";
import { conv3dRowsDispatch, rowsInParts, rowsWeight } from "./conv3dRows.ts";
import { convSizes, type ConvDispatch, type ConvSizes } from "./conv3dShape.ts";
import { subgroupMatrixKernel, subgroupMatrixTileOf } from "./conv3dSubgroupMatrix.ts";
import { tiledKernel, tilingOf } from "./conv3dTiled.ts";
import { dispatchConv3dWinograd } from "./conv3dWinograd.ts";
import { conv3dVariants, convTranspose3dVariants } from "./conv3dVariants.ts";

/** The operands of a call; its variant is chosen where it is not given. */
type ConvCall = Omit<ConvOperands, "exchanged" | "flipped"> & { pad: number; exchanged?: boolean; variant?: Variant };

/**
 * A convolution without checks; `pad` may be negative, and the shape of y need not be `conv3dShape`'s. With `exchanged`
 * the weights are [k, k, k, Co, Ci], with `flipped` they are read from the last tap to the first.
 */
export function dispatchConv3d(ctx: KernelContext, args: ConvCall & { stride: number; flipped?: boolean }): void {
  const { label, x, weight, addend, y, stride, pad, exchanged = false, flipped = false } = args;
  if (addend) storage(label, { addend, y });
  const sizes = convSizes(x.shape, y.shape, weight.shape[0]!);
  dispatchProblem(ctx, { ...args, exchanged, flipped }, { sizes, stride, pad, transposed: false });
}

/**
 * A transposed convolution of stride 2 without checks: any shape of y; outputs that no input reaches become the bias.
 * With `exchanged` the weights are [k, k, k, Co, Ci].
 */
export function dispatchConvTranspose3d(ctx: KernelContext, args: Omit<ConvCall, "addend">): void {
  const { x, weight, y, pad, exchanged = false } = args;
  const sizes = convSizes(x.shape, y.shape, weight.shape[0]!);
  dispatchProblem(ctx, { ...args, exchanged, flipped: false }, { sizes, stride: 2, pad, transposed: true });
}

/** In the variant that is given, or else chosen. */
function dispatchProblem(ctx: KernelContext, args: ConvOperands & { variant?: Variant }, problem: ConvProblem): void {
  const { label, x, y, exchanged, flipped } = args;
  const { sizes, stride, pad, transposed } = problem;
  const shape = convShape(sizes, stride, pad, { exchanged, flipped });
  const variants = transposed ? convTranspose3dVariants : conv3dVariants;
  const { variant, call } = choose(ctx.caps, variants, shape, x.dtype, args.variant);
  const cost = { flops: usefulFlops(problem), call };
  const conv = { ...problem, exchanged, flipped };
  switch (variant.shader) {
    case "conv3dTiled":
      dispatchConvBlocks(ctx, { ...args, ...cost, problem, kernel: tiledKernel(problem, tilingOf(variant)) });
      return;
    case "conv3dSubgroupMatrix": {
      const kernel = subgroupMatrixKernel(problem, subgroupMatrixTileOf(variant));
      dispatchConvBlocks(ctx, { ...args, ...cost, problem, kernel });
      return;
    }
    case "conv3dRows": {
      const weight = rowsWeight(ctx, label, args.weight, sizes, conv);
      // In parts, y would be rounded after each.
      const inParts = y.dtype === "f16" && rowsInParts(sizes, variant);
      const sums = inParts ? ctx.scratch(`${label} sums`, y.shape) : undefined;
      dispatchScalar(ctx, { ...args, ...cost, weight, sums }, conv3dRowsDispatch(sizes, variant));
      return;
    }
    case "conv3dWinogradMatmul":
      dispatchConv3dWinograd(ctx, { ...args, ...cost, sizes, variant });
      return;
    case "matmulHeld":
      dispatchProduct(ctx, { ...args, call }, sizes, variant);
      return;
    case "conv3dPolyphase":
      dispatchScalar(ctx, { ...args, ...cost }, conv3dPolyphaseDispatch(conv, variant));
      return;
    default: {
      const direct = transposed ? directTransposedDispatch : directDispatch;
      dispatchScalar(ctx, { ...args, ...cost }, direct(conv, directTileOf(variant)));
    }
  }
}

/** A convolution of kernel 1 as a product of matrices: voxels by channels, channels by channels. */
function dispatchProduct(
  ctx: KernelContext,
  { label, call, x, weight, bias, addend, y, exchanged }: ConvOperands & { call: KernelCall },
  { batch, inputChannels, outputChannels, outputSize }: ConvSizes,
  tiles: Variant,
): void {
  const rows = outputSize.reduce((product, n) => product * n, batch);
  const factor = exchanged ? transposed(wholeMatrix(weight, inputChannels)) : wholeMatrix(weight, outputChannels);
  product(ctx, {
    ...{ label, call, tiles, samples: 1, rows, columns: outputChannels, depth: inputChannels },
    a: wholeMatrix(x, inputChannels),
    b: factor,
    out: wholeMatrix(y, outputChannels),
    ...((bias ?? addend) && { epilogue: layerEpilogue({ bias, residual: addend }) }),
  });
}

/**
 * A shader of the operands of shared/convOperands.wgsl. One pipeline with flags, rather than one for each set of
 * operands: a pipeline of this size takes seconds to compile.
 */
function dispatchScalar(
  ctx: KernelContext,
  args: Pick<ConvOperands, "label" | "x" | "weight" | "bias" | "addend" | "y"> & {
    sums?: Tensor | undefined;
    flops: number;
    call: KernelCall;
  },
  conv: ConvDispatch,
): void {
  const { label, x, weight, bias, addend, y, sums, flops, call } = args;
  const none = (name: string, dtype?: DType) => ctx.scratch(`${label} no ${name}`, [1], dtype);
  const hasSums = conv.shader.name === "conv3dRows" && y.dtype === "f16";
  ctx.dispatch({
    ...conv,
    label,
    call,
    constants: { ...conv.constants, ...storagePair(x, y) },
    params: { ...conv.params, hasBias: bias ? 1 : 0, hasAddend: addend ? 1 : 0 },
    bindings: {
      x,
      weight,
      bias: bias ?? none("bias"),
      addend: addend ?? none("addend", y.dtype),
      y,
      ...(hasSums && { sums: sums ?? none("sums") }),
    },
    flops,
    bytes: [x, weight, y, bias, addend].reduce((sum, t) => sum + (t ? byteLength(t) : 0), 0),
  });
}
