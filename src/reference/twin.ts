import type { CallShape } from "../kernels/kernel.ts";

/**
 * The tensors of an example before the call, by name: as they are stored, but for bytes of u32 that are a uniform's.
 */
export type TwinTensors = Readonly<Record<string, ArrayLike<number>>>;

/** What the outputs of a kernel's example hold after the call, in float64; what it adds to included. */
export type Twin = (tensors: TwinTensors, shape: CallShape) => Readonly<Record<string, ArrayLike<number>>>;

/** A twin of each of a file's kernels, by the kernel's name. */
export type Twins = Readonly<Record<string, Twin>>;

/** The same with its tensors and sizes by name, where the caller knows that they are there. */
export function twin<T extends string, S extends string>(
  of: (
    tensors: Readonly<Record<T, ArrayLike<number>>>,
    shape: Readonly<Record<S, number>>,
  ) => Readonly<Record<string, ArrayLike<number>>>,
): Twin {
  return of;
}

export function mapped(x: ArrayLike<number>, f: (value: number, i: number) => number): Float64Array {
  return Float64Array.from(x, f);
}

/** What the examples' uniform `Step` says. */
export function stepOf(words: ArrayLike<number>) {
  const [seedLo = 0, seedHi = 0, step = 0, sample = 0, ...rates] = Uint32Array.from(words);
  const [lr = 0, correction1 = 0, correction2 = 0, emaDecay = 0] = new Float32Array(Uint32Array.from(rates).buffer);
  return { seedLo, seedHi, step, sample, lr, correction1, correction2, emaDecay };
}
