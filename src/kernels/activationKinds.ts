/** Activations that kernels have, in PyTorch's exact forms. */
export type Activation = "gelu" | "silu" | "sigmoid";

/** Of each its number in shapes, and operations of an element as they are counted, forward and backward. */
export const ACTIVATIONS = {
  gelu: { number: 1, flops: 28, gradFlops: 34 },
  silu: { number: 2, flops: 4, gradFlops: 8 },
  sigmoid: { number: 3, flops: 3, gradFlops: 6 },
} as const satisfies Record<Activation, { number: number; flops: number; gradFlops: number }>;

/** By its number in a shape; undefined for 0. */
export function activationOf(number: number): Activation | undefined {
  return (Object.keys(ACTIVATIONS) as Activation[]).find((name) => ACTIVATIONS[name].number === number);
}

/** The constant of shaders/shared/activated.wgsl; none where there is no activation. */
export function activationConstant(activation: Activation | undefined): Readonly<Record<string, true>> {
  return activation ? { [activation.toUpperCase()]: true } : {};
}
