import { requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";
import { countedElements, type SymmetryGroup } from "./symmetryGroup.ts";

/** For each channel of a grid the channel that it gets its values from. */
export type ChannelPermutation = readonly number[];

/**
 * All permutations of a grid's channels, which for channels that mean different things are no symmetry of the data: a
 * control, whose share is expected to stay high. Vectors, tensors and scalars stay as they are.
 *
 * @param channels 2 to 12
 * @throws VoxtwirlError "bad-option" for another number of channels
 */
export function channelPermutations(channels: number): SymmetryGroup<ChannelPermutation> {
  requireWhole("channels", channels, 2, 12);
  const all = Array.from({ length: channels }, (_, c) => c);
  const order = all.reduce((product, c) => product * (c + 1), 1);
  return {
    name: "channel-permutations",
    ...countedElements(order, (i) => permutationAt(i, all)),
    inverse: (permutation) => permutation.map((_, c) => permutation.indexOf(c)),
    act(permutation, values, how) {
      if (how.kind !== "grid") return values;
      if (how.channels === channels) return permuted(permutation, values);
      const message = `a grid of ${how.channels} channels is none of ${channels}, whose permutations these are`;
      throw new VoxtwirlError("bad-shape", message, `Give channelPermutations(${how.channels}).`);
    },
  };
}

/** Number `i` of all in lexical order, by its digits in the factorial number system; 0 is the identity. */
function permutationAt(i: number, all: readonly number[]): ChannelPermutation {
  const left = [...all];
  const digits = all.map((_, place) => {
    const digit = i % (place + 1);
    i = Math.floor(i / (place + 1));
    return digit;
  });
  return digits.reverse().map((digit) => left.splice(digit, 1)[0]!);
}

function permuted(permutation: ChannelPermutation, values: FloatArray): FloatArray {
  const moved = zerosLike(values);
  const channels = permutation.length;
  for (let at = 0; at < values.length; at += channels) {
    for (let c = 0; c < channels; c++) moved[at + c] = values[at + permutation[c]!]!;
  }
  return moved;
}
