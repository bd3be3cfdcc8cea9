import { addScaled, float64, product } from "./rows.ts";
import { twin, type Twins } from "./twin.ts";

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
}

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
  of: { qkv: ArrayLike<number>; edges: ArrayLike<number>; bias: number },
): { y: Float64Array; logSumExp: Float64Array } {
  const { atoms, slots, heads, head } = shape;
  const operands = { ...of, qkv: float64(of.qkv) };
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
          addScaled([y, g.out(i, j, h)], [operands.qkv, g.part(i, k, h, 2)], head, Math.exp(score - log));
        });
      }
    }
  }
  return { y, logSumExp };
}

/** Twin of the gradients in float64, from the same y and logarithms. */
export function neighbourAttentionGrad(
  shape: NeighbourAttentionCase,
  of: { qkv: ArrayLike<number>; edges: ArrayLike<number>; bias: number },
  { y, logSumExp, gradY }: { y: ArrayLike<number>; logSumExp: ArrayLike<number>; gradY: ArrayLike<number> },
): { gradQkv: Float64Array; gradBias: number } {
  const { atoms, slots, heads, head } = shape;
  const operands = { ...of, qkv: float64(of.qkv) };
  const { qkv } = operands;
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
          const grad = p * (product([outer, at], [qkv, g.part(i, k, h, 2)], head) - dot);
          const scaled = grad / Math.sqrt(head);
          addScaled([gradQkv, g.part(i, j, h, 0)], [qkv, g.part(i, k, h, 1)], head, scaled);
          addScaled([gradQkv, g.part(i, k, h, 1)], [qkv, g.part(i, j, h, 0)], head, scaled);
          addScaled([gradQkv, g.part(i, k, h, 2)], [outer, at], head, p);
          gradBias += grad * g.angle(i, j, k);
        });
      }
    }
  }
  return { gradQkv, gradBias };
}

export const twins: Twins = {
  neighbourAttention: twin<"qkv" | "edges" | "bias", keyof NeighbourAttentionCase>(({ qkv, edges, bias }, shape) => {
    return { ...neighbourAttention(shape, { qkv, edges, bias: bias[0]! }) };
  }),
  neighbourAttentionGrad: twin<
    "qkv" | "edges" | "bias" | "y" | "logSumExp" | "gradY" | "gradBias",
    keyof NeighbourAttentionCase
  >(({ qkv, edges, bias, gradBias, ...rest }, shape) => {
    const grads = neighbourAttentionGrad(shape, { qkv, edges, bias: bias[0]! }, rest);
    return { gradQkv: grads.gradQkv, gradBias: [gradBias[0]! + grads.gradBias] };
  }),
};
