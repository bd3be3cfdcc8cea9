import neighbourCellsShader from "../../../shaders/neighbours/neighbourCells.wgsl";
import { onLavapipe, type Variant, type VariantChoice } from "../kernel.ts";
import { describeShape, type NeighbourShape } from "./layout.ts";

/** The work of a call. */
export interface NeighbourListShape extends NeighbourShape {
  /** 1: those for whom there was no slot are counted. */
  readonly counted: number;
  /** 1: structures have cells. */
  readonly periodic: number;
}

/** The squares of so many distances a thread can keep. */
const MOST_KEPT = 512;

const ALL_PAIRS: Variant = { name: "all pairs", constants: {} };
const KEPT_PAIRS: Variant = { name: "kept pairs", constants: { keep: 1 } };
const CELLS: Variant = { name: "cells", shader: neighbourCellsShader.name, constants: {} };

export const neighbourListVariants: VariantChoice<NeighbourListShape> = {
  kernel: "neighbourList",
  of: (_, { atoms }) => [ALL_PAIRS, ...(atoms <= MOST_KEPT ? [KEPT_PAIRS] : []), CELLS],
  table: [
    {
      ...onLavapipe("all pairs", "as fast where there is nothing to choose, and compiles sooner"),
      when: ({ atoms, slots }) => atoms <= slots + 1,
    },
    {
      ...onLavapipe("kept pairs", "64x100 3.3 ms, all pairs 8.6, cells 15; 4x500 3.9, 11 and 4.6"),
      when: ({ atoms }) => atoms <= MOST_KEPT,
    },
    onLavapipe("cells", "1x1000 3.4 ms, all pairs 9; 1x10000 19 and 1200"),
    {
      adapter: "any",
      when: ({ atoms }) => atoms <= 1024,
      variant: "all pairs",
      why: "one dispatch instead of a dozen",
    },
    { adapter: "any", variant: "cells", why: "time that grows with the atoms alone" },
  ],
  describe: (shape) =>
    `${describeShape(shape)}${shape.counted ? ", dropped counted" : ""}${shape.periodic ? ", periodic" : ""}`,
};
