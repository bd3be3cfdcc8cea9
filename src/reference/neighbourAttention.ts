import { dropoutFactors } from "./dropout.ts";
import { addScaled, float64, product } from "./rows.ts";
import { stepOf, twin, type Twins } from "./twin.ts";

/** Sizes of attention among the slots of neighbour lists. */
export interface NeighbourAttentionCase {
  readonly atoms: number;
  readonly slots: number;
  readonly heads: number;
  readonly head: number;
}

interface Operands {
  readonly qkv: Float64Array;
  readonly edges: ArrayLike<number>;
  readonly bias: number;
  /** What probabilities are multiplied by before they weigh values; 1 by default. */
  readonly kept?: KeptOf | undefined;
}

/** Of an atom, a head, a slot and a key. */
type KeptOf = (atom: number, h: number, j: number, k: number) => number;

const all: KeptOf = () => 1;

/** Slots in use of each atom, and where the parts of a slot's head lie. */
function geometry({ slots, heads, head }: NeighbourAttentionCase, { edges }: Operands) {
  const width = heads * head;
  return {
    width,
    used(atom: number): number {
      let count = 0;
      while (count < slots && edges[4 * (atom * slots + count) + 3]! > 0) count++;
      return count;
    },
    part: (atom: number, slot: number, h: number, which: 0 | 1 | 2) =>
      (atom * slots + slot) * 3 * width + which * width + h * head,
    out: (atom: number, slot: number, h: number) => (atom * slots + slot) * width + h * head,
    angle(atom: number, j: number, k: number): number {
      const [a, b] = [4 * (atom * slots + j), 4 * (atom * slots + k)];
      return edges[a]! * edges[b]! + edges[a + 1]! * edges[b + 1]! + edges[a + 2]! * edges[b + 2]!;
    },
  };
}

function logits(shape: NeighbourAttentionCase, of: Operands, atom: number, h: number, j: number): Float64Array {
  const g = geometry(shape, of);
  return Float64Array.from({ length: g.used(atom) }, (_, k) => {
    const dot = product([of.qkv, g.part(atom, j, h, 0)], [of.qkv, g.part(atom, k, h, 1)], shape.head);
    return dot / Math.sqrt(shape.head) + of.bias * g.angle(atom, j, k);
  });
}

/** Twin of shaders/edges/neighbourAttention.wgsl in float64. */
export function neighbourAttention(
  shape: NeighbourAttentionCase,
  of: { qkv: ArrayLike<number>; edges: ArrayLike<number>; bias: number; kept?: KeptOf | undefined },
): { y: Float64Array; logSumExp: Float64Array } {
  const { atoms, slots, heads, head } = shape;
  const operands = { ...of, qkv: float64(of.qkv) };
  const { kept = all } = of;
  const g = geometry(shape, operands);
  const y = new Float64Array(atoms * slots * g.width);
  const logSumExp = new Float64Array(atoms * slots * heads);
  for (let i = 0; i < atoms; i++) {
    for (let h = 0; h < heads; h++) {
      for (let j = 0; j < g.used(i); j++) {
        const scores = logits(shape, operands, i, h, j);
        const largest = Math.max(...scores);
        const log = largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
        logSumExp[(i * slots + j) * heads + h] = log;
        scores.forEach((score, k) => {
          addScaled(
            [y, g.out(i, j, h)],
            [operands.qkv, g.part(i, k, h, 2)],
            head,
            kept(i, h, j, k) * Math.exp(score - log),
          );
        });
      }
    }
  }
  return { y, logSumExp };
}

/** Twin of the gradients in float64, from the same y and logarithms. */
export function neighbourAttentionGrad(
  shape: NeighbourAttentionCase,
  of: { qkv: ArrayLike<number>; edges: ArrayLike<number>; bias: number; kept?: KeptOf | undefined },
  { y, logSumExp, gradY }: { y: ArrayLike<number>; logSumExp: ArrayLike<number>; gradY: ArrayLike<number> },
): { gradQkv: Float64Array; gradBias: number } {
  const { atoms, slots, heads, head } = shape;
  const operands = { ...of, qkv: float64(of.qkv) };
  const { qkv } = operands;
  const { kept = all } = of;
  const [out, outer] = [float64(y), float64(gradY)];
  const g = geometry(shape, operands);
  const gradQkv = new Float64Array(qkv.length);
  let gradBias = 0;
  for (let i = 0; i < atoms; i++) {
    for (let h = 0; h < heads; h++) {
      for (let j = 0; j < g.used(i); j++) {
        const at = g.out(i, j, h);
        const dot = product([outer, at], [out, at], head);
        logits(shape, operands, i, h, j).forEach((score, k) => {
          const p = Math.exp(score - logSumExp[(i * slots + j) * heads + h]!);
          const left = kept(i, h, j, k);
          const grad = p * (left * product([outer, at], [qkv, g.part(i, k, h, 2)], head) - dot);
          const scaled = grad / Math.sqrt(head);
          addScaled([gradQkv, g.part(i, j, h, 0)], [qkv, g.part(i, k, h, 1)], head, scaled);
          addScaled([gradQkv, g.part(i, k, h, 1)], [qkv, g.part(i, j, h, 0)], head, scaled);
          addScaled([gradQkv, g.part(i, k, h, 2)], [outer, at], head, left * p);
          gradBias += grad * g.angle(i, j, k);
        });
      }
    }
  }
  return { gradQkv, gradBias };
}

/** The factors of examples with dropout: ten atoms of two structures, rate 0.3, stream 4. */
export function keptOf(
  { atoms, slots, heads }: NeighbourAttentionCase,
  words: ArrayLike<number> | undefined,
): KeptOf | undefined {
  if (!words) return undefined;
  const { seedLo, seedHi, step, sample } = stepOf(words);
  const [own, row] = [atoms / 2, 4 * Math.ceil(slots / 4)];
  const factors = [0, 1].map((n) =>
    dropoutFactors(own * slots * heads * row, 0.3, 4, step, [seedLo, seedHi], sample + n),
  );
  return (atom, h, j, k) => factors[Math.floor(atom / own)]![(((atom % own) * slots + j) * heads + h) * row + k]!;
}

export const twins: Twins = {
  neighbourAttention: twin<"qkv" | "edges" | "bias", keyof NeighbourAttentionCase>((tensors, shape) => {
    const { qkv, edges, bias, step } = tensors as typeof tensors & { step?: ArrayLike<number> };
    return { ...neighbourAttention(shape, { qkv, edges, bias: bias[0]!, kept: keptOf(shape, step) }) };
  }),
  neighbourAttentionGrad: twin<
    "qkv" | "edges" | "bias" | "y" | "logSumExp" | "gradY" | "gradBias",
    keyof NeighbourAttentionCase
  >((tensors, shape) => {
    const { qkv, edges, bias, step, gradBias, ...rest } = tensors as typeof tensors & { step?: ArrayLike<number> };
    const grads = neighbourAttentionGrad(shape, { qkv, edges, bias: bias[0]!, kept: keptOf(shape, step) }, rest);
    return { gradQkv: grads.gradQkv, gradBias: [gradBias[0]! + grads.gradBias] };
  }),
};
