import type { CallShape } from "./kernel.ts";
import type { Dispatch } from "../gpu/dispatch.ts";
import { elementCount, type Tensor } from "../gpu/tensor.ts";
import { threads1d } from "./threads.ts";

/** How an element-by-element shader on `Real`s (shaders/shared/real.wgsl) covers a tensor. */
export interface ElementwiseLayout {
  constants: { VEC4: boolean; EACH: number };
  /** Elements in Reals. */
  count: number;
  workgroups: Dispatch["workgroups"];
}

/** For shaders whose threads take `each` Reals, WORKGROUP apart: four floats where the tensor divides by four. */
export function elementwiseLayout(tensor: Tensor, each: number): ElementwiseLayout {
  const floats = elementCount(tensor.shape);
  const vec4 = floats % 4 === 0;
  const count = vec4 ? floats / 4 : floats;
  return { constants: { VEC4: vec4, EACH: each }, count, workgroups: threads1d(Math.ceil(count / each)) };
}

/** Of tests: elements that divide by four and that do not, one alone, and more than a workgroup takes. */
export interface ElementwiseShape extends CallShape {
  readonly samples: number;
  readonly perSample: number;
}

export const elementwiseShapes: readonly ElementwiseShape[] = [
  { samples: 3, perSample: 105 },
  { samples: 2, perSample: 2048 },
  { samples: 1, perSample: 1 },
];
