import { requireArray, requireNumbers } from "../check.ts";
import type { FloatArray } from "../equivariance/numbers.ts";
import { projectedDimension, projectKernel } from "../equivariance/projection.ts";
import { VoxtwirlError } from "../errors.ts";
import { layerName } from "./layers.ts";
import type { WeightSlot } from "./lossTerms.ts";

/** How much of some kernels is not equivariant: theta_perp = theta - P theta. */
export interface PerpendicularNorm {
  /** How many numbers. */
  readonly weights: number;
  /** |theta| */
  readonly norm: number;
  /** |theta_perp|; |theta|^2 = |P theta|^2 + |theta_perp|^2. */
  readonly perpendicular: number;
  /** |theta_perp| / |theta|; NaN where |theta| is 0. */
  readonly ratio: number;
  /**
   * The same ratio, in the mean square, of kernels with these norms whose numbers are independent, as initial weights
   * are: sqrt(1 - d / k^3) with d = `projectedDimension(k)`, 0.923 for k = 3.
   */
  readonly randomRatio: number;
}

/** The same of one layer's kernel. */
export interface LayerPerpendicular extends PerpendicularNorm {
  readonly layer: string;
  /** k, the edge of its window. Kernels of edge 1 are equivariant whatever they are. */
  readonly edge: number;
}

/** The same of all kernels of a net. */
export interface PerpendicularNorms extends PerpendicularNorm {
  /** Weights that P leaves as they are, being the same for each voxel: biases, norms, linear layers. */
  readonly untouched: { readonly weights: number; readonly norm: number };
  /** In the model's own order. */
  readonly byLayer: readonly LayerPerpendicular[];
}

/**
 * P theta, the part of a net's weights that commutes with the 24 rotations of the cube: every kernel of a convolution,
 * transposed or not, is replaced by its mean over the rotations (`projectKernel`). All else stays as it is.
 *
 * A net whose channels are permuted by a rotation is equivariant too and not of this form, so that theta_perp tells
 * less than L_equiv does.
 *
 * @param layout where the kernels lie, [k, k, k, ci, co]
 * @returns a new vector of the same precision
 * @throws VoxtwirlError "bad-shape" for a layout that goes beyond the weights, or a kernel that is not cubic
 */
export function projectWeights<T extends FloatArray>(layout: readonly WeightSlot[], weights: T): T {
  checkLayout(layout, weights);
  const projected = weights.slice() as T;
  for (const slot of kernelsOf(layout)) projected.set(projectKernel(slice(weights, slot), slot.shape[0]!), slot.offset);
  return projected;
}

/**
 * |theta_perp| of all convolution kernels and of each, beside |theta|.
 *
 * @throws VoxtwirlError as `projectWeights`
 */
export function perpendicularNorms(layout: readonly WeightSlot[], weights: FloatArray): PerpendicularNorms {
  checkLayout(layout, weights);
  const parts = kernelsOf(layout).map((slot) => {
    const edge = slot.shape[0]!;
    const kernel = slice(weights, slot);
    const projected = projectKernel(Float64Array.from(kernel), edge);
    const square = sumOfSquares(kernel);
    const perpendicular = sumOfSquares(projected.map((value, i) => kernel[i]! - value));
    return { slot, edge, square, perpendicular, random: square * (1 - projectedDimension(edge) / edge ** 3) };
  });
  const figures = (of: typeof parts): PerpendicularNorm => {
    const sum = (term: (part: (typeof parts)[number]) => number) => of.reduce((total, part) => total + term(part), 0);
    const [square, perpendicular] = [sum((part) => part.square), sum((part) => part.perpendicular)];
    return {
      weights: sum(({ slot }) => slot.size),
      norm: Math.sqrt(square),
      perpendicular: Math.sqrt(perpendicular),
      ratio: Math.sqrt(perpendicular / square),
      randomRatio: Math.sqrt(sum(({ random }) => random) / square),
    };
  };
  const others = layout.filter((slot) => !isKernel(slot));
  return {
    ...figures(parts),
    untouched: {
      weights: others.reduce((sum, { size }) => sum + size, 0),
      norm: Math.sqrt(others.reduce((sum, slot) => sum + sumOfSquares(slice(weights, slot)), 0)),
    },
    byLayer: parts.map((part) => ({ layer: layerName(part.slot.name), edge: part.edge, ...figures([part]) })),
  };
}

/** Whether a net has kernels that P changes: convolutions of more than one voxel. */
export function hasKernels(parameters: readonly Pick<WeightSlot, "kind" | "shape">[]): boolean {
  return parameters.some((slot) => isKernel(slot) && slot.shape[0]! > 1);
}

const isKernel = ({ kind }: Pick<WeightSlot, "kind">): boolean => kind === "conv" || kind === "convTranspose";
const kernelsOf = (layout: readonly WeightSlot[]): WeightSlot[] => layout.filter(isKernel);
const slice = <T extends FloatArray>(weights: T, { offset, size }: WeightSlot): T =>
  weights.subarray(offset, offset + size) as T;

function sumOfSquares(values: FloatArray): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

function checkLayout(layout: unknown, weights: FloatArray): asserts layout is readonly WeightSlot[] {
  requireArray("layout", layout, "Give the layout of LossTerms.");
  requireNumbers("weights", weights);
  for (const { name, kind, shape, offset, size } of layout as WeightSlot[]) {
    const count = shape.reduce((product, n) => product * n, 1);
    const [d, h, w] = shape;
    const cubic = shape.length === 5 && d === h && h === w;
    if (count === size && offset + size <= weights.length && (cubic || !/^conv/.test(kind))) continue;
    throw new VoxtwirlError(
      "bad-shape",
      `${name}, [${shape.join(", ")}] at ${offset}, does not fit ${weights.length} weights as a ${kind}`,
      "Give the weights that the layout is of, with kernels as [k, k, k, ci, co].",
    );
  }
}
