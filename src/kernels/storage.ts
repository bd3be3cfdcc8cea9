import type { Tensor } from "../gpu/tensor.ts";
import { badShape } from "./shapes.ts";

/**
 * The constant of shaders/shared/storage.wgsl: F16 where these tensors are f16, nothing where they are f32.
 *
 * @throws VoxtwirlError "bad-shape" where they differ
 */
export function storage(label: string, tensors: Readonly<Record<string, Tensor>>): { F16?: true } {
  const [first, ...rest] = Object.values(tensors);
  if (rest.some(({ dtype }) => dtype !== first!.dtype)) throw badShape(label, "all must be f32, or all f16", tensors);
  return first!.dtype === "f16" ? { F16: true } : {};
}

/** The constants of shaders/shared/storagePair.wgsl, each where its tensor is f16. */
export function storagePair(x: Tensor, y: Tensor): { X_F16?: true; Y_F16?: true } {
  return { ...(x.dtype === "f16" && { X_F16: true }), ...(y.dtype === "f16" && { Y_F16: true }) };
}
