import type { ConvProblem } from "./conv3dBlocks.ts";
import { tiledVariants } from "./conv3dTiled.ts";
import { subgroupMatrixVariants } from "./conv3dSubgroupMatrix.ts";
import { conv3dPolyphaseFits, polyphaseVariants } from "./conv3dPolyphase.ts";
import { conv3dRowsFits, rowsVariants } from "./conv3dRows.ts";
import { conv3dWinogradFits, conv3dWinogradVariants } from "./conv3dWinograd.ts";
import { isPointwise } from "./conv3dShape.ts";
import { describeConv, hasManyVoxels, sizesOf, type ConvShape } from "./conv3dCall.ts";
import { CUBIC, directVariants, POINTWISE, SOFTWARE_CUBIC, SOFTWARE_POINTWISE } from "./conv3dDirect.ts";
import { hasLanes } from "../lanes.ts";
import { heldVariants } from "../matmul/held.ts";
import { onLavapipe, onQuads, onSwiftShader, type TableRow, type VariantChoice } from "../kernel.ts";

/**
 * A barrier costs a processor more than what workgroup memory saves it, and it multiplies matrices element by element:
 * one of each is there to be compared with.
 */
const SOFTWARE_BLOCKS = 1;

function problemOf(shape: ConvShape, transposed: boolean): ConvProblem {
  return { sizes: sizesOf(shape), stride: shape.stride, pad: shape.pad, transposed };
}

/** Rows for graphics cards, of which none was measured. */
const subgroupMatrixRow: TableRow<ConvShape> = {
  adapter: "any",
  variant: "subgroup matrix *",
  why: "tensor cores do many times the multiply-adds; f16 alone",
};
const tiledRow: TableRow<ConvShape> = {
  adapter: "any",
  variant: "tiled *",
  why: "workgroup memory; the largest tile for the class that leaves little unused",
};

const strided = ({ stride }: ConvShape): boolean => stride !== 1;
const cubic = ({ kernel, stride }: ConvShape): boolean => kernel === 3 && stride === 1;
/** What conv3dRows.wgsl computes, by the length of its rows. */
const rows = (shape: ConvShape, above: number, to = Infinity): boolean =>
  cubic(shape) && shape.pad === 1 && shape.outW > above && shape.outW <= to;

/** What conv3dWinogradMatmul.wgsl is worth its passes for. */
const inPoints = (shape: ConvShape): boolean => cubic(shape) && hasManyVoxels(shape);

