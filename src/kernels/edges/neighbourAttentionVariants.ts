import type { CallShape, TableRow, Variant, VariantChoice } from "../kernel.ts";

/** What the work of a call depends on. */
export interface NeighbourAttentionShape extends CallShape {
  readonly atoms: number;
  readonly slots: number;
  readonly heads: number;
  /** Columns of a head. */
  readonly head: number;
  /** 1 where probabilities are dropped. */
  readonly dropout: number;
}

/** Slots that a thread makes: each key that it loads serves them all. */
const BLOCKS = [1, 2, 4];

const table: readonly TableRow<NeighbourAttentionShape>[] = [
  { adapter: "any", variant: "blocks of 1", why: "many threads" },
];

const variants = (kernel: string): VariantChoice<NeighbourAttentionShape> => ({
  kernel,
  of: () => BLOCKS.map((block): Variant => ({ name: `blocks of ${block}`, constants: { BLOCK: block } })),
  table,
  describe: ({ atoms, slots, heads, head, dropout }) =>
    `${atoms}x${slots}, ${heads} heads of ${head}${dropout ? ", dropout" : ""}`,
});

export const neighbourAttentionVariants = variants("neighbourAttention");
export const neighbourAttentionGradVariants = variants("neighbourAttentionGrad");

/** What tests run. */
export const neighbourAttentionShapes: readonly NeighbourAttentionShape[] = [
  { atoms: 11, slots: 7, heads: 3, head: 16, dropout: 0 },
  { atoms: 5, slots: 20, heads: 1, head: 4, dropout: 0 },
  { atoms: 1, slots: 1, heads: 2, head: 8, dropout: 0 },
  { atoms: 10, slots: 7, heads: 2, head: 4, dropout: 1 },
];
