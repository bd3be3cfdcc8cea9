import { gelu, geluSlope, sigmoid, sigmoidSlope, silu, siluSlope } from "./activations.ts";
import { mapped, twin, type Twins } from "./twin.ts";

/** Twin of src/kernels/matmul/matmul.ts in float64: sizes and switches as its shapes have them. */
export interface MatmulCase {
  samples: number;
  rows: number;
  columns: number;
  depth: number;
  transposeA?: number;
  transposeB?: number;
  /** 1: the left factor is one of all samples, 2: the right one. */
  shared?: number;
  summed?: number;
  /** 1 gelu, 2 silu, 3 sigmoid. */
  activation?: number;
  scale?: number;
}

type Extras = Partial<Record<"bias" | "gate" | "residual", ArrayLike<number>>>;

const identity = (x: number) => x;
const FUNCTIONS = [identity, gelu, silu, sigmoid];
const SLOPES = [() => 1, geluSlope, siluSlope, sigmoidSlope];

export function matmul(
  c: MatmulCase,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { bias, gate, residual }: Extras = {},
): { y: Float64Array; preActivation: Float64Array } {
  const { samples, rows, columns, depth, transposeA, transposeB, shared = 0, summed, activation = 0, scale = 1 } = c;
  const preActivation = new Float64Array((summed ? 1 : samples) * rows * columns);
  for (let n = 0; n < samples; n++) {
    const [aAt, bAt] = [shared === 1 ? 0 : n * rows * depth, shared === 2 ? 0 : n * depth * columns];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) {
          const left = a[aAt + (transposeA ? k * rows + i : i * depth + k)]!;
          sum += left * b[bAt + (transposeB ? j * depth + k : k * columns + j)]!;
        }
        preActivation[((summed ? 0 : n) * rows + i) * columns + j]! += scale * sum;
      }
    }
  }
  if (bias) for (let i = 0; i < preActivation.length; i++) preActivation[i]! += bias[i % columns]!;
  const y = mapped(preActivation, (x, i) => FUNCTIONS[activation]!(x) * (gate?.[i] ?? 1) + (residual?.[i] ?? 0));
  return { y, preActivation };
}

type Size = "samples" | "rows" | "columns" | "depth" | "kept";

export const twins: Twins = {
  matmul: twin<"a" | "b" | "bias" | "gate" | "residual", Size>(({ a, b, ...extras }, shape) => {
    const { y, preActivation } = matmul({ ...shape, scale: shape.depth ** -0.5 }, a, b, extras);
    return { y, ...(shape.kept && { preActivation }) };
  }),
  gateGrad: twin<"x" | "gate" | "gradY", "activation">(({ x, gate, gradY }, { activation }) => ({
    gradX: mapped(x, (value, i) => gradY[i]! * gate[i]! * SLOPES[activation]!(value)),
    gradGate: mapped(x, (value, i) => gradY[i]! * FUNCTIONS[activation]!(value)),
  })),
};
