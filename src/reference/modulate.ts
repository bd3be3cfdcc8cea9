import { twin, type Twins } from "./twin.ts";

/** N samples of T tokens of C numbers, of which the first tokens have the last vector. */
export interface ModulateCase {
  readonly samples: number;
  /** Samples that share vectors and a mask, one after the other. */
  readonly copies: number;
  readonly tokens: number;
  readonly columns: number;
  readonly registers: number;
}

type Numbers = ArrayLike<number>;
type Vectors = "scale" | "shift" | "residual" | "mask";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Calls `visit` with each element, where its vector's number lies, and its factor. */
function eachElement(
  { samples, copies, tokens, columns, registers }: ModulateCase,
  mask: Numbers | undefined,
  visit: (at: number, of: number, factor: number) => void,
): void {
  const chains = samples / copies;
  const side = mask && mask.length / chains;
  for (let n = 0; n < samples; n++) {
    const chain = Math.floor(n / copies);
    for (let t = 0; t < tokens; t++) {
      const vector = t < registers ? chains : chain;
      const of = (i: number) => mask![chain * side! + i]!;
      const factor = !mask ? 1 : side === tokens ? of(t) : of(Math.floor(t / side!)) * of(t % side!);
      for (let c = 0; c < columns; c++) visit((n * tokens + t) * columns + c, vector * columns + c, factor);
    }
  }
}

/** Twin of shaders/modulate.wgsl in float64. */
export function modulate(
  shape: ModulateCase,
  { x, scale, shift, residual, mask }: { readonly x: Numbers } & { readonly [N in Vectors]?: Numbers },
): Float64Array {
  const y = new Float64Array(x.length);
  eachElement(shape, mask, (at, of, factor) => {
    const scaled = x[at]! * (scale ? sigmoid(scale[of]!) : 1);
    y[at] = factor * (scaled + (shift ? shift[of]! : 0) + (residual ? residual[at]! : 0));
  });
  return y;
}

/** Twin of its gradients in float64. */
export function modulateGrad(
  shape: ModulateCase,
  { x, scale, mask, gradY }: { readonly x: Numbers; readonly gradY: Numbers; readonly scale?: Numbers; mask?: Numbers },
) {
  const vectors = (shape.samples / shape.copies + 1) * shape.columns;
  const [gradX, gradResidual] = [new Float64Array(x.length), new Float64Array(x.length)];
  const [gradScale, gradShift] = [new Float64Array(vectors), new Float64Array(vectors)];
  eachElement(shape, mask, (at, of, factor) => {
    const s = scale ? sigmoid(scale[of]!) : 1;
    const gradient = factor * gradY[at]!;
    gradX[at] = gradient * s;
    gradResidual[at] = gradient;
    gradScale[of]! += gradient * x[at]! * s * (1 - s);
    gradShift[of]! += gradient;
  });
  return { gradX, gradResidual, gradScale, gradShift };
}

export const twins: Twins = {
  modulate: twin<"x" | Vectors, keyof ModulateCase>((tensors, shape) => ({ y: modulate(shape, tensors) })),
  modulateGrad: twin<"x" | "gradY" | "scale" | "mask", keyof ModulateCase>((tensors, shape) => {
    return Object.fromEntries(Object.entries(modulateGrad(shape, tensors)).filter(([name]) => name in tensors));
  }),
};
