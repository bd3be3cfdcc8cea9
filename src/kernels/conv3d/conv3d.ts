import conv3dShader from "../../../shaders/conv3d/conv3d.wgsl";
import conv3dTiledShader from "../../../shaders/conv3d/conv3dTiled.wgsl";
import conv3dSumSplitsShader from "../../../shaders/conv3d/conv3dSumSplits.wgsl";
import conv3dSubgroupMatrixShader from "../../../shaders/conv3d/conv3dSubgroupMatrix.wgsl";
import conv3dPolyphaseShader from "../../../shaders/conv3d/conv3dPolyphase.wgsl";
import conv3dRowsShader from "../../../shaders/conv3d/conv3dRows.wgsl";
import conv3dRowsWeightShader from "../../../shaders/conv3d/conv3dRowsWeight.wgsl";
import conv3dWinogradWeightShader from "../../../shaders/conv3d/conv3dWinogradWeight.wgsl";
import conv3dWinogradOutputShader from "../../../shaders/conv3d/conv3dWinogradOutput.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { dispatchConv3d, dispatchConvTranspose3d } from "./conv3dDispatch.ts";
import { conv3dShape } from "./conv3dShape.ts";
import { testConvShape, type ConvShape } from "./conv3dCall.ts";
import { conv3dVariants } from "./conv3dVariants.ts";
import { activation, example, input, output } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { HELD_SHADERS } from "../matmul/held.ts";
import { WINOGRAD_SHADERS } from "./winogradMatmul.ts";
import { requireShape } from "../shapes.ts";

export { conv3dShape } from "./conv3dShape.ts";
export { conv3dGradBias } from "../sumRows.ts";
export { conv3dGradWeight } from "./conv3dGradWeight.ts";

/**
 * y = convolution of x with a cubic kernel, plus bias, plus `addend` (a residual), channels-last:
 * x [N, D, H, W, Ci], weight [k, k, k, Ci, Co] with k from 1 to 4, bias [Co], addend and y [N, Do, Ho, Wo, Co]. Zero
 * padding, of any size. A cross-correlation, as everywhere in machine learning.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit (see `conv3dShape`).
 */
export function conv3d(
  ctx: KernelContext,
  args: {
    label: string;
    x: Tensor;
    weight: Tensor;
    bias?: Tensor | undefined;
    addend?: Tensor | undefined;
    y: Tensor;
    stride: number;
    padding: number;
  },
): void {
  requireArgs("conv3d", ctx, args, "x weight y", "stride padding");
  const { label, x, weight, bias, addend, y, stride, padding } = args;
  const expected = conv3dShape(x.shape, weight.shape, stride, padding, label);
  requireShape(label, "output", y, expected);
  if (bias) requireShape(label, "bias", bias, [expected[4]!]);
  if (addend) requireShape(label, "addend", addend, expected);
  dispatchConv3d(ctx, { label, x, weight, bias, addend, y, stride, pad: padding });
}

/**
 * Writes the gradient of a convolution with respect to its input: gradX [N, D, H, W, Ci] from gradY [N, Do, Ho, Wo, Co]
 * and the forward weights. Stride 1: a convolution with the weights flipped and their channels exchanged, padding
 * k - 1 - padding. Stride 2: a transposed convolution with the channels exchanged.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit.
 */
export function conv3dGradInput(
  ctx: KernelContext,
  args: { label: string; gradY: Tensor; weight: Tensor; gradX: Tensor; stride: number; padding: number },
): void {
  requireArgs("conv3dGradInput", ctx, args, "gradY weight gradX", "stride padding");
  const { label, gradY, weight, gradX, stride, padding } = args;
  requireShape(label, "output gradient", gradY, conv3dShape(gradX.shape, weight.shape, stride, padding, label));
  if (stride === 1) {
    const pad = weight.shape[0]! - 1 - padding;
    dispatchConv3d(ctx, { label, x: gradY, weight, y: gradX, stride, pad, exchanged: true, flipped: true });
  } else {
    dispatchConvTranspose3d(ctx, { label, x: gradY, weight, y: gradX, pad: padding, exchanged: true });
  }
}

/** What there is to know of `conv3d`. */
export const conv3dKernel: Kernel<ConvShape> = {
  name: "conv3d",
  shaders: [
    conv3dShader,
    conv3dRowsShader,
    conv3dRowsWeightShader,
    ...HELD_SHADERS,
    conv3dPolyphaseShader,
    ...WINOGRAD_SHADERS,
    conv3dWinogradWeightShader,
    conv3dWinogradOutputShader,
    conv3dSubgroupMatrixShader,
    conv3dTiledShader,
    conv3dSumSplitsShader,
  ],
  variants: conv3dVariants,
  shapes: [
    testConvShape([6, 19], [3, 1, 1], 11),
    testConvShape([6, 7], [3, 1, 1], 18, { exchanged: 1, flipped: 1 }),
    testConvShape([6, 3], [3, 1, 1], 18),
    testConvShape([4, 9], [1, 1, 0], 18, { exchanged: 1, flipped: 1 }),
    { ...testConvShape([4, 9], [1, 1, 0], 20), inC: 68 },
    testConvShape([7, 9], [4, 2, 1], 9),
  ],
  example(shape) {
    const { batch, inD, inH, inW, inC, outD, outH, outW, outC, kernel: k, stride, pad, exchanged, flipped } = shape;
    return example({
      tensors: {
        x: activation(input([batch, inD, inH, inW, inC])),
        weight: input([k, k, k, ...(exchanged ? [outC, inC] : [inC, outC])]),
        bias: input([outC]),
        y: activation(output([batch, outD, outH, outW, outC])),
      },
      terms: k ** 3 * inC,
      emit: (ctx, tensors) =>
        dispatchConv3d(ctx, {
          ...{ label: "conv3d", ...tensors, stride, pad, exchanged: exchanged === 1, flipped: flipped === 1 },
        }),
    });
  },
};
