import { activation, input, type ExampleTensor } from "../example.ts";
import type { AttentionShape } from "./attentionSizes.ts";

/** What the scores of an example read besides queries and keys. */
export function scoreInputs(shape: AttentionShape): {
  readonly pairBias?: ExampleTensor;
  readonly mask?: ExampleTensor;
} {
  const { samples, copies, heads, tokens, biased, masked } = shape;
  const chains = samples / copies;
  // Of three keys one is not there; of the last chain only the first is.
  const kept = (i: number) => Number(i >= (chains - 1) * tokens ? i % tokens === 0 : i % 3 !== 1);
  return {
    ...(biased && { pairBias: activation(input([chains, heads, tokens, tokens])) }),
    ...(masked && {
      mask: input(
        [chains, tokens],
        Float32Array.from({ length: chains * tokens }, (_, i) => kept(i)),
      ),
    }),
  };
}
