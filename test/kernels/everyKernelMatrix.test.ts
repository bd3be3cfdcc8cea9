// Every kernel that has variants for subgroup matrices, on an adapter that has such: what everyKernelHalf.test.ts says
// of the other variants.
import { describe, it } from "vitest";
import { kernelWithVariants } from "../../src/kernels/list.ts";
import { testGpu } from "../harness.ts";
import { needsMatrices } from "./half.ts";
import { isMatrixVariant, prove, title } from "./kernelProof.ts";

const NAMES = ["conv3d", "convTranspose3d", "conv3dGradWeight", "attention", "attentionGrad"];

describe.each(NAMES.map(kernelWithVariants))("$name", (kernel) => {
  needsMatrices();

  const [first, ...others] = kernel.shapes;
  const copied = others.filter(({ copies = 1 }) => copies > 1);

  it.each([first!, ...copied].map((shape) => [title(kernel, shape), shape] as const))("%s", async (_, shape) => {
    await prove(await testGpu(), kernel, shape, "f16", isMatrixVariant);
  });
});
