import { activation, input, type ExampleTensor } from "../example.ts";
import type { AttentionShape } from "./attentionSizes.ts";

/** What the scores of an example read besides queries and keys. */
export function scoreInputs(shape: AttentionShape): {
  readonly pairBias?: ExampleTensor;
  readonly mask?: ExampleTensor;
} {
  const { samples, heads, tokens, biased, masked } = shape;
  // Of three keys one is not there; of the last sample only the first is.
  const kept = (i: number) => Number(i >= (samples - 1) * tokens ? i % tokens === 0 : i % 3 !== 1);
  return {
    ...(biased && { pairBias: activation(input([samples, heads, tokens, tokens])) }),
    ...(masked && {
      mask: input(
        [samples, tokens],
        Float32Array.from({ length: samples * tokens }, (_, i) => kept(i)),
      ),
    }),
  };
}
