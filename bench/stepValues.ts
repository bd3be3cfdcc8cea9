import type { StepValues } from "../src/graph/stepUniform.ts";

/** The uniform `Step` (shaders/shared/step.wgsl) as an input of a case. */
export function stepWords(values: StepValues): Uint32Array<ArrayBuffer> {
  const { seed, step, sample, lr, correction1, correction2, emaDecay } = values;
  const words = new Uint32Array(8);
  words.set([seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, step, sample]);
  new Float32Array(words.buffer).set([lr, correction1, correction2, emaDecay], 4);
  return words;
}
