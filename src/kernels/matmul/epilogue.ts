import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { ACTIVATIONS, activationConstant, type Activation } from "../activationKinds.ts";
import type { Epilogue } from "./product.ts";

/** What follows a layer's product: f(product + bias) * gate + residual. */
export interface LayerEpilogue {
  /** f32 [N] */
  bias?: Tensor | undefined;
  activation?: Activation | undefined;
  /** Laid out and stored as the result, as the two below. */
  gate?: Tensor | undefined;
  residual?: Tensor | undefined;
  /** Written: product + bias. */
  preActivation?: Tensor | undefined;
}

/** As a product takes it. */
export function layerEpilogue({ bias, activation, gate, residual, preActivation }: LayerEpilogue): Epilogue {
  const bindings = {
    ...(bias && { bias }),
    ...(gate && { gate }),
    ...(residual && { residual }),
    ...(preActivation && { preActivation }),
  };
  return {
    constants: {
      LAYER: true,
      ...(bias && { BIAS: true }),
      ...activationConstant(activation),
      ...(gate && { GATE: true }),
      ...(residual && { RESIDUAL: true }),
      ...(preActivation && { PRE_ACTIVATION: true }),
    },
    bindings,
    flops: (activation ? ACTIVATIONS[activation].flops : 0) + [bias, gate, residual].filter((tensor) => tensor).length,
    bytes: Object.values(bindings).reduce((all, tensor) => all + byteLength(tensor), 0),
  };
}
