import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { elementCount, type Tensor } from "../../gpu/tensor.ts";
import { conv3dGradWeight } from "./conv3dGradWeight.ts";
import { conv3d, conv3dGradInput } from "./conv3d.ts";
import { badShape, requireShape } from "../shapes.ts";

export { conv3dGradBias as linearGradBias } from "../sumRows.ts";

/**
 * y = x weight + bias + addend for x [..., Ci], weight [Ci, Co], bias [Co], addend and y [..., Co]: a 1x1x1 convolution
 * over tokens.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit.
 */
export function linear(
  ctx: KernelContext,
  args: { label: string; x: Tensor; weight: Tensor; bias?: Tensor | undefined; addend?: Tensor | undefined; y: Tensor },
): void {
  requireArgs("linear", ctx, args, "x weight y");
  const { label, x, weight, bias, addend, y } = args;
  checkLinear(label, x, weight, y);
  if (addend) requireShape(label, "addend", addend, y.shape);
  conv3d(ctx, {
    label,
    x: asVoxels(x),
    weight: asKernel(weight),
    bias,
    addend: addend && asVoxels(addend),
    y: asVoxels(y),
    stride: 1,
    padding: 0,
  });
}

/** Writes gradX [..., Ci] = gradY weight^T. */
export function linearGradInput(
  ctx: KernelContext,
  args: { label: string; gradY: Tensor; weight: Tensor; gradX: Tensor },
): void {
  requireArgs("linearGradInput", ctx, args, "gradY weight gradX");
  const { label, gradY, weight, gradX } = args;
  checkLinear(label, gradX, weight, gradY);
  conv3dGradInput(ctx, {
    label,
    gradY: asVoxels(gradY),
    weight: asKernel(weight),
    gradX: asVoxels(gradX),
    stride: 1,
    padding: 0,
  });
}

/** Adds x^T gradY to gradWeight [Ci, Co]. */
export function linearGradWeight(
  ctx: KernelContext,
  args: { label: string; x: Tensor; gradY: Tensor; gradWeight: Tensor },
): void {
  requireArgs("linearGradWeight", ctx, args, "x gradY gradWeight");
  const { label, x, gradY, gradWeight } = args;
  checkLinear(label, x, gradWeight, gradY);
  conv3dGradWeight(ctx, {
    label,
    x: asVoxels(x),
    gradY: asVoxels(gradY),
    gradWeight: asKernel(gradWeight),
    stride: 1,
    padding: 0,
  });
}

function checkLinear(label: string, x: Tensor, weight: Tensor, y: Tensor): void {
  if (weight.shape.length !== 2 || x.shape[x.shape.length - 1] !== weight.shape[0]) {
    throw badShape(label, "x must be [..., C in] and weight [C in, C out]", { x, weight });
  }
  requireShape(label, "y", y, [...x.shape.slice(0, -1), weight.shape[1]!]);
}

// The same memory under another shape; a tensor is told from another by its id alone. Rows of tokens, since the
// weight's gradient divides its sum by rows.
function asVoxels(tensor: Tensor): Tensor {
  const channels = tensor.shape[tensor.shape.length - 1]!;
  const tokens = elementCount(tensor.shape) / channels;
  const width = [64, 32, 16, 8].find((size) => tokens % size === 0) ?? tokens;
  return { ...tensor, shape: [1, 1, tokens / width, width, channels] };
}

function asKernel(weight: Tensor): Tensor {
  return { ...weight, shape: [1, 1, 1, ...weight.shape] };
}
