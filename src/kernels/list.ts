import { VoxtwirlError } from "../errors.ts";
import * as exported from "./namespace.ts";
import type { Kernel, VariantChoice } from "./kernel.ts";

export type KernelWithVariants = Kernel & { readonly variants: VariantChoice };

/**
 * Every kernel, as far as index.ts exports it: to add one is to add its line there. A function, so that bundles without
 * a caller have no kernel for its sake.
 */
export function allKernels(): readonly Kernel[] {
  return Object.values<unknown>(exported).filter(isKernel);
}

/** Those with a choice of variants. */
export function kernelsWithVariants(): readonly KernelWithVariants[] {
  return allKernels().filter((kernel): kernel is KernelWithVariants => kernel.variants !== undefined);
}

/** @throws VoxtwirlError "unsupported" for a kernel without variants */
export function kernelWithVariants(name: string): KernelWithVariants {
  const found = kernelsWithVariants().find((kernel) => kernel.name === name);
  if (found) return found;
  throw new VoxtwirlError("unsupported", `there is nothing to choose for ${name}`, "Leave it out.");
}

function isKernel(value: unknown): value is Kernel {
  return typeof value === "object" && value !== null && "example" in value && "shaders" in value;
}
