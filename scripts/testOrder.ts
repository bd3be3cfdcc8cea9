// The order of test files: one that takes long and begins last would keep one worker busy while the other has nothing.
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take half a minute or more. The rest go after them, in vitest's own order. */
const LONGEST = [
  "conv3dSubgroupMatrix",
  "conv3dGradWeightSubgroupMatrix",
  "conv3d",
  "conv3dTiled",
  "train",
  "matmulSubgroupMatrix",
  "package",
  "kill",
  "profile",
  "measureModel",
  "everyKernelHalf",
  "everyKernel",
  "everyKernelMatrix",
  "driver",
].map((name) => `/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
