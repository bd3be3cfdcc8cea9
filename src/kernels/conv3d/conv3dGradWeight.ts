import sumPartialsShader from "../../../shaders/sumPartials.wgsl";
import conv3dGradWeightRowsShader from "../../../shaders/conv3d/conv3dGradWeightRows.wgsl";
import conv3dGradWeightTiledShader from "../../../shaders/conv3d/conv3dGradWeightTiled.wgsl";
import conv3dGradWeightShader from "../../../shaders/conv3d/conv3dGradWeight.wgsl";
import conv3dGradWeightSubgroupMatrixShader from "../../../shaders/conv3d/conv3dGradWeightSubgroupMatrix.wgsl";
import conv3dWinogradGradWeightShader from "../../../shaders/conv3d/conv3dWinogradGradWeight.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, sum } from "../example.ts";
import { choose, type Kernel, type Variant } from "../kernel.ts";
import { requireShape } from "../shapes.ts";
import { usefulFlops } from "./conv3dBlocks.ts";
import { convShape, testConvShape } from "./conv3dCall.ts";
import { dispatchConv3dGradWeightHeld } from "./conv3dGradWeightHeld.ts";
import { dispatchConv3dGradWeightRows } from "./conv3dGradWeightRows.ts";
import { dispatchConv3dGradWeightSubgroupMatrix } from "./conv3dGradWeightSubgroupMatrix.ts";
import { dispatchConv3dGradWeightTeams } from "./conv3dGradWeightTeams.ts";
import { dispatchConv3dGradWeightTiled } from "./conv3dGradWeightTiled.ts";
import { dispatchConv3dGradWeightWinograd } from "./conv3dGradWeightWinograd.ts";
import {
  gradWeightSubgroupMatrixTileOf,
  gradWeightTilingOf,
  gradWeightVariants,
  type GradWeightShape,
} from "./conv3dGradWeightVariants.ts";
import { conv3dShape, convSizes } from "./conv3dShape.ts";
import { HELD_SHADERS } from "../matmul/held.ts";
import { WINOGRAD_SHADERS } from "./winogradMatmul.ts";

/**
 * Adds the gradient of a convolution with respect to its weights to gradWeight [k, k, k, Ci, Co], from its input
 * x [N, D, H, W, Ci] and gradY [N, Do, Ho, Wo, Co]. Two passes in a fixed order: splits of the positions, then their
 * sum.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit.
 */
export function conv3dGradWeight(
  ctx: KernelContext,
  args: { label: string; x: Tensor; gradY: Tensor; gradWeight: Tensor; stride: number; padding: number },
): void {
  requireArgs("conv3dGradWeight", ctx, args, "x gradY gradWeight", "stride padding");
  const { label, x, gradY, gradWeight, stride, padding } = args;
  requireShape(label, "output gradient", gradY, conv3dShape(x.shape, gradWeight.shape, stride, padding, label));
  dispatchConv3dGradWeight(ctx, { label, x, gradY, gradWeight, stride, pad: padding, transposed: false });
}

/**
 * Both passes (one where a single split is enough) without checks; `transposed` says that gradWeight is [k, k, k,
 * channels of gradY, channels of x].
 */
export function dispatchConv3dGradWeight(
  ctx: KernelContext,
  args: {
    label: string;
    x: Tensor;
    gradY: Tensor;
    gradWeight: Tensor;
    stride: number;
    pad: number;
    transposed: boolean;
    /** Chosen where it is not given. */
    variant?: Variant;
  },
): void {
  const { x, gradY, gradWeight, stride, pad, transposed } = args;
  const sizes = convSizes(x.shape, gradY.shape, gradWeight.shape[0]!);
  const shape = { ...convShape(sizes, stride, pad), transposed: transposed ? 1 : 0 };
  // Only where both are f16: both are operands.
  const dtype = gradY.dtype === "f16" ? x.dtype : "f32";
  const { variant, call } = choose(ctx.caps, gradWeightVariants, shape, dtype, args.variant);
  const all = { ...args, sizes, flops: usefulFlops({ sizes, stride, pad, transposed: false }), call };
  switch (variant.shader) {
    case "conv3dGradWeightTiled":
      dispatchConv3dGradWeightTiled(ctx, { ...all, tile: gradWeightTilingOf(variant) });
      return;
    case "conv3dGradWeightSubgroupMatrix":
      dispatchConv3dGradWeightSubgroupMatrix(ctx, { ...all, tile: gradWeightSubgroupMatrixTileOf(variant) });
      return;
    case "conv3dWinogradMatmul":
      dispatchConv3dGradWeightWinograd(ctx, { ...all, variant });
      return;
    case "matmulHeld":
      dispatchConv3dGradWeightHeld(ctx, { ...all, variant });
      return;
    case "conv3dGradWeightRows":
      dispatchConv3dGradWeightRows(ctx, all);
      return;
    default:
      dispatchConv3dGradWeightTeams(ctx, { ...all, percent: variant.constants.percent! });
  }
}

const testShape = (...shape: Parameters<typeof testConvShape>): GradWeightShape => {
  return { ...testConvShape(...shape), transposed: 0 };
};

/** What there is to know of `conv3dGradWeight`. */
export const conv3dGradWeightKernel: Kernel<GradWeightShape> = {
  name: "conv3dGradWeight",
  shaders: [
    conv3dGradWeightShader,
    conv3dGradWeightRowsShader,
    conv3dGradWeightTiledShader,
    conv3dGradWeightSubgroupMatrixShader,
    ...HELD_SHADERS,
    ...WINOGRAD_SHADERS,
    conv3dWinogradGradWeightShader,
    sumPartialsShader,
  ],
  variants: gradWeightVariants,
  shapes: [
    testShape([6, 9], [3, 1, 1], 20),
    testShape([6, 9], [3, 1, 1], 5),
    { ...testShape([7, 8], [4, 2, 1], 12), transposed: 1 },
    testShape([4, 7], [1, 1, 0], 20),
    { ...testShape([4, 7], [1, 1, 0], 20), inC: 36 },
    // Work enough for all cores without splits.
    { ...testShape([4, 7], [1, 1, 0], 516), inC: 20 },
  ],
  example(shape) {
    const { batch, inD, inH, inW, inC, outD, outH, outW, outC, kernel: k, stride, pad, transposed } = shape;
    return example({
      tensors: {
        x: activation(input([batch, inD, inH, inW, inC])),
        gradY: activation(input([batch, outD, outH, outW, outC])),
        gradWeight: sum([k, k, k, ...(transposed ? [outC, inC] : [inC, outC])]),
      },
      terms: batch * outD * outH * outW,
      emit: (ctx, tensors) =>
        dispatchConv3dGradWeight(ctx, {
          ...{ label: "conv3dGradWeight", ...tensors, stride, pad, transposed: transposed === 1 },
        }),
    });
  },
};
