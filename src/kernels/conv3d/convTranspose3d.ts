import conv3dTiledShader from "../../../shaders/conv3d/conv3dTiled.wgsl";
import conv3dSumSplitsShader from "../../../shaders/conv3d/conv3dSumSplits.wgsl";
import conv3dSubgroupMatrixShader from "../../../shaders/conv3d/conv3dSubgroupMatrix.wgsl";
import conv3dPolyphaseShader from "../../../shaders/conv3d/conv3dPolyphase.wgsl";
import convTranspose3dShader from "../../../shaders/conv3d/convTranspose3d.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { dispatchConv3d, dispatchConvTranspose3d } from "./conv3dDispatch.ts";
import { dispatchConv3dGradWeight } from "./conv3dGradWeight.ts";
import { convTranspose3dShape } from "./conv3dShape.ts";
import type { ConvShape } from "./conv3dCall.ts";
import { convTranspose3dVariants } from "./conv3dVariants.ts";
import { activation, example, input, output } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { requireShape } from "../shapes.ts";

export { convTranspose3dShape } from "./conv3dShape.ts";
export { conv3dGradBias as convTranspose3dGradBias } from "../sumRows.ts";

/**
 * y = transposed convolution of x, stride 2, plus bias, channels-last: x [N, D, H, W, Ci], weight [k, k, k, Ci, Co]
 * with k from 1 to 4, bias [Co], y [N, Do, Ho, Wo, Co] with Do = 2 (D - 1) - 2 padding + k, as PyTorch's
 * ConvTranspose3d.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit (see `convTranspose3dShape`).
 */
export function convTranspose3d(
  ctx: KernelContext,
  args: {
    label: string;
    x: Tensor;
    weight: Tensor;
    bias?: Tensor | undefined;
    y: Tensor;
    stride: number;
    padding: number;
  },
): void {
  requireArgs("convTranspose3d", ctx, args, "x weight y", "stride padding");
  const { label, x, weight, bias, y, stride, padding } = args;
  const expected = convTranspose3dShape(x.shape, weight.shape, stride, padding, label);
  requireShape(label, "output", y, expected);
  if (bias) requireShape(label, "bias", bias, [expected[4]!]);
  dispatchConvTranspose3d(ctx, { label, x, weight, bias, y, pad: padding });
}

/**
 * Writes the gradient of a transposed convolution with respect to its input: a convolution of stride 2 of gradY, with
 * the channels of the weights exchanged.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit.
 */
export function convTranspose3dGradInput(
  ctx: KernelContext,
  args: { label: string; gradY: Tensor; weight: Tensor; gradX: Tensor; stride: number; padding: number },
): void {
  requireArgs("convTranspose3dGradInput", ctx, args, "gradY weight gradX", "stride padding");
  const { label, gradY, weight, gradX, stride, padding } = args;
  const expected = convTranspose3dShape(gradX.shape, weight.shape, stride, padding, label);
  requireShape(label, "output gradient", gradY, expected);
  dispatchConv3d(ctx, { label, x: gradY, weight, y: gradX, stride, pad: padding, exchanged: true });
}

/**
 * Adds the gradient of a transposed convolution with respect to its weights to gradWeight [k, k, k, Ci, Co]: that of a
 * convolution of stride 2 in which x and gradY change places.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit.
 */
export function convTranspose3dGradWeight(
  ctx: KernelContext,
  args: { label: string; x: Tensor; gradY: Tensor; gradWeight: Tensor; stride: number; padding: number },
): void {
  requireArgs("convTranspose3dGradWeight", ctx, args, "x gradY gradWeight", "stride padding");
  const { label, x, gradY, gradWeight, stride, padding } = args;
  const expected = convTranspose3dShape(x.shape, gradWeight.shape, stride, padding, label);
  requireShape(label, "output gradient", gradY, expected);
  dispatchConv3dGradWeight(ctx, { label, x: gradY, gradY: x, gradWeight, stride, pad: padding, transposed: true });
}

/** What there is to know of `convTranspose3d`. */
export const convTranspose3dKernel: Kernel<ConvShape> = {
  name: "convTranspose3d",
  shaders: [
    convTranspose3dShader,
    conv3dPolyphaseShader,
    conv3dSubgroupMatrixShader,
    conv3dTiledShader,
    conv3dSumSplitsShader,
  ],
  variants: convTranspose3dVariants,
  shapes: [
    {
      ...{ batch: 2, inD: 3, inH: 5, inW: 4, inC: 5, outD: 6, outH: 10, outW: 8, outC: 11 },
      ...{ kernel: 4, stride: 2, pad: 1, exchanged: 0, flipped: 0 },
    },
    {
      ...{ batch: 1, inD: 1, inH: 2, inW: 3, inC: 6, outD: 2, outH: 4, outW: 6, outC: 4 },
      ...{ kernel: 2, stride: 2, pad: 0, exchanged: 1, flipped: 0 },
    },
  ],
  example(shape) {
    const { batch, inD, inH, inW, inC, outD, outH, outW, outC, kernel: k, pad, exchanged } = shape;
    return example({
      tensors: {
        x: activation(input([batch, inD, inH, inW, inC])),
        weight: input([k, k, k, ...(exchanged ? [outC, inC] : [inC, outC])]),
        bias: input([outC]),
        y: activation(output([batch, outD, outH, outW, outC])),
      },
      terms: k ** 3 * inC,
      emit: (ctx, tensors) =>
        dispatchConvTranspose3d(ctx, { label: "convTranspose3d", ...tensors, pad, exchanged: exchanged === 1 }),
    });
  },
};