export const conv3dVariants: VariantChoice<ConvShape> = {
  kernel: "conv3d",
  of(caps, shape, dtype) {
    const software = caps.adapterClass === "software";
    const pointwise = isPointwise(shape);
    const tiles = software ? (pointwise ? SOFTWARE_POINTWISE : SOFTWARE_CUBIC) : pointwise ? POINTWISE : CUBIC;
    const problem = problemOf(shape, false);
    const tiled = tiledVariants(caps, problem);
    const matrices = subgroupMatrixVariants(caps, problem, shape.exchanged === 1, dtype);
    if (!software) return [...matrices, ...tiled, ...directVariants(caps, tiles)];
    const inRows = conv3dRowsFits(caps, problem.sizes, shape.stride, shape.pad) ? rowsVariants(shape.outW) : [];
    const polyphase = conv3dPolyphaseFits(caps, problem) ? polyphaseVariants(problem.sizes) : [];
    const winograd = conv3dWinogradFits(caps, problem) ? conv3dWinogradVariants(problem.sizes) : [];
    const blocks = [tiled, matrices].flatMap((some) => some.slice(0, SOFTWARE_BLOCKS));
    const held = hasLanes(caps) && pointwise ? heldVariants() : [];
    return [...inRows, ...winograd, ...held, ...polyphase, ...directVariants(caps, tiles), ...blocks];
  },
  // "rows" and "polyphase" need subgroups of eight lanes: SwiftShader, whose have four, passes over them.
  table: [
    {
      ...onLavapipe("rows 2x8x8", "192 accumulators a lane, whose loop fits the instruction cache"),
      when: (shape) => rows(shape, 8),
    },
    {
      ...onLavapipe(
        "rows 1x8x16",
        "128 channels at 8^3 15 % less than 1x8x8, which compiles in two thirds of the time",
      ),
      when: (shape) => rows(shape, 4, 8) && shape.outC > 32,
    },
    { ...onLavapipe("rows 1x8x8", "where a row is one subgroup"), when: (shape) => rows(shape, 4, 8) },
    {
      ...onLavapipe("rows 1x4x16", "4^3 grids have rows to fill a subgroup, and many channels"),
      when: (shape) => rows(shape, 0, 4) && shape.outC > 32,
    },
    {
      ...onLavapipe("rows 1x4x8", "a tenth slower than 1x4x16, and compiles in less than half the time"),
      when: (shape) => rows(shape, 0, 4),
    },
    {
      ...onLavapipe("direct 8x1x8 w8", "8x16^3x16 1.1 ms, polyphase 2x4x32 2.3, most of whose channels are unused"),
      when: (shape) => isPointwise(shape) && shape.outC <= 8,
    },
    {
      ...onLavapipe("direct 8x1x16 w8", "8x8^3x32 0.48 ms, exchanged 8x16^3x8 1.3; polyphase 2x4x32 0.69 and 1.9"),
      when: (shape) => isPointwise(shape) && shape.outC <= 16,
    },
    {
      ...onLavapipe("held 32x64", "6,720 rows of 32 to 64 channels 39 GFLOP/s, 64x64 26"),
      when: (shape) => isPointwise(shape) && shape.inC <= 32,
    },
    {
      ...onLavapipe("held 64x32", "6,720 rows of 64 to 32 channels 43 GFLOP/s, 64x64 38"),
      when: (shape) => isPointwise(shape) && shape.outC <= 32,
    },
    {
      ...onLavapipe(
        "held 64x64",
        "a matrix product: 6,720 rows of 64 to 64 channels 56 GFLOP/s, with weights in an array read by an index 24, " +
          "polyphase 2x4x32 22",
      ),
      when: isPointwise,
    },
    {
      ...onLavapipe("polyphase 2x4x8", "36 to 39 % less than 2x4x16, half of whose channels are unused"),
      when: (shape) => strided(shape) && shape.outC <= 8,
    },
    { ...onLavapipe("polyphase 2x4x16", "four taps share a load"), when: strided },
    {
      ...onLavapipe("polyphase 1x8x64", "kernels of 2"),
      when: (shape) => strided(shape) && shape.outC > 32,
    },
    { ...onLavapipe("polyphase 1x8x32", "kernels of 2"), when: strided },
    {
      ...onQuads("winograd 16x32", "32 channels at 32^3 75 ms, direct 4x4x8 265; 64 at 16^3, batch 4, 100 and 534"),
      when: (shape) => inPoints(shape) && shape.outC > 16,
    },
    {
      ...onQuads("winograd 16x16", "16 channels at 8^3, batch 8, 4.2 ms, direct 4x4x8 9.6"),
      when: (shape) => inPoints(shape) && shape.outC > 8,
    },
    { ...onQuads("winograd 16x8", "8 channels at 16^3, batch 8, 14 ms, direct 4x4x8 22"), when: inPoints },
    { ...onSwiftShader("direct 4x4x8 w8", "128 accumulators, more spill and compile for longer"), when: cubic },
    { ...onQuads("direct 4x4x8 w8", "3x3x3 at 32^3 49 ms, 2x4x8 63; 4x4x4 391 and 472"), when: strided },
    { ...onSwiftShader("direct 8x1x16 w8", "inputs serve many channels"), when: isPointwise },
    onLavapipe("direct 2x4x8 w8", "fewer outputs where each needs more inputs; it is loads that compile slowly"),
    subgroupMatrixRow,
    tiledRow,
  ],
  describe: describeConv,
};

export const convTranspose3dVariants: VariantChoice<ConvShape> = {
  kernel: "convTranspose3d",
  of(caps, shape, dtype) {
    const problem = problemOf(shape, true);
    const tiled = tiledVariants(caps, problem);
    const matrices = subgroupMatrixVariants(caps, problem, shape.exchanged === 1, dtype);
    if (caps.adapterClass !== "software") return [...matrices, ...tiled, ...directVariants(caps, CUBIC)];
    const polyphase = conv3dPolyphaseFits(caps, problem) ? polyphaseVariants(problem.sizes) : [];
    const blocks = [tiled, matrices].flatMap((some) => some.slice(0, SOFTWARE_BLOCKS));
    return [...polyphase, ...directVariants(caps, SOFTWARE_CUBIC), ...blocks];
  },
  table: [
    {
      ...onLavapipe("polyphase 2x4x8", "30 % less than 2x4x16"),
      when: ({ kernel, outC }) => kernel === 4 && outC <= 8,
    },
    onLavapipe("polyphase 2x4x16", "four taps share a load"),
    { ...onLavapipe("polyphase 1x8x64", "kernels of 2"), when: ({ kernel, outC }) => kernel === 2 && outC > 32 },
    { ...onLavapipe("polyphase 1x8x32", "kernels of 2"), when: ({ kernel }) => kernel === 2 },
    onQuads("direct 2x4x8 w8", "a quarter to a third less than 4x4x8"),
    onLavapipe("direct 4x4x8 w8", "128 accumulators; a tile needs few inputs beside them"),
    subgroupMatrixRow,
    tiledRow,
  ],
  describe: describeConv,
};
