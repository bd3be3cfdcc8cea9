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

/** Atoms above which cells pay on lavapipe. */
const FEW = 250;

const ALL_PAIRS: Variant = { name: "all pairs", constants: {} };
const CELLS: Variant = { name: "cells", shader: neighbourCellsShader.name, constants: {} };

export const neighbourListVariants: VariantChoice<NeighbourListShape> = {
  kernel: "neighbourList",
  // Grids of cells have ends.
  of: (_, { periodic }) => (periodic ? [ALL_PAIRS] : [ALL_PAIRS, CELLS]),
  table: [
    { ...onLavapipe("all pairs", "16x200 7 ms, cells 10; 64x100 9 and 17"), when: ({ atoms }) => atoms <= FEW },
    onLavapipe("cells", "8x400 10 ms, all pairs 14; 1x1000 4 and 9; 1x10000 22 and 1200"),
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
