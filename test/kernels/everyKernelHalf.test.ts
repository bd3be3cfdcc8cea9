// Every kernel that stores activations, in half precision: it is what its float64 twin says, in every variant that this
// adapter can run, and bitwise the same twice. Those for subgroup matrices are in everyKernelMatrix.test.ts.
import { beforeAll, describe, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import type { Kernel } from "../../src/kernels/kernel.ts";
import { allKernels } from "../../src/kernels/list.ts";
import { testGpu } from "../harness.ts";
import { needsStored } from "./half.ts";
import { isMatrixVariant, prove, title } from "./kernelProof.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const storesActivations = ({ shapes, example }: Kernel) =>
  Object.values(example(shapes[0]!).tensors).some(({ activation }) => activation);

describe.each(allKernels().filter(storesActivations))("$name", (kernel) => {
  needsStored("f16");

  // One shape: shaders differ in how they load and store alone, and in matrices.
  const shape = kernel.shapes[0]!;

  it(title(kernel, shape), async () => prove(gpu, kernel, shape, "f16", (variant) => !isMatrixVariant(variant)));
});
